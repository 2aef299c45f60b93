package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
)

// part is what shares fate with a queue's webhooks at their host: what goes to the same lane from the same tenant.
func (l *lane) part(q *queue) circuit.Part {
	return circuit.Part{Key: l.id.Key, Tenant: q.share.flow.name.Tenant}
}

// allowed asks the host's breaker for a queue's next call to pass: it is not open, and while it comes back, the call's turn
// by the share of the lane's pace that it then has.
func (l *lane) allowed(q *queue, now time.Time) (circuit.Permit, bool) {
	ramping := l.host.breaker.Ramping(now)
	if ramping {
		if at, _ := l.rampedAt(q, now); at.After(now) {
			return circuit.Permit{}, false
		}
	}
	permit, ok := l.host.breaker.Acquire(now, l.part(q))
	if !ok {
		return permit, false
	}
	if ramping {
		paceOf(&l.pace).Began(now)
		paceOf(&q.share.pace).Began(now)
		l.budget.Spare(now)
	}
	if l.begun == nil {
		l.begun = new(tally)
	}
	l.begun.add(now)
	return permit, true
}

// allowedAt returns when to look again after allowed said no; partial: it said no to the queue's part of the host alone.
func (l *lane) allowedAt(q *queue, now time.Time) (at time.Time, partial bool) {
	part := l.part(q)
	_, partial = l.host.breaker.Holding(now, part)
	at = l.host.breaker.ReadyAt(now, part)
	if ramped, alone := l.rampedAt(q, now); ramped.After(at) {
		return ramped, alone
	}
	return at, partial
}

// rampedAt returns when a queue's next call may begin as far as the host, or its part alone, comes back.
func (l *lane) rampedAt(q *queue, now time.Time) (at time.Time, partial bool) {
	part, b := l.part(q), l.host.breaker
	if b.Share(now, part) >= 1 {
		return now, false
	}
	pace := &l.pace
	if _, partial = b.Holding(now, part); partial {
		pace = &q.share.pace // the lane's other calls are none of its
	}
	return b.NextStart(now, part, l.budget.Rate(now), paceOf(pace)), partial
}

// paceOf returns a pace, which is made when a host comes back: most never do.
func paceOf(p **circuit.Pace) *circuit.Pace {
	if *p == nil {
		*p = new(circuit.Pace)
	}
	return *p
}

// asked lets the breaker know for how long the destination asked to be left alone as a whole: 503 and its kin say so of
// the service (RFC 9110, section 15.6.4), where 429 speaks of the caller's own limit.
func (h *host) asked(now time.Time, e *End) {
	if hint := e.Seen.Hint; hint != nil && hint.HasRetryAfter && e.Seen.Status >= 500 {
		h.breaker.Asked(now, e.Permit, hint.RetryAfter)
	}
}
