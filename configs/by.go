package configs

import (
	"strconv"
	"strings"
)

// ByKind is what a destination counts calls by.
type ByKind string

// The kinds of By, as they are written in YAML.
const (
	ByHost          ByKind = "host"          // all calls to the host together
	ByAuthorization ByKind = "authorization" // the credential: the Authorization header
	ByPath          ByKind = "path"          // the URL's path, or its first segments
	ByLimitKey      ByKind = "limit_key"     // the definition's limit_key, when the caller knows best
)

// By is what a destination counts calls by: `host`, `authorization`, `path`, `path:2` or `limit_key`. The zero value
// is "not given".
type By struct {
	Kind ByKind
	// Segments is how many leading segments of the path count, with ByPath only: path:2 takes /a/b of /a/b/c. Zero:
	// the whole path.
	Segments int
}

const (
	wantBy      = "host, authorization, path, path:N (its first N segments, 1 to 16) or limit_key"
	maxSegments = 16
)

// IsZero reports whether it was not given.
func (b By) IsZero() bool { return b == By{} }

// String returns the form that By reads back to the same value; "" when it was not given.
func (b By) String() string {
	if b.Segments > 0 {
		return string(b.Kind) + ":" + strconv.Itoa(b.Segments)
	}
	return string(b.Kind)
}

// MarshalText returns String's form; YAML and JSON write it so.
func (b By) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads what is counted by; YAML, JSON and command-line flags read by it.
func (b *By) UnmarshalText(text []byte) error {
	kind, count, counted := strings.Cut(string(text), ":")
	switch by := ByKind(kind); by {
	case ByHost, ByAuthorization, ByPath, ByLimitKey:
		n, problem := parseCount(count)
		switch {
		case !counted:
			*b = By{Kind: by}
			return nil
		case by != ByPath:
			return &valueError{"takes no number", wantBy}
		case problem != "" || n < 1 || n > maxSegments:
			return &valueError{"has no number of segments from 1 to 16", wantBy}
		}
		*b = By{Kind: by, Segments: int(n)}
		return nil
	}
	return &valueError{"is not known", wantBy}
}
