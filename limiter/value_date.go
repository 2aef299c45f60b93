package limiter

import "time"

// parseDate reads an instant as destinations write it, in any of the forms of RFC 9110 section 5.6.7 (IMF-fixdate, RFC
// 850, asctime), of RFC 3339 (seconds, fraction and zone may be missing; a blank may stand for the T), of RFC 1123
// with another zone than GMT, and of JavaScript's Date. Without a zone it is UTC. now tells which century a year of
// two digits is in. fine is the smallest unit that was written.
func parseDate(b []byte, now time.Time) (at time.Time, fine time.Duration, ok bool) {
	b = trim(b)
	if len(b) < 15 || len(b) > 96 {
		return time.Time{}, 0, false
	}
	if b[4] == '-' {
		return parseISODate(b)
	}
	return parseWordDate(b, now)
}

// parseISODate reads YYYY-MM-DD, a T or a blank, hh:mm, and what may follow: seconds, a fraction, a zone.
func parseISODate(b []byte) (at time.Time, fine time.Duration, ok bool) {
	var year, month, dayOfMonth int
	if year, ok = digits(b[:4]); !ok {
		return
	}
	if month, ok = digits(b[5:7]); !ok || b[7] != '-' {
		return time.Time{}, 0, false
	}
	if dayOfMonth, ok = digits(b[8:10]); !ok || (b[10]|0x20 != 't' && b[10] != ' ') {
		return time.Time{}, 0, false
	}
	c, rest, ok := parseClock(b[11:])
	if !ok {
		return
	}
	offset, ok := parseZone(trim(rest))
	if !ok {
		return
	}
	return instant(year, month, dayOfMonth, c, offset)
}

// clock is a time of day and the smallest unit it was written in.
type clock struct {
	hour, minute, second, nano int
	fine                       time.Duration
}

// parseClock reads hh:mm, or hh:mm:ss with an optional fraction, and returns what follows.
func parseClock(b []byte) (c clock, rest []byte, ok bool) {
	if len(b) < 5 || b[2] != ':' {
		return c, b, false
	}
	if c.hour, ok = digits(b[:2]); !ok || c.hour > 23 {
		return c, b, false
	}
	if c.minute, ok = digits(b[3:5]); !ok || c.minute > 59 {
		return c, b, false
	}
	c.fine, rest = time.Second, b[5:]
	if len(rest) < 3 || rest[0] != ':' {
		return c, rest, true
	}
	if c.second, ok = digits(rest[1:3]); !ok || c.second > 60 {
		return c, b, false
	}
	rest = rest[3:]
	if len(rest) < 2 || (rest[0] != '.' && rest[0] != ',') || rest[1] < '0' || rest[1] > '9' {
		return c, rest, true
	}
	unit := 1_000_000_000
	for rest = rest[1:]; len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9'; rest = rest[1:] {
		unit /= 10
		c.nano += int(rest[0]-'0') * unit
	}
	c.fine = time.Duration(max(unit, 1))
	return c, rest, true
}

// parseZone reads Z, GMT, UTC, an offset (+hh:mm, +hhmm, +hh), or GMT with an offset. Nothing is UTC, and so is what
// stands in brackets behind it (JavaScript's name of the zone).
func parseZone(b []byte) (offset time.Duration, ok bool) {
	if len(b) >= 3 && (equalFold(b[:3], "gmt") || equalFold(b[:3], "utc")) {
		b = b[3:]
	} else if len(b) > 0 && b[0]|0x20 == 'z' {
		b = b[1:]
	}
	b = trim(b)
	if len(b) == 0 || b[0] == '(' {
		return 0, true
	}
	sign := time.Duration(1)
	switch b[0] {
	case '-':
		sign = -1
	case '+':
	default:
		return 0, false
	}
	offset, ok = parseOffset(b[1:])
	return sign * offset, ok
}

