package configs

import (
	"fmt"
	"slices"
)

// item returns the path of a list's item.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// checkWords checks a list of words, where one is given: at least one, each known, each once.
func checkWords(k *checker, path string, list Listed[string], known ...string) {
	if list != nil && len(list) == 0 {
		k.fail(path, "[]", "allows nothing", "at least one of "+fmt.Sprint(known))
	}
	for i, word := range list {
		oneOf(k, item(path, i), word, known...)
		if slices.Contains(list[:i], word) {
			k.fail(item(path, i), word, "is listed twice", "each once")
		}
	}
}

func checkPorts(k *checker, path string, ports Listed[int]) {
	for i, port := range ports {
		within(k, item(path, i), port, 1, 65535)
		if slices.Contains(ports[:i], port) {
			k.fail(item(path, i), port, "is listed twice", "each port once")
		}
	}
}

// between checks a number that need not be given.
func between(k *checker, path string, n *float64, low, high float64) {
	if n != nil {
		within(k, path, *n, low, high)
	}
}
