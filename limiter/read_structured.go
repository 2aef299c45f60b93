package limiter

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// structured reads everything from one field: the items of drafts 08 and later, the dictionary of draft 07 and its
// cousins. It reports false when the value is neither.
func (r *Reader) structured(g *group, base Window, value []byte) bool {
	if g.rank == rankDraft {
		base.Source = sourceItems
	}
	if value = trim(value); len(value) > 0 && value[0] == '{' {
		r.object(g, base, value)
		return true
	}
	m, rest, ok := nextMember(value)
	if !ok {
		return false
	}
	_, plain := parseCount(m.value)
	plain = plain && !m.quoted
	if m.key != nil && string(m.key) != "b" {
		r.dictionary(g, base, value)
		return true
	}
	if len(m.params) == 0 || m.key == nil && plain {
		return false
	}
	for ; ok; m, rest, ok = nextMember(rest) {
		w := base
		w.Name = r.intern(m.value)
		p := r.lists[0].named(m.value)
		if u := unitNamed(m.value); u != nil {
			w.Unit = r.intern(u)
		}
		if p != nil {
			p.taken = true
			w.Length = p.length
			w.setCounts(p)
			if p.unit != nil {
				w.Unit = r.intern(p.unit)
			}
		}
		for k, v, more, ok := nextParam(m.params); ok; k, v, more, ok = nextParam(more) {
			r.pair(&w, k, v)
		}
		r.found.add(w, g)
	}
	return true
}

// dictionary reads limit=100, remaining=50, reset=5, whatever the separators.
func (r *Reader) dictionary(g *group, base Window, value []byte) {
	for m, rest, ok := nextMember(value); ok; m, rest, ok = nextMember(rest) {
		r.pair(&base, m.key, m.value)
		for k, v, more, ok := nextParam(m.params); ok; k, v, more, ok = nextParam(more) {
			r.pair(&base, k, v)
		}
	}
	r.adopt(&base, &r.lists[0])
	r.found.add(base, g)
}

// object reads a JSON object: {"period":300,"limit":1000,"remaining":999,"until":"2026-03-01T12:05:00Z"}, as Trakt sends.
func (r *Reader) object(g *group, base Window, value []byte) {
	in := jsontext.NewDecoder(bytes.NewReader(value))
	for {
		name, err := in.ReadToken()
		if err != nil || in.StackDepth() == 0 {
			break
		}
		if name.Kind() != '"' {
			continue
		}
		key := name.String()
		v, err := in.ReadValue()
		if err != nil {
			break
		}
		if key == "name" {
			base.Name = r.intern(unquote(v))
		}
		r.pair(&base, []byte(key), unquote(v))
	}
	r.found.add(base, g)
}

// pair takes up one key of an item or a dictionary.
func (r *Reader) pair(w *Window, key, value []byte) {
	var low [12]byte
	if len(key) > len(low) {
		return
	}
	for i, c := range key {
		low[i] = fold(c)
	}
	switch string(low[:len(key)]) {
	case "q", "limit", "total":
		w.setLimit(parseCount(value))
	case "r", "remaining":
		w.setRemaining(parseCount(value))
	case "t", "reset", "resets", "until":
		r.setReset(w, value, 0)
	case "w", "window", "period":
		w.Length = parseLength(value, time.Second)
	case "qu":
		w.Unit = r.intern(value)
	}
}
