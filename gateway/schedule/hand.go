package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
)

// Resume ends the pauses of a host's lanes, as an operator may who knows better than the destination's last refusal.
// What was learned of its limits stays, and so does its breaker. It reports whether anything is known of the host.
func (s *Schedule) Resume(now time.Time, name string) bool {
	h := s.hosts[name]
	if h == nil {
		return false
	}
	for _, l := range h.lanes.all {
		if l.budget != nil {
			l.budget.Resume(now)
		}
		s.changed(l)
	}
	return true
}

// Forget makes a host's lanes what they were before the first response, and forgets how its headers are to be read.
// Calls in flight still count, and so do the calls in configured windows; the breaker, which is about the host's health
// and not its limits, stays as it is. It reports whether anything is known of the host.
func (s *Schedule) Forget(now time.Time, name string) bool {
	h := s.hosts[name]
	if h == nil {
		return false
	}
	h.dialect = nil
	s.touchHost(h)
	for _, l := range h.lanes.all {
		if l.budget != nil {
			l.budget.Forget(now)
		}
		s.changed(l)
	}
	return true
}

// ForceBreaker has a host's breaker open or closed until it is released, which is 0; see circuit.Breaker.Force. It reports
// whether anything is known of the host.
func (s *Schedule) ForceBreaker(now time.Time, name string, to circuit.State) bool {
	h := s.hosts[name]
	if h == nil {
		return false
	}
	if t := s.warmHost(h, now).breaker.Force(now, to); t == (circuit.Transition{}) {
		return true
	}
	s.touchHost(h)
	s.breakerChanged(h)
	for _, l := range h.lanes.all {
		s.changed(l)
	}
	return true
}

// changed notes that a lane may go on, or has to wait, for reasons that are not of its calls' making.
func (s *Schedule) changed(l *lane) {
	s.touch(l)
	if l.place == inAsleep || l.hasWork() {
		s.giveTurn(l)
	}
}
