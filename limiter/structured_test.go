package limiter

import (
	"testing"

	"github.com/dunglas/httpsfv"
)

// FuzzStructured holds the list scanner against a strict parser of RFC 9651: what that accepts must be read alike.
func FuzzStructured(f *testing.F) {
	for _, c := range loadCases(f) {
		for _, value := range c.Headers {
			f.Add(value)
		}
	}
	f.Fuzz(func(t *testing.T, field string) {
		list, err := httpsfv.UnmarshalList([]string{field})
		if err != nil {
			return
		}
		rest := []byte(field)
		for i, want := range list {
			item, flat := want.(httpsfv.Item)
			if !flat {
				return // limits are never told in inner lists
			}
			var m member
			var ok bool
			if m, rest, ok = nextMember(rest); !ok {
				t.Fatalf("%q: member %d not read", field, i)
			}
			if !sameValue(item.Value, m.value) {
				t.Fatalf("%q: member %d is %v, read %q", field, i, item.Value, m.value)
			}
			read := map[string][]byte{}
			for k, v, more, ok := nextParam(m.params); ok; k, v, more, ok = nextParam(more) {
				read[string(k)] = v
			}
			for _, key := range item.Params.Names() {
				value, _ := item.Params.Get(key)
				if !sameValue(value, read[key]) {
					t.Fatalf("%q: member %d, parameter %s is %v, read %q", field, i, key, value, read[key])
				}
			}
			if len(read) != len(item.Params.Names()) {
				t.Fatalf("%q: member %d has parameters %v, read %q", field, i, item.Params.Names(), read)
			}
		}
		if m, _, ok := nextMember(rest); ok {
			t.Fatalf("%q: read one member too many: %q", field, m.value)
		}
	})
}

// sameValue compares numbers, plain strings and tokens: what limits are told in.
func sameValue(want any, got []byte) bool {
	switch v := want.(type) {
	case int64:
		n, ok := parseCount(got)
		return ok && (n == v || max(v, -v) > 1e14) || !ok && max(v, -v) > maxCount
	case float64:
		n, _, ok := parseNumber(got)
		return ok && n == v
	case string:
		for _, c := range []byte(v) {
			if c == '"' || c == '\\' {
				return true // escapes are left as they stand
			}
		}
		return string(got) == v
	case httpsfv.Token:
		return string(got) == string(v)
	}
	return true
}
