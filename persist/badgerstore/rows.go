package badgerstore

import (
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// The first byte of each kind of key.
const (
	kindPayload     = 'w'
	kindEntry       = 'j'
	kindAttempt     = 'a'
	kindQueue       = 'q'
	kindState       = 's'
	kindIdempotency = 'i'
	kindGroup       = 'g'
	kindClock       = 'c'
	kindEvent       = 'e'
	kindDocument    = 'd'
	kindAside       = 'x'
)

const (
	rowVersion = 1 // leads every value that is laid out here; those of package record have their own

	idSize       = len(record.ID{})
	positionSize = 8 + idSize
	queueKeySize = 1 + 1 + len(record.QueueID{})
	entryKeySize = queueKeySize + positionSize
	payloadHead  = 1 + 1 + len(record.QueueID{}) + 8
	idemKeySize  = 1 + 32
	idemSize     = 1 + idSize + 16

	// attemptSlots is how many attempts of a live webhook are kept: the n-th in slot n modulo this.
	attemptSlots = 128
	// moveSlot says where a webhook was moved without an attempt.
	moveSlot = 0xffff
)

func idKey(kind byte, id record.ID) []byte {
	return append(append(make([]byte, 0, 1+idSize), kind), id[:]...)
}

// underPrefix is for reading rows by their prefix. Values are inline, so that there is nothing to fetch ahead: Badger would start a
// goroutine for each row that copies it.
func underPrefix(prefix []byte) badger.IteratorOptions { return badger.IteratorOptions{Prefix: prefix} }

func appendQueueKey(b []byte, kind byte, q persist.QueueRef) []byte {
	return append(append(b, kind, byte(q.Part)), q.ID[:]...)
}

func appendPosition(b []byte, p record.Position) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(p.Rank)) //nolint:gosec // Unix ms, never negative
	return append(b, p.ID[:]...)
}

func readPosition(b []byte) (p record.Position) {
	p.Rank = int64(binary.BigEndian.Uint64(b)) //nolint:gosec // bits, not a quantity
	copy(p.ID[:], b[8:])
	return p
}

func entryKey(q persist.QueueRef, p record.Position) []byte {
	return appendPosition(appendQueueKey(make([]byte, 0, entryKeySize), kindEntry, q), p)
}

func attemptKey(id record.ID, slot uint16) []byte {
	return binary.BigEndian.AppendUint16(append(append(make([]byte, 0, 1+idSize+2), kindAttempt), id[:]...), slot)
}

func stateKey(st *persist.State) []byte {
	k := make([]byte, 0, 3+len(st.Lane.Host)+1+len(st.Lane.Key))
	k = append(k, kindState, byte(record.PartOf(st.Lane.Host)), byte(st.Kind))
	k = append(append(k, st.Lane.Host...), 0)
	return append(k, st.Lane.Key[:]...)
}

func readStateKey(k []byte) (st persist.State, err error) {
	host := len(k) - 1 - len(st.Lane.Key)
	if host < 3 || k[host] != 0 {
		return st, fmt.Errorf("%w: state key of %d bytes", record.ErrFormat, len(k))
	}
	st.Kind, st.Lane.Host = persist.StateKind(k[2]), string(k[3:host])
	copy(st.Lane.Key[:], k[host+1:])
	return st, nil
}

// home is where a webhook was queued first; it leads the payload in its row.
type home struct {
	queue persist.QueueRef
	rank  int64
}

func appendHome(b []byte, h home) []byte {
	b = append(append(b, rowVersion, byte(h.queue.Part)), h.queue.ID[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(h.rank)) //nolint:gosec // Unix ms, never negative
}

// payloadRow is the row of a payload whose webhook was queued first at a rank.
func payloadRow(q persist.QueueRef, rank int64, payload []byte) []byte {
	return append(appendHome(make([]byte, 0, payloadHead+len(payload)), home{q, rank}), payload...)
}

func readPayload(b []byte) (h home, payload []byte, err error) {
	if len(b) < payloadHead || b[0] != rowVersion {
		return h, nil, fmt.Errorf("%w: payload row of %d bytes", record.ErrFormat, len(b))
	}
	h.queue.Part = record.Part(b[1])
	n := 2 + copy(h.queue.ID[:], b[2:])
	h.rank = int64(binary.BigEndian.Uint64(b[n:])) //nolint:gosec // bits, not a quantity
	return h, b[payloadHead:], nil
}

func queueRow(descriptor []byte, mark record.Position) []byte {
	return appendPosition(append(make([]byte, 0, len(descriptor)+positionSize), descriptor...), mark)
}

func readQueueRow(b []byte) (q record.Queue, mark record.Position, err error) {
	q, rest, err := record.ReadQueue(b)
	if err == nil && len(rest) != positionSize {
		err = fmt.Errorf("%w: queue row: a mark of %d bytes", record.ErrFormat, len(rest))
	}
	if err != nil {
		return record.Queue{}, record.Position{}, err
	}
	return q, readPosition(rest), nil
}

// remembered is what an idempotency key stands for.
type remembered struct {
	id          record.ID
	fingerprint [16]byte
}

func (r remembered) append(b []byte) []byte {
	return append(append(append(b, rowVersion), r.id[:]...), r.fingerprint[:]...)
}

func readRemembered(b []byte) (r remembered, err error) {
	if len(b) != idemSize || b[0] != rowVersion {
		return r, fmt.Errorf("%w: idempotency row of %d bytes", record.ErrFormat, len(b))
	}
	n := 1 + copy(r.id[:], b[1:])
	copy(r.fingerprint[:], b[n:])
	return r, nil
}

// moved is where a webhook stands that was moved without an attempt, and how many attempts it had by then: an
// attempt beyond those is newer.
type moved struct {
	attempts uint32
	rank     int64
}

func (m moved) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(append(b, rowVersion), m.attempts)
	return binary.BigEndian.AppendUint64(b, uint64(m.rank)) //nolint:gosec // Unix ms, never negative
}

func readMoved(b []byte) (moved, error) {
	if len(b) != 13 || b[0] != rowVersion {
		return moved{}, fmt.Errorf("%w: move row of %d bytes", record.ErrFormat, len(b))
	}
	return moved{binary.BigEndian.Uint32(b[1:]), int64(binary.BigEndian.Uint64(b[5:]))}, nil //nolint:gosec // bits
}

// readGroupRow reads the marker of a large group, as earlier releases wrote it.
func readGroupRow(b []byte) (last record.ID, err error) {
	if len(b) != 1+idSize || b[0] != rowVersion {
		return last, fmt.Errorf("%w: group row of %d bytes", record.ErrFormat, len(b))
	}
	copy(last[:], b[1:])
	return last, nil
}

func clockRow(ms int64, last record.ID) []byte {
	return appendPosition([]byte{rowVersion}, record.Position{Rank: ms, ID: last})
}

func readClockRow(b []byte) (ms int64, last record.ID, err error) {
	if len(b) != 1+positionSize || b[0] != rowVersion {
		return 0, last, fmt.Errorf("%w: clock row of %d bytes", record.ErrFormat, len(b))
	}
	p := readPosition(b[1:])
	return p.Rank, p.ID, nil
}
