package record

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// What follows writes the CBOR (RFC 8949) of the records that every webhook has, field by field: what the library
// writes, in less than half its time and without reflection. A record is a map of small integers in ascending order, its
// empty fields left out where the struct's tag says so; that is deterministic encoding as in section 4.2.1.

// The major types, as they stand in an item's first byte; RFC 8949 section 3.1.
const (
	cborUint  = 0 << 5
	cborNint  = 1 << 5
	cborBytes = 2 << 5
	cborText  = 3 << 5
	cborArray = 4 << 5
	cborMap   = 5 << 5
	cborTrue  = 7<<5 | 21
)

// appendItem appends an item's head: its major type and its argument, in as few bytes as it takes.
func appendItem(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= 0xff:
		return append(b, major|24, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n <= 0xffff_ffff:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

func appendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendItem(b, cborNint, uint64(-1-n))
	}
	return appendItem(b, cborUint, uint64(n))
}

func appendText(b []byte, s string) []byte {
	return append(appendItem(b, cborText, uint64(len(s))), s...)
}

// fields writes a map of fewer than 24 fields, keys ascending below 24. The methods that begin with may leave out what
// is empty.
type fields struct {
	b    []byte
	head int // where the map begins
}

func newFields(b []byte) fields { return fields{append(b, cborMap), len(b)} }

func (f *fields) key(k byte) {
	f.b[f.head]++
	f.b = append(f.b, k)
}

func (f *fields) text(k byte, s string) {
	f.key(k)
	f.b = appendText(f.b, s)
}

func (f *fields) mayText(k byte, s string) {
	if s != "" {
		f.text(k, s)
	}
}

func (f *fields) int(k byte, n int64) {
	f.key(k)
	f.b = appendInt(f.b, n)
}

func (f *fields) mayInt(k byte, n int64) {
	if n != 0 {
		f.int(k, n)
	}
}

func (f *fields) mayTrue(k byte, v bool) {
	if v {
		f.key(k)
		f.b = append(f.b, cborTrue)
	}
}

func (f *fields) bytes(k byte, v []byte) {
	f.key(k)
	f.b = append(appendItem(f.b, cborBytes, uint64(len(v))), v...)
}

func (f *fields) mayBytes(k byte, v []byte) {
	if len(v) > 0 {
		f.bytes(k, v)
	}
}

// mayDigest is of what is no bytes at all where all of them are zero.
func (f *fields) mayDigest(k byte, v [16]byte) {
	if v != [16]byte{} {
		f.bytes(k, v[:])
	}
}

func (f *fields) mayHeaders(k byte, hs []Header) {
	if len(hs) == 0 {
		return
	}
	f.key(k)
	f.b = appendItem(f.b, cborArray, uint64(len(hs)))
	for i := range hs {
		f.b = appendText(appendText(append(f.b, cborArray|2), hs[i].Name), hs[i].Value)
	}
}

func (f *fields) mayStrings(k byte, m map[string]string) {
	if len(m) == 0 {
		return
	}
	f.key(k)
	f.b = appendItem(f.b, cborMap, uint64(len(m)))
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	// As their encodings sort: the shorter before the longer.
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	for _, name := range names {
		f.b = appendText(appendText(f.b, name), m[name])
	}
}

func (w *Webhook) append(b []byte) []byte {
	f := newFields(b)
	f.text(1, w.Method)
	f.text(2, w.URL)
	f.mayHeaders(3, w.Headers)
	f.mayBytes(4, w.Body)
	f.text(5, w.Host)
	f.bytes(6, w.LaneKey[:])
	f.text(7, w.Tenant)
	f.text(8, w.Flow)
	f.mayInt(9, int64(w.Priority))
	f.bytes(10, w.Ordering[:])
	f.text(11, w.Policy)
	f.mayText(12, w.Type)
	f.mayStrings(13, w.Metadata)
	f.mayInt(14, w.SendAt)
	f.mayInt(15, w.Expires)
	f.mayTrue(16, w.ExpireEarly)
	f.mayText(17, w.Variation)
	f.mayText(18, w.Subscription)
	f.mayText(19, w.Event)
	f.mayDigest(20, w.Subject)
	f.mayDigest(21, w.Replays)
	f.mayText(22, w.Credential)
	f.mayText(23, w.Trace)
	return f.b
}

func (a *Attempt) append(b []byte) []byte {
	f := newFields(b)
	f.int(1, int64(a.N))
	f.int(2, a.At)
	f.mayInt(3, a.DurationMs)
	f.mayInt(4, int64(a.Status))
	f.text(5, a.Outcome)
	f.mayText(6, a.ErrorClass)
	f.mayText(7, a.Error)
	f.mayTrue(8, a.TimedOut)
	f.mayHeaders(9, a.Headers)
	f.mayBytes(10, a.Body)
	f.mayInt(11, a.NextRank)
	f.mayInt(12, a.NextDue)
	return f.b
}

func (f *Final) append(b []byte) []byte {
	m := newFields(b)
	m.bytes(1, f.ID[:])
	m.text(2, string(f.State))
	m.text(3, f.Method)
	m.text(4, f.URL)
	m.text(5, f.Host)
	m.text(6, f.Tenant)
	m.text(7, f.Flow)
	m.mayInt(8, int64(f.Priority))
	m.text(9, f.Policy)
	m.mayText(10, f.Type)
	m.mayStrings(11, f.Metadata)
	m.int(12, f.CreatedAt)
	m.int(13, f.FinishedAt)
	m.mayInt(14, f.Expires)
	m.int(15, int64(f.Tries))
	m.mayInt(16, int64(f.Throttled))
	if len(f.Attempts) > 0 {
		m.key(17)
		m.b = appendItem(m.b, cborArray, uint64(len(f.Attempts)))
		for i := range f.Attempts {
			m.b = f.Attempts[i].append(m.b)
		}
	}
	m.mayText(18, f.Reason)
	m.mayText(19, f.Subscription)
	m.mayText(20, f.Event)
	m.mayDigest(21, f.Subject)
	m.mayDigest(22, f.Replays)
	m.mayText(23, f.Trace)
	return m.b
}
