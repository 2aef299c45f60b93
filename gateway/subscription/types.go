package subscription

import (
	"fmt"
	"slices"
	"strings"
)

// everything is the pattern that every event type fits.
const everything = "*"

// checkPattern says what is wrong with an event type that a subscription asks for; empty: nothing.
func checkPattern(p string) string {
	name, prefix := strings.CutSuffix(p, ".*")
	switch {
	case p == everything:
		return ""
	case prefix && name == "":
		return "has nothing before .*"
	case strings.ContainsRune(name, '*'):
		return "has a * that is neither alone nor a last part of its own"
	}
	return checkType(name)
}

// checkType says what is wrong with the name of an event's type; empty: nothing.
func checkType(t string) string {
	switch {
	case t == "":
		return "is empty"
	case len(t) > MaxType:
		return fmt.Sprintf("%d bytes are too many", len(t))
	case strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "holds a space, or a character that is not printable ASCII"
	}
	return ""
}

// covers reports whether whatever fits pattern b fits a as well.
func covers(a, b string) bool {
	if a == everything || a == b {
		return true
	}
	prefix, ok := strings.CutSuffix(a, "*")
	return ok && b != everything && strings.HasPrefix(b, prefix)
}

// disjoint returns patterns that the same types fit, none of them by two.
func disjoint(patterns []string) []string {
	var kept []string
	for i, p := range patterns {
		covered := slices.ContainsFunc(patterns[:i], func(o string) bool { return covers(o, p) }) ||
			slices.ContainsFunc(patterns[i+1:], func(o string) bool { return o != p && covers(o, p) })
		if !covered {
			kept = append(kept, p)
		}
	}
	return kept
}

// union returns the patterns of both, each once, those of a first.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, p := range b {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}
