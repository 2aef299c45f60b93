package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// recallSoon is about how long it takes to read what is saved of a host.
const recallSoon = 20 * time.Millisecond

// StartTry counts a call beside the queues, for someone who looks on: it takes its token of the lane's budget and no turn.
// It returns what keeps it from being made; nil: it may be. With force, nothing does. Where nil was returned, EndTry must
// follow.
func (s *Schedule) StartTry(now time.Time, desc *record.Queue, force bool) *Waiting {
	l := s.warmLane(s.lane(desc.Lane), now)
	w := Waiting{Position: -1}
	f := s.flows[FlowName{desc.Tenant, desc.Flow}]
	breaker, _ := l.host.breaker.Holding(now, circuit.Part{Key: desc.Lane.Key, Tenant: desc.Tenant})
	switch at, why := l.budget.ReadyAt(now); {
	case force:
	case l.host.absent():
		w.Reason, w.Until = Limit, now.Add(recallSoon)
	case l.host.held || f != nil && f.stopped():
		w.Reason = Held
	case breaker.State != circuit.Closed:
		w.Reason, w.Until = Breaker, breaker.OpenUntil
	case why == limiter.Ready:
	case why == limiter.Concurrency:
		w.Reason = Concurrency
	case why == limiter.Pause:
		w.Reason, w.Until = Pause, at
	default:
		w.Reason, w.Until = Limit, at
	}
	if w.Until.Equal(limiter.Never) {
		w.Until = time.Time{}
	}
	if w.Reason != Idle {
		w.Budget, w.Breaker = l.budget.View(now), breaker
		return &w
	}
	l.budget.Start(now)
	return nil
}

// EndTry takes the end of a call that StartTry counted. The breaker hears nothing of it: whoever tries things out may try
// them with mistakes in them.
func (s *Schedule) EndTry(now time.Time, lane record.Lane, seen limiter.Observation) {
	l := s.findLane(lane)
	if l == nil || l.budget == nil {
		return
	}
	if seen.Hint != nil && l.host.learn(seen.Hint, &seen) {
		s.touchHost(l.host)
	}
	l.budget.Observe(now, seen)
	s.touch(l)
	if l.place != inRunnable && l.hasWork() {
		s.giveTurn(l)
	}
}
