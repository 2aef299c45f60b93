package dispatch

import (
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/limiter"
)

// exchange is what one attempt needs and the next one uses again.
type exchange struct {
	began, ended time.Time
	resp         egress.Response
	hint         limiter.Hint
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// readers are large: an exchange has one only when its response is there, not while it waits for it.
var readers = sync.Pool{New: func() any { return new(limiter.Reader) }}

// read reads what the response says of limits into hint.
func (x *exchange) read(o *limiter.Override) {
	x.hint = limiter.Hint{}
	if x.resp.Class != "" || x.resp.Elsewhere { // another host's word says nothing of this one's limits
		return
	}
	r := readers.Get().(*limiter.Reader) //nolint:forcetypeassert // nothing else is put in
	defer readers.Put(r)
	r.Use(o)
	r.Reset(x.resp.Status, x.resp.Sent, x.resp.Received)
	x.resp.VisitAll(r.Field)
	r.Body(x.resp.Body)
	r.Hint(&x.hint)
}

// said is the hint for whoever outlives the exchange; nil when the response said nothing.
func (x *exchange) said() *limiter.Hint {
	if x.hint.Empty() {
		return nil
	}
	h := x.hint
	return &h
}

// observation is what a lane's budget learns of the exchange. Where a redirect led elsewhere, it is what the lane's own
// host said: that it answered, and with which status.
func (x *exchange) observation() limiter.Observation {
	seen := limiter.Observation{
		Sent: x.resp.Sent, Received: x.ended, Status: x.resp.Status,
		Failed: x.resp.Class != "", TimedOut: x.resp.TimedOut, Hint: x.said(),
	}
	if x.resp.Elsewhere {
		seen.Status, seen.Failed, seen.TimedOut = x.resp.Answered, false, false
	}
	return seen
}

// attempt is the exchange as a policy judges it.
func (x *exchange) attempt() policy.Attempt {
	return policy.Attempt{
		Status: x.resp.Status, Class: x.resp.Class,
		HasRetryAfter: x.hint.HasRetryAfter, RemainingZero: exhausted(&x.hint),
	}
}

// exhausted reports whether the response says that nothing remains of a limit.
func exhausted(h *limiter.Hint) bool {
	w := h.Binding()
	return w != nil && w.Remaining == 0
}
