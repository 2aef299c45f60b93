package configs

import (
	"reflect"
	"strings"
)

// nearest returns the word that a misspelt one most likely means, or "" when none is near: at most one edit for every
// three letters, and never more than three.
func nearest(word string, words []string) string {
	best, bestEdits := "", min(3, (len(word)+2)/3)+1
	for _, candidate := range words {
		if edits := distance(strings.ToLower(word), candidate, bestEdits); edits < bestEdits {
			best, bestEdits = candidate, edits
		}
	}
	return best
}

// didYouMean returns the question to put behind a problem; "" when there is nothing to suggest.
func didYouMean(words ...string) string {
	if suggestion := strings.Join(words, " or "); suggestion != "" {
		return ", did you mean " + suggestion + "?"
	}
	return ""
}

// distance counts the edits (insert, delete, replace, or swap of neighbours: the optimal string alignment distance)
// that make b of a; it may return limit for anything not below it. Bytes stand for letters: keys are ASCII.
func distance(a, b string, limit int) int {
	if len(a) >= len(b)+limit || len(b) >= len(a)+limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// homes returns where in the configuration a key of that name belongs, as paths from the top.
func homes(key string, t reflect.Type, prefix string) (paths []string) {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Pointer {
		prefix += map[reflect.Kind]string{reflect.Slice: "[]", reflect.Map: ".*"}[t.Kind()]
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range fieldsOf(t) {
		name := yamlName(f)
		if name == "" {
			continue
		}
		path := join(prefix, name)
		if name == key {
			paths = append(paths, path)
		}
		paths = append(paths, homes(key, f.Type, path)...)
	}
	return paths
}

// join returns the path of a key below prefix.
func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}
