package record

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Parts is how many partitions the hosts are spread over: fixed and stored, see Part.
const Parts = 256

// Part is a partition: all webhooks of one host are in one, and it leads every queue key, so that a store shared by
// several machines can give each partition to exactly one of them.
type Part uint8

// PartOf returns the partition of a host (as in Lane.Host): 64-bit FNV-1a, its lowest byte. It never changes.
func PartOf(host string) Part {
	h := uint64(14695981039346656037)
	for i := range len(host) {
		h ^= uint64(host[i])
		h *= 1099511628211
	}
	return Part(h) //nolint:gosec // the lowest byte is what is wanted
}

// Digest is a keyed or plain digest of something that must not be stored as it is. Zero means "none".
type Digest [16]byte

// Lane is the unit of a destination's limit: a host, and within it a key (a credential, a path, a definition's
// limit_key) where the limit is not the whole host's.
type Lane struct {
	Host string // authority in lower case; the port is left out only for https on 443
	Key  Digest // keyed digest of what the limit is by; zero: the whole host
}

// Priority orders webhooks of one lane. The zero value is normal.
type Priority int8

// High is served before Normal, Normal before Low; the schedule keeps a floor for those behind.
const (
	High   Priority = -1
	Normal Priority = 0
	Low    Priority = 1
)

// String returns the word used in definitions: high, normal or low.
func (p Priority) String() string {
	switch p {
	case High:
		return "high"
	case Normal:
		return "normal"
	case Low:
		return "low"
	}
	return fmt.Sprintf("priority(%d)", int8(p))
}

// ParsePriority reads the word used in definitions; the empty string is Normal.
func ParsePriority(s string) (Priority, bool) {
	switch s {
	case "high":
		return High, true
	case "", "normal":
		return Normal, true
	case "low":
		return Low, true
	}
	return Normal, false
}

// Queue says what a queue is a queue of. Webhooks of one queue are read from disk in (rank, id) order.
type Queue struct {
	Lane     Lane
	Tenant   string // who sends
	Flow     string // the caller's name for a stream; flows of one lane take turns
	Priority Priority
	Ordering Digest // of the ordering key; not zero: one at a time, in the order of acceptance
}

// QueueID names a queue in keys: the first 16 bytes of a SHA-256 over its fields, so that no tenant can choose a flow
// that lands in another's queue.
type QueueID [16]byte

// Ordered reports whether the queue has an ordering key.
func (q *Queue) Ordered() bool { return q.Ordering != Digest{} }

// Part returns the partition the queue is in.
func (q *Queue) Part() Part { return PartOf(q.Lane.Host) }

// ID returns the queue's name in keys. It never changes for equal queues.
func (q *Queue) ID() QueueID {
	sum := sha256.Sum256(q.Append(make([]byte, 0, 160)))
	return QueueID(sum[:16])
}

const queueVersion = 1

// Append appends the queue's stored form: a version byte, then each field with its length before it.
func (q *Queue) Append(b []byte) []byte {
	b = append(b, queueVersion)
	b = appendString(b, q.Lane.Host)
	b = append(b, q.Lane.Key[:]...)
	b = appendString(b, q.Tenant)
	b = appendString(b, q.Flow)
	b = append(b, byte(q.Priority)) //nolint:gosec // a signed byte on purpose
	return append(b, q.Ordering[:]...)
}

// Size is how many bytes Append appends.
func (q *Queue) Size() int {
	n := 1 + len(q.Lane.Key) + 1 + len(q.Ordering)
	for _, s := range [...]string{q.Lane.Host, q.Tenant, q.Flow} {
		n += (bits.Len(uint(len(s)|1))+6)/7 + len(s)
	}
	return n
}

// ReadQueue reads what Append wrote and returns what follows it.
func ReadQueue(b []byte) (q Queue, rest []byte, err error) {
	bad := func(what string) (Queue, []byte, error) {
		return Queue{}, nil, fmt.Errorf("%w: queue: %s", ErrFormat, what)
	}
	if len(b) == 0 || b[0] != queueVersion {
		return bad("unknown version")
	}
	var ok bool
	if q.Lane.Host, b, ok = readString(b[1:]); !ok || len(b) < len(q.Lane.Key) {
		return bad("host")
	}
	b = b[copy(q.Lane.Key[:], b):]
	if q.Tenant, b, ok = readString(b); !ok {
		return bad("tenant")
	}
	if q.Flow, b, ok = readString(b); !ok || len(b) < 1+len(q.Ordering) {
		return bad("flow")
	}
	if q.Priority = Priority(b[0]); q.Priority < High || q.Priority > Low { //nolint:gosec // a signed byte on purpose
		return bad("priority")
	}
	b = b[1:]
	b = b[copy(q.Ordering[:], b):]
	return q, b, nil
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func readString(b []byte) (s string, rest []byte, ok bool) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) { //nolint:gosec // never negative
		return "", nil, false
	}
	b = b[used:]
	return string(b[:n]), b[n:], true
}
