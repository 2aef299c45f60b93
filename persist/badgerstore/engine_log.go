package badgerstore

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
	"strconv"
)

// The log of a memtable: the number of the key that it is encrypted with, eight bytes, 0 for none; a vector of twelve; entries; then
// zeros. An entry is its marks, a byte for the user's, of which there are none, the lengths of key and value and when it expires as
// varints, key, value, and a CRC-32C of it all. Those of a transaction have its number behind their keys; one that says that
// number in decimal ends it.
const (
	logHead     = 20
	logTxn      = 1 << 6 // of the marks: one of a transaction
	logFin      = 1 << 7 // the end of one
	logMarks    = logTxn | logFin | 1<<0 | 1<<2 | 1<<3
	logKey      = 1 << 16 // bytes that a key is shorter than
	logKeyStamp = 8       // bytes of the transaction's number, behind the key
)

// logEntry is where an entry stands in a log.
type logEntry struct {
	marks    byte
	key, val []byte
	size     int
}

// readLogEntry reads the entry that b begins with; false where none that is whole does.
func readLogEntry(b []byte) (e logEntry, ok bool) {
	if len(b) < 2 || b[0]&^logMarks != 0 || b[0]&(logTxn|logFin) == 0 || b[1] != 0 {
		return e, false
	}
	at := 2
	var sizes [3]uint64
	for i := range sizes {
		n, used := binary.Uvarint(b[at:min(len(b), at+binary.MaxVarintLen64)])
		if used <= 0 {
			return e, false
		}
		sizes[i], at = n, at+used
	}
	if sizes[0] >= logKey || sizes[1] > uint64(len(b)) || uint64(at)+sizes[0]+sizes[1]+crc32.Size > uint64(len(b)) {
		return e, false
	}
	value := at + int(sizes[0])  //nolint:gosec // below len(b)
	end := value + int(sizes[1]) //nolint:gosec // below len(b)
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return e, false
	}
	return logEntry{b[0], b[at:value], b[value:end], end + crc32.Size}, true
}

// mendLog returns a log without what is damaged of it, and where that begins; nil where nothing is. A transaction that the process
// died in is not damage: it is the last, and nobody was told of it. Of a log that is encrypted, where an entry can be read at its
// own place only, what stands before the damage is returned.
func mendLog(b []byte) (whole []byte, damage int) {
	if len(b) < logHead {
		return nil, 0
	}
	m := logMending{encrypted: binary.BigEndian.Uint64(b) != 0, ordinal: 1}
	m.read(b)
	if !m.later {
		return nil, 0
	}
	again := logMending{encrypted: m.encrypted, ordinal: 1, keep: true, whole: slices.Clone(b[:logHead])}
	again.read(b)
	return append(again.whole, make([]byte, len(b)-len(again.whole))...), again.damage
}

// spanOf returns which transactions a log has that is whole, but for what the process died in.
func spanOf(b []byte, keys *keyring) (s logSpan, err error) {
	s.empty = true
	if len(b) < logHead {
		return s, nil
	}
	key, err := keys.of(binary.BigEndian.Uint64(b))
	if err != nil {
		return s, err
	}
	for at := logHead; at < len(b); {
		e, ok := readLogEntry(b[at:])
		if !ok {
			break
		}
		if e.marks&logFin != 0 {
			if key != nil {
				e.val = unsealedEntry(append(slices.Clone(e.key), e.val...), b, at, key)[len(e.key):]
			}
			if s.last = e.txn(); s.first == 0 {
				s.first = s.last
			}
		}
		at += e.size
	}
	s.empty = s.last == 0 // of its only transaction nobody was told
	return s, nil
}

// logMending is what is known of a log as far as it was read.
type logMending struct {
	keep      bool   // whole is wanted, not only whether there is damage
	whole     []byte // its head, and the transactions that have their end
	part      []byte // what was read of the one that has not
	open      uint64 // its number; 0: none is open
	ordinal   uint64 // which one it is, in order
	encrypted bool

	damage int    // where it begins; 0: none was found
	of     uint64 // number of the first transaction that it may have hit, or its ordinal; 0: not known yet
	later  bool   // another one begins behind it, so that it is no end of writing
}

// read reads a log to its end.
func (m *logMending) read(b []byte) {
	for at := logHead; at < len(b); {
		if e, ok := readLogEntry(b[at:]); ok {
			m.take(&e, b[at:at+e.size])
			at += e.size
			continue
		}
		rest := bytes.TrimLeft(b[at:], "\x00")
		if len(rest) == 0 {
			return
		}
		if m.damage == 0 {
			m.damage, m.of = at, m.open
			if m.encrypted {
				m.of = m.ordinal
			}
		}
		at = max(at+1, len(b)-len(rest))
	}
}

// take takes an entry as it stands in the log.
func (m *logMending) take(e *logEntry, raw []byte) {
	fin := e.marks&logFin != 0
	n := m.ordinal
	if !m.encrypted {
		n = e.txn()
	}
	if m.damage != 0 {
		m.later = m.later || m.of != 0 && n != m.of
		m.of = max(m.of, n)
	}
	if n != m.open {
		m.part, m.open = m.part[:0], n
	}
	if m.keep {
		m.part = append(m.part, raw...)
	}
	if !fin {
		return
	}
	if len(m.part) > len(raw) && (m.damage == 0 || !m.encrypted) { // Badger ends at an end without a beginning
		m.whole = append(m.whole, m.part...)
	}
	m.part, m.open = m.part[:0], 0
	m.ordinal++
}

// txn returns the number of the entry's transaction; 0 where it tells none.
func (e *logEntry) txn() uint64 {
	if e.marks&logFin != 0 {
		n, err := strconv.ParseUint(string(e.val), 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	if len(e.key) < logKeyStamp {
		return 0
	}
	return math.MaxUint64 - binary.BigEndian.Uint64(e.key[len(e.key)-logKeyStamp:]) // so that later ones sort first
}
