package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Admit lets a call that someone else makes begin at once, where Line and Next together would: its lane is known, nothing is due
// there that would go before it, and nothing holds it. PassEnded must follow. False: it has to stand in line, to which nothing
// was done. It costs a fraction of the two, which is what most of a proxy's calls pay.
func (s *Schedule) Admit(now time.Time, desc *record.Queue) (start Start, ok bool) {
	l := s.findLane(desc.Lane)
	if l == nil || l.budget == nil || s.free() <= 0 || !l.clear(now) {
		return start, false
	}
	sh := l.shares.find(shareKey{FlowName{desc.Tenant, desc.Flow}, desc.Priority})
	if sh == nil || sh.line == nil || sh.line.window.len() > 0 || !sh.clear(now) {
		return start, false
	}
	if _, why := l.budget.ReadyAt(now); why != limiter.Ready || s.crowded(l.host, now) {
		return start, false
	}
	q := sh.line
	permit, ok := l.allowed(q, now)
	if !ok {
		return start, false
	}
	l.budget.Start(now)
	e := record.Entry{Position: record.Position{ID: s.callerID()}, Due: now.UnixMilli()}
	s.newItem(q, &e, inFlight)
	s.slotTaken(l.host, now)
	sh.flow.gate.pass(now)
	sh.flow.tenant.gate.pass(now)
	l.tookTurnAlone(sh)
	return Start{Queue: q.id, Lane: l.id, Entry: e, Permit: permit}, true
}

// clear reports whether a call of the lane that comes now is before all others: none is due, and none waits for what the host
// may set free.
func (l *lane) clear(now time.Time) bool {
	if l.place == inRunnable || l.host.held || l.host.absent() || l.host.outside || l.host.barred.len() > 0 {
		return false
	}
	for _, c := range l.classes {
		if c.waits() {
			return false
		}
	}
	at, some := l.nextDue()
	return !some || at.After(now)
}

// clear reports whether nothing holds the share but its lane.
func (sh *share) clear(now time.Time) bool {
	f := sh.flow
	return !f.stopped() && sh.gate == nil && !sh.aside && f.gate.waiting.len() == 0 && f.tenant.gate.waiting.len() == 0 &&
		sh.shutFor(now) == nil
}

// tookTurnAlone moves on a share that took its turn while no other waited for one.
func (l *lane) tookTurnAlone(sh *share) {
	c := l.class(sh.priority)
	c.now = max(sh.turn.ends, c.now)
	sh.turn.begins = c.now
	sh.turn.ends = c.now + 1/sh.flow.weight
}

// PassEnded takes the end of a call that Plan.Passed or Admit had begin, as Ended does of an attempt; a call that was not made is
// Neutral, and nothing was Seen of it but that it Failed. next: what came free may let something else begin, so that Next is
// to be asked.
func (s *Schedule) PassEnded(now time.Time, e *End) (t circuit.Transition, next bool) {
	full := s.free() <= 0
	t = s.Ended(now, e)
	s.Settled(now, e.ID, nil)
	waiting := s.runnable.len() + s.open.len() + s.outside.len() + s.outsideSlow.len()
	return t, full || waiting > 0
}
