package record

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
)

// Position is a place in a queue. Queues are read from a position on, never from their head.
type Position struct {
	// Rank is Due as it was when written, or the store's clock where that was later, in Unix ms: so a fresh webhook
	// never sorts before what was due already. Always 0 in a queue with an ordering key.
	Rank int64
	ID   ID
}

// Compare orders positions as the disk does: by rank, then by id.
func (p Position) Compare(o Position) int {
	if c := cmp.Compare(p.Rank, o.Rank); c != 0 {
		return c
	}
	return bytes.Compare(p.ID[:], o.ID[:])
}

// Entry is how a live webhook stands in its queue: all that deciding when to send it needs, and the only thing a
// retry rewrites. The zero value of each counter is a webhook that was never tried.
type Entry struct {
	Position
	Due       int64  // not before this instant; Unix ms
	Expires   int64  // no attempt begins after it; Unix ms, 0: never
	Tries     uint16 // attempts that counted against the policy
	Throttled uint16 // attempts the destination deferred: they spend time, not tries
	Trying    uint32 // ms of trying so far: attempts and the delays its schedule chose, without what held it back
	Deferred  uint32 // ms that throttled attempts made it wait
	Size      uint32 // bytes of its payload
	// Early: it ends as soon as it can be seen that it will not be sent before Expires.
	Early bool
}

// Attempts is how many attempts were made in all.
func (e *Entry) Attempts() int { return int(e.Tries) + int(e.Throttled) }

const (
	entryVersion = 1
	// earlyBit, beside the version, is Early: releases that do not know it refuse such an entry.
	earlyBit = 0x80
	// EntrySize is the stored size of an entry beside its key; it must stay at or below 64.
	EntrySize = 1 + 8 + 8 + 2 + 2 + 4 + 4 + 4
)

// Append appends the entry's stored form, without its position, which is in the key.
func (e *Entry) Append(b []byte) []byte {
	version := byte(entryVersion)
	if e.Early {
		version |= earlyBit
	}
	b = append(b, version)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Due))     //nolint:gosec // bits, not a quantity
	b = binary.BigEndian.AppendUint64(b, uint64(e.Expires)) //nolint:gosec // bits, not a quantity
	b = binary.BigEndian.AppendUint16(b, e.Tries)
	b = binary.BigEndian.AppendUint16(b, e.Throttled)
	b = binary.BigEndian.AppendUint32(b, e.Trying)
	b = binary.BigEndian.AppendUint32(b, e.Deferred)
	return binary.BigEndian.AppendUint32(b, e.Size)
}

// ReadEntry reads what Append wrote, at the position its key gives.
func ReadEntry(at Position, b []byte) (Entry, error) {
	if len(b) != EntrySize || b[0]&^earlyBit != entryVersion {
		return Entry{}, fmt.Errorf("%w: entry of %s: %d bytes", ErrFormat, at.ID, len(b))
	}
	return Entry{
		Position:  at,
		Due:       int64(binary.BigEndian.Uint64(b[1:])), //nolint:gosec // bits, not a quantity
		Expires:   int64(binary.BigEndian.Uint64(b[9:])), //nolint:gosec // bits, not a quantity
		Tries:     binary.BigEndian.Uint16(b[17:]),
		Throttled: binary.BigEndian.Uint16(b[19:]),
		Trying:    binary.BigEndian.Uint32(b[21:]),
		Deferred:  binary.BigEndian.Uint32(b[25:]),
		Size:      binary.BigEndian.Uint32(b[29:]),
		Early:     b[0]&earlyBit != 0,
	}, nil
}
