package limiter

import (
	"bytes"
	"time"
)

// item is one member of a Limit, a Remaining or a policy list: a count, and what it is counted over.
type item struct {
	count  int64
	told   bool          // count was read
	used   int64         // of "32/40"; Unknown when not told
	length time.Duration // 0 when not told
	unit   []byte
	name   []byte
	taken  bool // a policy that a window has adopted
}

// itemList is a list of bounded length; further members are dropped.
type itemList struct {
	at [6]item
	n  int
}

// read reads a list, forgetting what was there.
func (l *itemList) read(value []byte) {
	l.n = 0
	for m, rest, ok := nextMember(value); ok && l.n < len(l.at); m, rest, ok = nextMember(rest) {
		l.at[l.n] = readItem(m)
		l.n++
	}
}

func (l *itemList) add(it item) {
	if l.n < len(l.at) {
		l.at[l.n] = it
		l.n++
	}
}

// named returns the policy of that name, or nil.
func (l *itemList) named(name []byte) *item {
	for i := range l.n {
		if bytes.Equal(l.at[i].name, name) {
			return &l.at[i]
		}
	}
	return nil
}

// match returns the item for a window of that length, else the ith, else nil.
func (l *itemList) match(i int, length time.Duration) *item {
	for j := range l.n {
		if length > 0 && l.at[j].length == length {
			return &l.at[j]
		}
	}
	if i < l.n && l.at[i].length == 0 {
		return &l.at[i]
	}
	return nil
}

// readItem reads a count with its parameters: 100;w=60, 100;window=60, "permin";q=50;w=60;qu="content-bytes", 32/40
// (used of limit), 100:120 (count in seconds) and 100:120:60 (and how long too many are punished), 60r/m, 100 per hour, 1m (a length alone).
func readItem(m member) item {
	it := item{used: Unknown}
	switch it.count, it.told = parseCount(m.value); {
	case m.quoted && m.params != nil: // a name, even if it reads as a number or a time: "1m";q=600;w=60
		it.count, it.told, it.name = 0, false, m.value
	case !it.told && !it.readPair(m.value):
		if d, _, ok := parseDuration(m.value); ok && d <= MaxReset {
			it.length = d
		} else {
			it.name = m.value
		}
	}
	for k, v, rest, ok := nextParam(m.params); ok; k, v, rest, ok = nextParam(rest) {
		switch {
		case equalFold(k, "w"), equalFold(k, "window"):
			it.length = parseLength(v, time.Second)
		case equalFold(k, "q"):
			it.count, it.told = parseCount(v)
		case equalFold(k, "qu"):
			it.unit = v
		case equalFold(k, "name"):
			it.name = v
		}
	}
	if it.unit == nil && it.name != nil {
		it.unit = unitNamed(it.name)
	}
	return it
}

// unitNamed returns the unit that a window's name is the word for, other than calls, as in "complexity";q=5000000;w=60; nil where
// it is none.
func unitNamed(name []byte) []byte {
	var low [16]byte
	if len(name) == 0 || len(name) > len(low) {
		return nil
	}
	for i, c := range name {
		low[i] = fold(c)
	}
	if u := meaningOf(low[:len(name)]).unit; u != "" && u != UnitRequests && string(low[:len(name)]) != "token" { // whose limit it is
		return []byte(u)
	}
	return nil
}

// readPair reads two numbers, or a number and a time, with a sign between them.
func (it *item) readPair(b []byte) bool {
	left, right, ok := bytes.Cut(b, []byte("/"))
	if !ok {
		if left, right, ok = bytes.Cut(b, []byte(":")); ok {
			n, told := parseCount(left)
			right, _, _ = bytes.Cut(right, []byte(":"))
			seconds, isNumber := parseCount(right)
			if !told || !isNumber {
				return false
			}
			it.count, it.told, it.length = n, true, lengthOf(float64(seconds), time.Second)
			return true
		}
		if left, right, ok = bytes.Cut(b, []byte(" per ")); !ok {
			return false
		}
	}
	left = bytes.TrimRight(countOf(left), "r")
	n, told := parseCount(left)
	if !told {
		return false
	}
	if of, isNumber := parseCount(right); isNumber {
		it.used, it.count, it.told = n, of, true
		return true
	}
	if it.length = parseLength(right, time.Second); it.length > 0 {
		it.count, it.told = n, true
	}
	return it.told
}

// countOf is what stands before the word for calls in "10 requests per second" and "10 req/s".
func countOf(b []byte) []byte {
	n, word, ok := bytes.Cut(trim(b), []byte(" "))
	var low [16]byte
	if word = trim(word); ok && len(word) <= len(low) && meaningOf(lower(low[:0], word)).unit == UnitRequests {
		return n
	}
	return trim(b)
}

// setCounts takes a window's limit, and what was used of it where that is told in the same breath.
func (w *Window) setCounts(it *item) {
	w.setLimit(it.count, it.told)
	if it.used >= 0 && w.Limit >= 0 {
		w.Remaining = max(0, w.Limit-it.used)
	}
}

// setLimit takes a limit; negative is unknown (Azure OpenAI's -1).
func (w *Window) setLimit(n int64, told bool) {
	if told && n >= 0 {
		w.Limit = n
	}
}

// setRemaining takes what is left; below zero it is nothing, when there is a limit that can be overdrawn.
func (w *Window) setRemaining(n int64, told bool) {
	switch {
	case told && n >= 0:
		w.Remaining = n
	case told && w.Limit != Unknown:
		w.Remaining = 0
	}
}

// setUsed takes what was used of a limit.
func (w *Window) setUsed(n int64, told bool) {
	if told && n >= 0 && w.Limit != Unknown {
		w.Remaining = max(0, w.Limit-n)
	}
}
