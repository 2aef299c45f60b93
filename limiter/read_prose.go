package limiter

import "bytes"

// Some write what they tell in words: "Remaining: 394 Time until reset: 3589" (Pingdom), "group=default; min=1799; sec=29" (Upbit),
// "token:ABC 5/2000 reset=3495s" (Eventbrite), "{'minute': 100}" (People Data Labs).

// isProse reports whether a value is told in words that no other way of reading makes sense of.
func isProse(value []byte) bool {
	value = trim(value)
	return bytes.IndexByte(value, '/') > 0 && bytes.Contains(value, []byte(" reset=")) || len(value) > 1 && value[0] == '{' && value[1] == '\''
}

// prose reads a value in words, a window for each member of a list, and for each period in it. Until a word says what a number tells,
// it tells what the field does.
func (r *Reader) prose(g *group, base Window, value []byte, tells role) {
	for rest, more := value, true; more; {
		var member []byte
		member, rest, more = bytes.Cut(rest, []byte(","))
		w, now, counted := base, tells, false
		for word, left := nextToken(member); len(word) > 0; word, left = nextToken(left) {
			if word[0] >= '0' && word[0] <= '9' {
				counted = r.number(&w, word, now) || counted
				continue
			}
			if unit, ok := unitOf(word); ok {
				if counted {
					r.found.add(w, g)
				}
				w, now, counted = base, tells, false
				w.Length = unit
				continue
			}
			if len(word) <= maxName {
				var buf [maxName]byte
				if m := meaningOf(lower(buf[:0], word)); m.role != noRole {
					now = m.role
				}
			}
		}
		r.found.add(w, g)
	}
}

// number takes up a number as what it tells: "5/2000" is used of a limit. It reports whether it was one.
func (r *Reader) number(w *Window, word []byte, tells role) bool {
	if it := readItem(member{value: word}); it.used >= 0 {
		w.setCounts(&it)
		return true
	}
	if tells == roleReset {
		r.setReset(w, word, relative)
		return w.HasReset
	}
	n, told := parseCount(word)
	switch tells {
	case roleRemaining:
		w.setRemaining(n, told)
	case roleUsed:
		w.setUsed(n, told)
	default:
		w.setLimit(n, told)
	}
	return told
}

// nextToken returns the first word or number, and what comes behind it.
func nextToken(b []byte) (token, rest []byte) {
	const apart = " \t:;='\"{}()"
	b = bytes.TrimLeft(b, apart)
	if end := bytes.IndexAny(b, apart); end >= 0 {
		return b[:end], b[end:]
	}
	return b, nil
}

// lower appends b to low in lower case.
func lower(low, b []byte) []byte {
	for _, c := range b {
		low = append(low, fold(c))
	}
	return low
}
