package configs

import "fmt"

// HostSet answers whether a host is one of those that a list of patterns names, in a time that does not depend on how
// many there are. The zero value has none. It may be used from many goroutines.
type HostSet struct{ patterns map[pattern]struct{} }

// Hosts compiles a list of patterns; those that cannot be read, which a valid configuration has none of, are left out.
func Hosts(list []string) HostSet {
	s := HostSet{patterns: make(map[pattern]struct{}, len(list))}
	for _, text := range list {
		if p, err := parsePattern(text); err == nil {
			s.patterns[p] = struct{}{}
		}
	}
	return s
}

// Empty reports whether the set names no host.
func (s HostSet) Empty() bool { return len(s.patterns) == 0 }

// Has reports whether a host, an authority in lower case as lanes have it, is in the set.
func (s HostSet) Has(host string) bool {
	_, ok := match(s.patterns, host)
	return ok
}

// checkHosts checks a list of host patterns.
func checkHosts(k *checker, path string, list []string) {
	first := map[pattern]int{}
	for i, text := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		p, err := parsePattern(text)
		if err != nil {
			k.fail(at, text, err.problem, err.want)
			continue
		}
		if before, twice := first[p]; twice {
			k.fail(at, text, fmt.Sprintf("matches what %s[%d] matches", path, before), "each host once")
			continue
		}
		first[p] = i
	}
}
