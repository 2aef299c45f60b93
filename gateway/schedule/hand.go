package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
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

// Reconfigure puts hosts and lanes under another configuration and keeps what they learned, as far as that allows it. limit
// tells what the lanes of a host are under from now on, breaker the same of its breaker; each answers false where nothing
// is new, and such a host is left alone. What is made later, of hosts that were not called of late too, is made by
// Settings, as ever.
func (s *Schedule) Reconfigure(
	now time.Time, limit func(host string) (limiter.Config, bool), breaker func(host string) (circuit.Config, bool),
) {
	for name, h := range s.hosts {
		limits, limited := limit(name)
		breaks, broken := breaker(name)
		if broken && h.breaker != nil {
			h.breaker.Reconfigure(breaks)
		}
		for _, l := range h.lanes.all {
			if limited && l.budget != nil {
				l.budget.Reconfigure(limits, now)
			}
			if limited || broken {
				s.changed(l)
			}
		}
	}
}

// changed notes that a lane may go on, or has to wait, for reasons that are not of its calls' making.
func (s *Schedule) changed(l *lane) {
	s.touch(l)
	if l.place == inAsleep || l.hasWork() {
		s.giveTurn(l)
	}
}
