package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// End is what one attempt taught.
type End struct {
	ID     record.ID
	Permit circuit.Permit
	Seen   limiter.Observation
	Health circuit.Result
}

// Ended takes the end of an attempt: the budget and the breaker learn from it, the slot is free. The webhook stays
// live until Settled. It returns the breaker's transition, if there was one.
func (s *Schedule) Ended(now time.Time, e *End) circuit.Transition {
	it := s.live[e.ID]
	if it == nil || it.state != inFlight {
		return circuit.Transition{}
	}
	s.move(it, unsettled)
	s.freed(&it.queue.share.flow.gate)
	l := it.queue.lane
	h := l.host
	s.slotFreed(h, now)
	if hint := e.Seen.Hint; hint != nil {
		if h.learn(hint, &e.Seen) {
			s.touchHost(h)
		}
	}
	l.budget.Observe(now, e.Seen)
	s.touch(l)
	h.asked(now, e)
	t := h.breaker.Report(now, e.Permit, e.Health)
	if t != (circuit.Transition{}) {
		s.touchHost(h)
	}
	if t != (circuit.Transition{}) || e.Permit.Probe() {
		s.breakerChanged(h)
	}
	// The last of them to end wakes all that wait: nobody else would.
	for changed := t != (circuit.Transition{}) || h.inFlight == 0; h.barred.len() > 0; {
		if !changed && !e.Permit.Probe() && s.crowded(h, now) {
			break
		}
		other := h.barred.pop()
		other.barred = false
		if other.blocked == Breaker && !changed && !e.Permit.Probe() {
			other.bar() // what ended was no probe: nothing changed for it
			break
		}
		s.giveTurn(other)
		if !changed {
			break // one place came free
		}
	}
	switch {
	case l.place == inRunnable:
		if !e.Seen.Failed {
			s.answered(l)
		}
	case l.hasWork():
		s.giveTurn(l)
	case l.blocked == Concurrency:
		l.blocked = Idle // what it kept out went elsewhere; what comes next need not wait for another end
	}
	return t
}

// Abandon takes note that a start was not made and will not be: its slot is free, and the webhook stays as it is on
// disk, for the next process.
func (s *Schedule) Abandon(st *Start) {
	it := s.live[st.Entry.ID]
	if it == nil || it.state == abandoned {
		return
	}
	if it.state == inFlight {
		it.queue.lane.host.breaker.Cancel(st.Permit)
	}
	s.move(it, abandoned)
}

// Settled forgets a webhook whose fate is durable; next is its entry when it stays.
func (s *Schedule) Settled(now time.Time, id record.ID, next *record.Entry) {
	it := s.live[id]
	if it == nil || it.state != unsettled {
		return
	}
	delete(s.live, id)
	s.move(it, settled)
	q := it.queue
	if it.doomed {
		s.doomedSettled(it, next == nil)
	}
	if q.more && q.cursor.Compare(it.at) < 0 {
		q.retreat++
	}
	if r := q.read; r != nil {
		if r.settled == nil {
			r.settled = map[record.Position]struct{}{}
		}
		r.settled[it.at] = struct{}{}
	}
	if q.lastSettled.Compare(it.at) < 0 {
		q.lastSettled = it.at
	}
	if q.settledSinceMark++; q.settledSinceMark >= markEvery && !q.callers {
		s.toMark[q] = struct{}{}
	}
	if next != nil {
		s.offer(q, windowed{entry: *next}, now)
		return
	}
	if q.ordered {
		s.reseat(q, now)
	}
	s.maybeIdle(q, now)
}
