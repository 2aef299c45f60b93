package limiter

import (
	"math"
	"time"
)

const day = 24 * time.Hour

// parseDuration reads a length of time written with its units, Go's "6m0s" and "12ms", "456 seconds", "1d 2h", "PT30S", or as a clock
// shows it, "00:00:03".
// It returns how fine the value is, so that what was rounded can be told from what was not.
func parseDuration(b []byte) (d, fine time.Duration, ok bool) {
	b = trim(b)
	if len(b) == 0 || len(b) > 48 {
		return 0, 0, false
	}
	if b[0] == 'P' {
		return parseISODuration(b[1:])
	}
	if b[len(b)-1] >= '0' && b[len(b)-1] <= '9' {
		return parseClocked(b)
	}
	total := 0.0
	fine = time.Second
	for len(b) > 0 {
		end := 0
		for end < len(b) && (b[end] >= '0' && b[end] <= '9' || b[end] == '.') {
			end++
		}
		v, frac, numeric := parseNumber(b[:end])
		if !numeric {
			return 0, 0, false
		}
		b = trim(b[end:])
		end = 0
		for end < len(b) && (b[end] < '0' || b[end] > '9') && b[end] != ' ' && b[end] != ',' {
			end++
		}
		unit, known := unitOf(b[:end])
		if !known {
			return 0, 0, false
		}
		total += v * float64(unit)
		fine = min(fine, max(scale(unit, frac), 1))
		b = b[end:]
		for len(b) > 0 && (b[0] == ' ' || b[0] == ',') {
			b = b[1:]
		}
	}
	if total > float64(math.MaxInt64)/2 {
		return 0, 0, false
	}
	return time.Duration(math.Round(total)), fine, true
}

// parseISODuration reads what follows the P of a length by ISO 8601, as Java's and JavaScript's durations are written: PT1M30.5S, P1DT12H.
// Months and years, which have no length, are none.
func parseISODuration(b []byte) (d, fine time.Duration, ok bool) {
	total, fine, days := 0.0, time.Second, true
	for len(b) > 0 {
		if b[0] == 'T' && days && len(b) > 1 {
			b, days = b[1:], false
		}
		end := 0
		for end < len(b) && (b[end] >= '0' && b[end] <= '9' || b[end] == '.') {
			end++
		}
		v, frac, numeric := parseNumber(b[:end])
		if !numeric || end == len(b) {
			return 0, 0, false
		}
		unit, known := unitOf(b[end : end+1])
		if !known || (unit >= day) != days {
			return 0, 0, false
		}
		total += v * float64(unit)
		fine = min(fine, max(scale(unit, frac), 1))
		b, ok = b[end+1:], true
	}
	if !ok || total > float64(math.MaxInt64)/2 {
		return 0, 0, false
	}
	return time.Duration(math.Round(total)), fine, true
}

// parseClocked reads a length of less than a day as a clock shows it, hh:mm:ss with an optional fraction: .NET's TimeSpan.
func parseClocked(b []byte) (d, fine time.Duration, ok bool) {
	c, rest, ok := parseClock(b)
	if !ok || len(rest) > 0 || len(b) < len("00:00:00") {
		return 0, 0, false
	}
	d = time.Duration(c.hour)*time.Hour + time.Duration(c.minute)*time.Minute + time.Duration(c.second)*time.Second
	return d + time.Duration(c.nano), c.fine, true
}

// scale is unit divided by ten, frac times.
func scale(unit time.Duration, frac int) time.Duration {
	for range min(frac, 18) {
		unit /= 10
	}
	return unit
}

// unitOf reads a unit of time as vendors spell it.
func unitOf(b []byte) (time.Duration, bool) {
	if len(b) == 0 || len(b) > 12 {
		return 0, false
	}
	var low [12]byte
	for i, c := range b {
		low[i] = fold(c)
	}
	switch string(low[:len(b)]) {
	case "ns":
		return time.Nanosecond, true
	case "us", "µs", "μs":
		return time.Microsecond, true
	case "ms", "msec", "millis", "millisecond", "milliseconds":
		return time.Millisecond, true
	case "s", "sec", "secs", "second", "seconds":
		return time.Second, true
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, true
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return day, true
	case "w", "week", "weeks":
		return 7 * day, true
	case "month", "months":
		return 30 * day, true
	}
	return 0, false
}

// parseLength reads the length of a window: a number (of unit), a word ("hour") or a duration. Longer than MaxReset
// in seconds is reread as milliseconds, and is nothing when still too long.
func parseLength(b []byte, unit time.Duration) time.Duration {
	if v, _, ok := parseNumber(b); ok {
		return lengthOf(v, unit)
	}
	if u, ok := unitOf(trim(b)); ok {
		return u
	}
	if d, _, ok := parseDuration(b); ok && d > 0 && d <= MaxReset {
		return d
	}
	return 0
}

// wordLength reads a length from the first word of what is told: minute, Daily-limit, QPS.
func wordLength(b []byte) time.Duration {
	if len(b) > maxName {
		return 0
	}
	var buf [maxName]byte
	low := buf[:len(b)]
	for i, c := range b {
		low[i] = fold(c)
	}
	from, to, ok := nextWord(low, 0)
	if !ok {
		return 0
	}
	if unit, known := unitOf(low[from:to]); known {
		return unit
	}
	return meaningOf(low[from:to]).period
}

// lengthOf turns a number of units into the length of a window, 0 where it cannot be one.
func lengthOf(v float64, unit time.Duration) time.Duration {
	switch limit := float64(MaxReset); {
	case !(v > 0):
		return 0
	case v*float64(unit) <= limit:
		return time.Duration(math.Round(v * float64(unit)))
	case unit == time.Second && v*float64(time.Millisecond) <= limit:
		return time.Duration(math.Round(v * float64(time.Millisecond)))
	}
	return 0
}
