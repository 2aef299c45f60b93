package configs

import (
	"strings"
	"time"
)

// Duration is a length of time in YAML: Go's form (`1h30m`, `250ms`) and whole or fractional days (`7d`, `1d12h`).
// Never negative. The zero value is 0s.
type Duration time.Duration

// Lengths that appear in defaults and bounds.
const (
	second = Duration(time.Second)
	minute = Duration(time.Minute)
	hour   = Duration(time.Hour)
	day    = 24 * hour
)

const wantDuration = "a length of time such as 250ms, 30s, 1h30m or 7d"

// String returns the shortest form that Duration reads back to the same value, without days: 72h, 1h30m, 250ms.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText returns String's form; YAML and JSON write durations by it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a duration; YAML, JSON and command-line flags read by it.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if isNumber(s) && s != "0" {
		return &valueError{"has no unit", wantDuration}
	}
	days, rest, hasDays := strings.Cut(s, "d")
	if !hasDays {
		days, rest = "", s
	}
	var sum time.Duration
	if hasDays {
		n, err := parseDays(days)
		if err != nil {
			return err
		}
		sum = n
	}
	if rest != "" || !hasDays {
		part, err := time.ParseDuration(rest)
		switch {
		case err != nil:
			return &valueError{"is not a length of time", wantDuration}
		case part < 0:
			return &valueError{"is negative", wantDuration}
		case hasDays && (rest[0] == '+' || rest[0] == '-'):
			return &valueError{"is not a length of time", wantDuration}
		}
		if sum += part; sum < 0 { // two terms below 2^63 add up to less than 2^64: an overflow shows as a negative sum
			return &valueError{"is longer than 292 years", wantDuration}
		}
	}
	*d = Duration(sum)
	return nil
}

// parseDays reads the count before `d`. time.ParseDuration reads it as hours, which keeps its exact arithmetic and
// its checks; times 24 then has to fit.
func parseDays(count string) (time.Duration, error) {
	if !isNumber(count) {
		return 0, &valueError{"is not a length of time", wantDuration}
	}
	h, err := time.ParseDuration(count + "h")
	if err != nil || h < 0 || h > (1<<63-1)/24 {
		return 0, &valueError{"is not a length of time below 292 years", wantDuration}
	}
	return h * 24, nil
}

// isNumber reports whether s is digits with at most one point among them.
func isNumber(s string) bool {
	digits, points := 0, 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r == '.':
			points++
		default:
			return false
		}
	}
	return digits > 0 && points <= 1
}
