package configs

import (
	"strconv"
	"strings"
)

// Size is an amount of bytes in YAML: a whole number with a binary unit (`768KiB`, `2GiB`), a decimal one (`10GB`), or
// none, which means bytes. Never negative. The zero value is 0.
type Size int64

// Binary units of Size.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
	TiB Size = 1 << 40
)

const wantSize = "a whole number of bytes, KiB, MiB, GiB, TiB, KB, MB, GB or TB, such as 10GiB"

// sizeUnits holds the units from the longest name to the shortest, so that `KiB` is not taken for `B`.
var sizeUnits = []struct {
	name  string
	bytes Size
}{
	{"TiB", TiB}, {"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3},
	{"B", 1},
}

// String returns the shortest exact form with a unit; plain bytes where no unit fits.
func (s Size) String() string {
	short := strconv.FormatInt(int64(s), 10)
	if s <= 0 {
		return short
	}
	for _, unit := range sizeUnits {
		if unit.bytes == 1 || s%unit.bytes != 0 {
			continue
		}
		if form := strconv.FormatInt(int64(s/unit.bytes), 10) + unit.name; len(form) <= len(short) {
			short = form
		}
	}
	return short
}

// MarshalText returns String's form; YAML and JSON write sizes by it.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a size; YAML, JSON and command-line flags read by it.
func (s *Size) UnmarshalText(text []byte) error {
	count, unit := string(text), Size(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(count, u.name); ok {
			count, unit = strings.TrimSuffix(rest, " "), u.bytes
			break
		}
	}
	n, problem := parseCount(count)
	if problem != "" {
		return &valueError{"is not a size", wantSize}
	}
	if n > int64((1<<63-1)/unit) {
		return &valueError{"is more bytes than fit in 63 bits", wantSize}
	}
	*s = Size(n) * unit
	return nil
}

// parseCount reads digits, and nothing but digits, as a number; problem says in words why it is none.
func parseCount(s string) (n int64, problem string) {
	if s == "" {
		return 0, "has no number"
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return 0, "is not a whole number"
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil { // only digits: it can only be too large
		return 0, "is too large a number"
	}
	return n, ""
}
