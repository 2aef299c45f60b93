package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// item is a webhook that was taken from its window: in flight, then unsettled, then forgotten.
type item struct {
	at      record.Position
	queue   *queue
	sending bool // in flight; afterwards what became of it is on its way to the store
}

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
	if it == nil || !it.sending {
		return circuit.Transition{}
	}
	it.sending = false
	l := it.queue.lane
	s.inFlight--
	l.inFlight--
	s.unsettled++

	if h := e.Seen.Hint; h != nil {
		l.host.dialect.Resolve(h, e.Seen.Sent, e.Seen.Received)
		s.touchHost(l.host)
	}
	l.budget.Observe(now, e.Seen)
	s.touch(l)
	t := l.host.breaker.Report(now, e.Permit, e.Health)
	if t != (circuit.Transition{}) {
		s.touchHost(l.host)
	}
	for _, other := range l.host.lanes {
		if other.blocked == Breaker && other.place == inAsleep {
			s.giveTurn(other) // a probe's permit may have come free, or the breaker closed
		}
	}
	if l.place != inRunnable && l.hasWork() {
		s.giveTurn(l)
	}
	return t
}

// TakeBack forgets a start that was never made: the webhook stays as it is on disk, and this schedule is done with it.
func (s *Schedule) TakeBack(st *Start) {
	it := s.live[st.Entry.ID]
	if it == nil || !it.sending {
		return
	}
	delete(s.live, st.Entry.ID)
	it.queue.flying--
	it.queue.lane.inFlight--
	s.inFlight--
	it.queue.lane.host.breaker.Cancel(st.Permit)
}

// Settled forgets a webhook whose fate is durable; next is its entry when it stays.
func (s *Schedule) Settled(now time.Time, id record.ID, next *record.Entry) {
	it := s.live[id]
	if it == nil || it.sending {
		return
	}
	delete(s.live, id)
	s.unsettled--
	q := it.queue
	q.flying--
	if q.reading {
		if q.settledMeanwhile == nil {
			q.settledMeanwhile = map[record.ID]record.Position{}
		}
		q.settledMeanwhile[id] = it.at
	}
	if q.settledSinceMark++; q.settledSinceMark >= markEvery {
		s.toMark[q] = struct{}{}
	}
	if next != nil {
		s.offer(q, held{entry: *next}, now)
		return
	}
	if q.ordered {
		s.reseat(q, now)
	}
	s.drop(q)
}

// hasWork reports whether any flow of the lane has something due, or will.
func (l *lane) hasWork() bool {
	if l.later.first() != nil {
		return true
	}
	for i := range l.classes {
		if l.classes[i].ring.len() > 0 {
			return true
		}
	}
	return false
}
