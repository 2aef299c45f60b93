package schedule

import "time"

// HoldFlow holds a flow on every host, for what is waiting and for what is accepted later, until ResumeFlow. Calls under
// way go on; expiry and cancellation do too. A flow that nothing is known of is held all the same.
func (s *Schedule) HoldFlow(now time.Time, name FlowName) {
	f := s.flow(name)
	if f.held {
		return
	}
	s.hold(f, now)
	s.heldAnew(f)
	s.touchFlow(f)
}

// stopped reports whether nothing of the flow may start, by somebody's hand or its rule.
func (f *flow) stopped() bool { return f.held || f.suspended }

// heldAnew has a flow's shares take turns, or take none any more, after its hold or its rule changed.
func (s *Schedule) heldAnew(f *flow) {
	for _, sh := range f.shares {
		if f.stopped() {
			sh.lane.withdraw(sh)
			continue
		}
		sh.lane.enter(sh)
		if sh.turn.waits && !sh.lane.heldBack() {
			s.giveTurn(sh.lane)
		}
		for _, q := range sh.queues {
			s.refill(q) // where room was short while it was held
		}
	}
}

// ResumeFlow ends a flow's hold: what waited takes its turns again, at its lanes' pace, unless its rule suspends it. It
// reports whether anything is known of the flow.
func (s *Schedule) ResumeFlow(_ time.Time, name FlowName) bool {
	f := s.flows[name]
	if f == nil {
		return false
	}
	if !f.held {
		return true
	}
	f.held, f.heldSince = false, time.Time{}
	s.heldFlows--
	s.heldAnew(f)
	s.touchFlow(f)
	return true
}

// HoldHost holds all lanes of a host until ResumeHost, for what is waiting and for what is accepted later. A host that
// nothing is known of is held all the same.
func (s *Schedule) HoldHost(now time.Time, name string) {
	h := s.host(name)
	if h.held {
		return
	}
	h.held, h.heldSince = true, now
	s.heldHosts++
	for _, l := range h.lanes.all {
		s.giveTurn(l) // to find that it is held
	}
	s.touchHost(h)
}

// ResumeHost ends an operator's hold of a host; pauses that the destination asked for stay, see Resume. It reports whether
// anything is known of the host.
func (s *Schedule) ResumeHost(_ time.Time, name string) bool {
	h := s.hosts[name]
	if h == nil {
		return false
	}
	if !h.held {
		return true
	}
	h.held, h.heldSince = false, time.Time{}
	s.heldHosts--
	for _, l := range h.lanes.all {
		s.giveTurn(l)
		for q := range l.queues() {
			s.refill(q)
		}
	}
	s.touchHost(h)
	return true
}

// hold notes that a flow is held.
func (s *Schedule) hold(f *flow, since time.Time) {
	f.held, f.heldSince = true, since
	s.heldFlows++
}

// Holds returns how many flows and hosts are held. Each stays in memory, and on disk, until it is resumed: whoever lets others
// name them has a bound.
func (s *Schedule) Holds() (flows, hosts int) { return s.heldFlows, s.heldHosts }
