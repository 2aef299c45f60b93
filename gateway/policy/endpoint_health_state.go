package policy

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/sluice-gateway/sluice/persist/record"
)

const healthVersion = 1

// Updated reports whether anything was observed since the last Append, or since it was read.
func (h *Health) Updated() bool { return h.updated }

// Append appends the stored form: a version, then numbers as varints. Endpoints without a ratio rule take some ten
// bytes, others at most 61 × 20 more.
func (h *Health) Append(b []byte) []byte {
	h.updated = false
	b = append(b, healthVersion)
	for _, n := range h.totals {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = binary.AppendVarint(b, h.since)
	b = binary.AppendUvarint(b, uint64(h.inARow))
	b = binary.AppendVarint(b, h.window)
	for i := range h.slots {
		if s := &h.slots[i]; s.calls > 0 {
			b = binary.AppendVarint(b, s.at)
			b = binary.AppendUvarint(b, uint64(s.calls))
			b = binary.AppendUvarint(b, uint64(s.failed))
		}
	}
	return b
}

// ReadHealth reads what Append wrote. Its error wraps record.ErrFormat.
func ReadHealth(b []byte) (*Health, error) {
	r := healthReader{rest: b}
	if len(b) == 0 || b[0] != healthVersion {
		return nil, fmt.Errorf("%w: health of an endpoint: want version %d", record.ErrFormat, healthVersion)
	}
	r.rest = b[1:]
	h := new(Health)
	for i := range h.totals {
		h.totals[i] = r.count()
	}
	h.since = r.number()
	h.inARow = r.count()
	h.window = r.number()
	for len(r.rest) > 0 && !r.bad {
		s := slot{at: r.number(), calls: r.count(), failed: r.count()}
		if s.at < 0 || s.failed > s.calls {
			r.bad = true
			break
		}
		if h.slots == nil {
			h.slots = make([]slot, slots)
		}
		h.slots[s.at%slots] = s
	}
	if r.bad || h.window < 0 {
		return nil, fmt.Errorf("%w: health of an endpoint: %d bytes", record.ErrFormat, len(b))
	}
	return h, nil
}

// healthReader reads numbers; bad says that one was not there.
type healthReader struct {
	rest []byte
	bad  bool
}

func (r *healthReader) count() uint32 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > math.MaxUint32 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return uint32(n)
}

func (r *healthReader) number() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}
