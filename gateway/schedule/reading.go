package schedule

import "github.com/sluice-gateway/sluice/limiter"

// learned is what was learned of reading a host's headers.
func (h *host) learned() *limiter.Dialect {
	if h.dialect == nil {
		h.dialect = new(limiter.Dialect)
	}
	return h.dialect
}

// learn reads a response's hint by what was learned of the host, and learns from it. It reports whether that is worth saving. A
// host that tells no limit teaches nothing by its clock.
func (h *host) learn(hint *limiter.Hint, seen *limiter.Observation) bool {
	if h.dialect == nil && hint.N == 0 {
		return false
	}
	d := h.learned()
	known := d.Forms()
	d.Resolve(hint, seen.Sent, seen.Received)
	return d.Forms() != known
}
