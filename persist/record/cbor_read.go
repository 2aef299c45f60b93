package record

import (
	"bytes"
	"encoding/binary"
	"math"
)

// What follows reads a webhook as cbor.go writes it, in less than half the library's time: one is read for every attempt of a
// backlog. Whatever stands there in another way, which no release writes, is left to the library.

// reading is a map of fields that is read in the order in which fields writes it. Once strange it stays so.
type reading struct {
	b       []byte
	left    uint64 // fields
	strange bool   // something is there that fields does not write
}

func newReading(b []byte) reading {
	r := reading{b: b}
	r.left = r.item(cborMap)
	return r
}

// whole reports that all was read, and as it is written.
func (r *reading) whole() bool { return !r.strange && r.left == 0 && len(r.b) == 0 }

// at reports whether a field comes next, and goes behind its key.
func (r *reading) at(k byte) bool {
	if r.strange || r.left == 0 || len(r.b) == 0 || r.b[0] != k {
		return false
	}
	r.left--
	r.b = r.b[1:]
	return true
}

// item reads an item's head: its argument, where it is of that major type.
func (r *reading) item(major byte) (n uint64) {
	if len(r.b) == 0 || r.b[0]&0xe0 != major {
		r.strange = true
		return 0
	}
	short, rest := r.b[0]&0x1f, r.b[1:]
	size := 0 // bytes of the argument
	if short >= 24 {
		size = 1 << (short - 24)
	}
	if short > 27 || len(rest) < size {
		r.strange = true
		return 0
	}
	switch size {
	case 0:
		n = uint64(short)
	case 1:
		n = uint64(rest[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(rest))
	case 4:
		n = uint64(binary.BigEndian.Uint32(rest))
	default:
		n = binary.BigEndian.Uint64(rest)
	}
	r.b = rest[size:]
	return n
}

// next reads a string's bytes, which are those of the record.
func (r *reading) next(major byte) []byte {
	n := r.item(major)
	if n > uint64(len(r.b)) {
		r.strange = true
	}
	if r.strange {
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

// count reads how many items there are of a list or map; none is not written. An item takes a byte at least.
func (r *reading) count(major byte) uint64 {
	n := r.item(major)
	r.strange = r.strange || n == 0 || n > uint64(len(r.b)) || n > maxItems
	if r.strange {
		return 0
	}
	return n
}

func (r *reading) string() string { return string(r.next(cborText)) }

func (r *reading) text(k byte, to *string) {
	if r.at(k) {
		*to = r.string()
	}
}

func (r *reading) bytes(k byte, to *[]byte) {
	if r.at(k) {
		*to = bytes.Clone(r.next(cborBytes))
	}
}

func (r *reading) digest(k byte, to *[16]byte) {
	if !r.at(k) {
		return
	}
	v := r.next(cborBytes)
	r.strange = r.strange || len(v) != len(to)
	copy(to[:], v)
}

func (r *reading) int(k byte, to *int64) {
	if !r.at(k) || len(r.b) == 0 {
		return
	}
	major := r.b[0] & 0xe0
	if major != cborNint {
		major = cborUint
	}
	n := r.item(major)
	r.strange = r.strange || n > math.MaxInt64
	if *to = int64(n); major == cborNint { //nolint:gosec // just looked at
		*to = -1 - *to
	}
}

func (r *reading) flag(k byte, to *bool) {
	if !r.at(k) {
		return
	}
	if *to = len(r.b) > 0 && r.b[0] == cborTrue; !*to {
		r.strange = true
		return
	}
	r.b = r.b[1:]
}

func (r *reading) headers(k byte, to *[]Header) {
	if !r.at(k) {
		return
	}
	hs := make([]Header, r.count(cborArray))
	for i := range hs {
		if r.item(cborArray) != 2 {
			r.strange = true
		}
		hs[i].Name, hs[i].Value = r.string(), r.string()
		if r.strange {
			return
		}
	}
	*to = hs
}

func (r *reading) strings(k byte, to *map[string]string) {
	if !r.at(k) {
		return
	}
	n := r.count(cborMap)
	m := make(map[string]string, n)
	for range n {
		name, value := r.string(), r.string()
		if r.strange {
			return
		}
		m[name] = value
	}
	r.strange = r.strange || uint64(len(m)) != n // a name twice
	*to = m
}

// read reads what append wrote; false: it is not that, and the webhook is not to be used.
func (w *Webhook) read(b []byte) bool {
	r := newReading(b)
	r.text(1, &w.Method)
	r.text(2, &w.URL)
	r.headers(3, &w.Headers)
	r.bytes(4, &w.Body)
	r.text(5, &w.Host)
	r.digest(6, (*[16]byte)(&w.LaneKey))
	r.text(7, &w.Tenant)
	r.text(8, &w.Flow)
	var priority int64
	r.int(9, &priority)
	w.Priority = Priority(priority) //nolint:gosec // looked at below
	r.digest(10, (*[16]byte)(&w.Ordering))
	r.text(11, &w.Policy)
	r.text(12, &w.Type)
	r.strings(13, &w.Metadata)
	r.int(14, &w.SendAt)
	r.int(15, &w.Expires)
	r.flag(16, &w.ExpireEarly)
	r.text(17, &w.Variation)
	r.text(18, &w.Subscription)
	r.text(19, &w.Event)
	r.digest(20, (*[16]byte)(&w.Subject))
	r.digest(21, (*[16]byte)(&w.Replays))
	r.text(22, &w.Credential)
	r.text(23, &w.Trace)
	return r.whole() && int64(w.Priority) == priority
}
