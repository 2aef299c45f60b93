package schedule

import "time"

// flowGate is what webhooks of a flow, or of a tenant's flows, pass on all lanes together: evenly paced, and so many at once. A
// share whose turn it is in its lane and that finds the gate shut waits at it, out of its lane's turns, and comes back when it
// is let in: one share at a time, so that nobody is woken to find that another was faster.
type flowGate struct {
	rate float64 // calls per second; 0: any
	most int     // calls under way at once; 0: any

	inFlight int
	next     time.Time    // when the next call may begin, by rate
	waiting  fifo[*share] // whose gate it is
	place    gatePlace
	index    int // in Schedule.shut
}

type gatePlace uint8

const (
	gateIdle gatePlace = iota // nobody waits at it, or only the end of a call opens it
	gateShut                  // in Schedule.shut
	gateOpen                  // in Schedule.open
)

// gateSlack is how late a call may begin and the next one still be on time: as late as the loop may be.
const gateSlack = 25 * time.Millisecond

// readyAt returns when the next call may pass: now or before if at once, the zero time if only a call's end lets it.
func (g *flowGate) readyAt(now time.Time) (at time.Time, ok bool) {
	switch {
	case g.most > 0 && g.inFlight >= g.most:
		return time.Time{}, false
	case g.rate > 0 && g.next.After(now):
		return g.next, false
	}
	return now, true
}

// GateView is the rule of a flow, or of its tenant, by which a webhook is kept back. The zero GateView: by none.
type GateView struct {
	Flow     FlowName
	OfTenant bool    // the rule is the tenant's of that flow
	Rate     float64 // calls per second that it allows; 0: any
	Most     int     // calls under way that it allows; 0: any
}

// shutBy returns the rule that a share waits for; the zero GateView: none.
func (sh *share) shutBy() GateView {
	g := sh.gate
	if g == nil {
		return GateView{}
	}
	return GateView{Flow: sh.flow.name, OfTenant: g != &sh.flow.gate, Rate: g.rate, Most: g.most}
}

// reason says what one who waits at the gate waits for, and until when at least; zero: for a call's end.
func (g *flowGate) reason(now time.Time) (Reason, time.Time) {
	at, ok := g.readyAt(now)
	switch {
	case ok:
		return Turn, time.Time{}
	case at.IsZero():
		return Concurrency, at
	}
	return Limit, at
}

// pass notes that a call begins.
func (g *flowGate) pass(now time.Time) {
	if g.rate <= 0 {
		return
	}
	if late := now.Add(-gateSlack); g.next.Before(late) {
		g.next = late
	}
	g.next = g.next.Add(time.Duration(float64(time.Second) / g.rate))
}

// set puts the gate under another rule.
func (g *flowGate) set(rate float64, most int, now time.Time) {
	if rate != g.rate {
		g.next = now
	}
	g.rate, g.most = rate, most
}

// shutFor returns the gate that does not let a share's next webhook pass; nil: none.
func (sh *share) shutFor(now time.Time) *flowGate {
	for _, g := range [...]*flowGate{&sh.flow.gate, &sh.flow.tenant.gate} {
		if g.rate <= 0 && g.most <= 0 {
			continue // nearly all
		}
		if _, ok := g.readyAt(now); !ok {
			return g
		}
	}
	return nil
}

// waitAt has a share wait at a gate that is shut.
func (s *Schedule) waitAt(g *flowGate, sh *share, now time.Time) {
	sh.lane.withdraw(sh)
	sh.gate = g
	g.waiting.push(sh)
	s.shutGate(g, now)
}

// shutGate has a gate looked at when it may open next.
func (s *Schedule) shutGate(g *flowGate, now time.Time) {
	if g.place != gateIdle {
		return
	}
	if at, ok := g.readyAt(now); ok || !at.IsZero() {
		g.place = gateShut
		s.shut.push(g)
	}
}

// freed notes that a call that had passed a gate ended.
func (s *Schedule) freed(g *flowGate) {
	if g.waiting.len() > 0 && g.place == gateIdle {
		g.place = gateOpen
		s.open.push(g)
	}
}

// letIn gives a turn to one lane with a share that waited at a gate which is open now; false when there is none.
func (s *Schedule) letIn(now time.Time) bool {
	for g := s.shut.first(); g != nil && !g.next.After(now); g = s.shut.first() {
		s.shut.remove(g)
		g.place = gateOpen
		s.open.push(g)
	}
	for s.open.len() > 0 {
		g := s.open.front()
		if _, ok := g.readyAt(now); !ok || g.waiting.len() == 0 {
			s.open.pop()
			if g.place = gateIdle; g.waiting.len() > 0 {
				s.shutGate(g, now)
			}
			continue
		}
		sh := g.waiting.pop()
		sh.gate = nil
		sh.lane.enter(sh)
		if sh.turn.waits && !sh.lane.heldBack() {
			s.giveTurn(sh.lane)
			return true
		}
	}
	return false
}

// ReconfigureFlows has all flows and tenants follow their rules, which are others now, and lanes the floor.
func (s *Schedule) ReconfigureFlows(now time.Time, floor float64) {
	s.set.Floor = floor
	for _, f := range s.flows {
		s.ruleFlow(f, now)
		s.reopen(&f.gate)
	}
	for _, t := range s.tenants {
		t.gate.set(s.set.Tenant(t.name).Rate, 0, now)
		s.reopen(&t.gate)
	}
}

// reopen has a gate looked at, whose rule changed.
func (s *Schedule) reopen(g *flowGate) {
	if g.place == gateShut {
		s.shut.remove(g)
		g.place = gateIdle
	}
	s.freed(g)
}

// RuleFlow has one flow follow its rule, which is another now. A flow that is not in memory does when it comes.
func (s *Schedule) RuleFlow(now time.Time, name FlowName) {
	if f := s.flows[name]; f != nil {
		s.ruleFlow(f, now)
		s.reopen(&f.gate)
	}
}

func (s *Schedule) ruleFlow(f *flow, now time.Time) {
	r := s.set.Flow(f.name)
	if f.suspended != r.Suspended {
		f.suspended = r.Suspended
		s.heldAnew(f)
	}
	f.weight = r.Weight
	if f.weight <= 0 {
		f.weight = 1
	}
	f.gate.set(r.Rate, r.Concurrency, now)
}