// parseOffset reads hh:mm, hhmm or hh, with nothing or a bracket behind it.
func parseOffset(b []byte) (offset time.Duration, ok bool) {
	if len(b) < 2 {
		return 0, false
	}
	h, ok := digits(b[:2])
	if !ok || h > 14 {
		return 0, false
	}
	b = b[2:]
	m := 0
	if len(b) > 0 && b[0] == ':' {
		b = b[1:]
	}
	if len(b) >= 2 && b[0] >= '0' && b[0] <= '9' {
		if m, ok = digits(b[:2]); !ok || m > 59 {
			return 0, false
		}
		b = b[2:]
	}
	if b = trim(b); len(b) > 0 && b[0] != '(' {
		return 0, false
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, true
}

// parseWordDate reads dates that name their month: words in any order of the known forms, apart by blanks, commas or
// hyphens.
func parseWordDate(b []byte, now time.Time) (at time.Time, fine time.Duration, ok bool) {
	year, month, dayOfMonth := -1, 0, -1
	var c clock
	var offset time.Duration
	haveClock := false
	for len(b) > 0 {
		if b[0] == ' ' || b[0] == ',' || (b[0] == '-' && !haveClock) {
			b = b[1:]
			continue
		}
		end := 0
		for end < len(b) && b[end] != ' ' && b[end] != ',' && (b[end] != '-' || haveClock) {
			end++
		}
		word := b[:end]
		n, isNumber := digits(word)
		switch {
		case isNumber && len(word) == 4 && year < 0:
			year = n
		case isNumber && len(word) <= 2 && dayOfMonth < 0:
			dayOfMonth = n
		case isNumber && len(word) == 2 && year < 0:
			year = century(n, now)
		case end == 8 && word[2] == ':' && !haveClock:
			var rest []byte
			if c, rest, haveClock = parseClock(word); !haveClock || len(rest) > 0 {
				return time.Time{}, 0, false
			}
		case isNumber:
			return time.Time{}, 0, false
		case haveClock && half(word) >= 0: // Mashery: Monday, March 2, 2026 12:00:00 AM GMT
			if c.hour < 1 || c.hour > 12 {
				return time.Time{}, 0, false
			}
			c.hour = c.hour%12 + half(word)
		case haveClock:
			// A zone may be followed by its name in brackets, in asctime's cousins by the year.
			if word[0] == '(' {
				end = len(b)
			} else if offset, ok = parseZone(word); !ok {
				return time.Time{}, 0, false
			}
		case month == 0 && monthOf(word) != 0:
			month = monthOf(word)
		case month == 0 && dayOfMonth < 0 && weekday(word): // its name decides nothing
		default:
			return time.Time{}, 0, false
		}
		b = b[end:]
	}
	if !haveClock || month == 0 || dayOfMonth < 0 || year < 0 {
		return time.Time{}, 0, false
	}
	return instant(year, month, dayOfMonth, c, offset)
}

// half returns at which hour the half of a day begins that is called AM or PM, -1 for other words.
func half(b []byte) int {
	switch {
	case equalFold(b, "am"):
		return 0
	case equalFold(b, "pm"):
		return 12
	}
	return -1
}

// century completes a year of two digits: one that seems more than 50 years ahead is past (RFC 9110 section 5.6.7).
func century(n int, now time.Time) int {
	year := now.Year()/100*100 + n
	if year > now.Year()+50 {
		year -= 100
	}
	return year
}

func instant(year, month, dayOfMonth int, c clock, offset time.Duration) (time.Time, time.Duration, bool) {
	if year < 1970 || month < 1 || month > 12 || dayOfMonth < 1 || dayOfMonth > 31 {
		return time.Time{}, 0, false
	}
	at := time.Date(year, time.Month(month), dayOfMonth, c.hour, c.minute, c.second, c.nano, time.UTC)
	if at.Day() != dayOfMonth && c.second < 60 { // the 31st of a month of 30 days
		return time.Time{}, 0, false
	}
	return at.Add(-offset), c.fine, true
}

// monthOf reads the English name of a month, in full or its first three letters; 0 when it is none.
func monthOf(b []byte) int {
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	if len(b) < 3 || len(b) > 9 {
		return 0
	}
	for i := 0; i < len(names); i += 3 {
		if equalFold(b[:3], names[i:i+3]) {
			return i/3 + 1
		}
	}
	return 0
}

// weekday reports whether b is the English name of a day of the week, in full or its first three letters.
func weekday(b []byte) bool {
	const names = "montuewedthufrisatsun"
	if len(b) < 3 || len(b) > 9 {
		return false
	}
	for i := 0; i < len(names); i += 3 {
		if equalFold(b[:3], names[i:i+3]) {
			return true
		}
	}
	return false
}
