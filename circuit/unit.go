package circuit

import (
	"fmt"
	"time"
)

// unit is what opens together: a host, or under the scope HostTenant a tenant's calls to it; and the parts below it.
//
// While only one part has been seen, sole, it has no gate of its own: what holds for it holds for the unit. Its calls are
// all in the unit's window, and go to a gate of its own from there when a second part appears. The calls of a part that is
// not closed are not in the unit's window: what they show is known.
type unit struct {
	gate
	of     *Breaker
	tenant *string // nil: of all tenants

	sole  Part
	seen  bool // sole is set
	parts map[Part]*part

	asked   time.Time // until when the host asked to be left alone
	suspect *part     // while half-open: whose probe failed without opening the unit again
	sweepAt time.Time // when to look again for parts to forget
}

// part is one of several parts of a unit.
type part struct {
	gate
	name Part
}

// readyAt returns when a call of a part would pass; p is nil where it has no gate of its own.
func (u *unit) readyAt(now time.Time, p *part) time.Time {
	c := &u.of.cfg
	at := u.gate.readyAt(now, c)
	if p == nil {
		return at
	}
	at = later(at, p.readyAt(now, c))
	if u.state == HalfOpen && len(u.parts) > 1 {
		for _, out := range u.probes { // the others find out more than a second probe of this part
			if out.part == p {
				at = later(at, out.expires)
			}
		}
	}
	return at
}

// pass lets a call of a part through a unit that is ready for it.
func (u *unit) pass(now time.Time, p *part) Permit {
	if u.state == Open {
		u.changes(now, nil, HalfOpen, "its cool-down was over")
	}
	permit := Permit{unit: u, part: p, whole: u.gate.pass(now, &u.of.cfg, p), began: now}
	if p != nil {
		if p.state == Open {
			u.changes(now, p, HalfOpen, "its cool-down was over")
		}
		permit.own = p.pass(now, &u.of.cfg, p)
	}
	return permit
}

// report takes in how a call ended.
func (u *unit) report(now time.Time, p Permit, r Result) (t Transition) {
	if p.whole.generation == u.generation {
		switch {
		case !p.whole.probe:
			t = u.counted(now, p, r)
		case u.drop(p.whole):
			t = u.probed(now, p.part, r)
		}
	}
	if p.part != nil && p.own.probe && p.own.generation == p.part.generation && p.part.drop(p.own) {
		if own := u.partProbed(now, p.part, r); t == (Transition{}) {
			t = own
		}
	}
	return t
}

// counted takes in a call that began while the unit was closed, as it still is.
func (u *unit) counted(now time.Time, p Permit, r Result) Transition {
	c := &u.of.cfg
	if r == Neutral || p.part != nil && (p.own.probe || p.own.generation != p.part.generation) {
		return Transition{}
	}
	byRatio, byRow := u.count(now, c, &p, r)
	ownByRatio, ownByRow := false, false
	if p.part != nil {
		ownByRatio, ownByRow = p.part.count(now, c, &p, r)
	}
	byRatio, byRow = byRatio && u.fails(now), byRow && u.failsInARow()
	switch {
	case u.of.forced != 0:
		return Transition{}
	case byRatio || byRow:
		return u.opens(now, u.because(now, c, byRatio))
	case ownByRatio || ownByRow:
		return u.partOpens(now, p.part, p.part.because(now, c, ownByRatio))
	}
	return Transition{}
}

// leastEvidence is how many failures beside those of the worst part show that it is not alone.
const leastEvidence = 3

// fails reports whether the calls of a unit whose numbers would open it fail for more than one part's reasons: it could not
// be reached, only one part has traffic, or without the worst part it would still be bad.
func (u *unit) fails(now time.Time) bool {
	c := &u.of.cfg
	all := u.window.sum(now, c.Window)
	if c.trips(int(all.calls), int(all.unreachable)) {
		return true
	}
	var worst, told counts
	active := 0
	for _, p := range u.parts {
		sum := p.window.sum(now, c.Window)
		if sum.calls == 0 {
			continue
		}
		active++
		told.add(sum)
		if sum.failures > worst.failures {
			worst = sum
		}
	}
	if all.calls > told.calls {
		active++ // those that are not told apart
	}
	if active < 2 {
		return true
	}
	calls, failures := int(all.calls-worst.calls), int(all.failures-worst.failures)
	return failures >= min(leastEvidence, c.MinRequests) && c.mostly(calls, failures)
}

// failsInARow does the same for failures in a row: nobody's call succeeded meanwhile, so that two parts that fail are enough,
// be it that one has opened before.
func (u *unit) failsInARow() bool {
	row := &u.row
	if len(u.parts) < 2 || row.unreachable == row.failures || min(row.others, row.failures-row.others) >= leastEvidence {
		return true
	}
	for _, p := range u.parts {
		if p.state != Closed && p != row.first {
			return true
		}
	}
	return false
}

// probed takes in a probe of the unit.
//
// Where there are several parts, a probe that failed by its answer alone is its part's fault until a probe of another part
// fails, too: the part opens by itself, and the probe is spent, not made again, so that a cool-down is never followed by
// more than Probes of them.
func (u *unit) probed(now time.Time, p *part, r Result) Transition {
	c := &u.of.cfg
	switch {
	case r == Neutral:
		return Transition{} // another may try
	case r == Success:
		if u.succeeded++; u.recovered(c) {
			return u.closes(now)
		}
		return Transition{}
	case r == Unreachable, p == nil, len(u.parts) < 2, u.suspect != nil && u.suspect != p:
		return u.opens(now, failedProbe(r))
	}
	u.suspect = p
	u.spent++
	t := u.partOpens(now, p, failedProbe(r))
	switch {
	case u.recovered(c):
		return u.closes(now)
	case u.spent == c.Probes:
		t = u.opens(now, failedProbe(r))
		p.until = later(p.until, u.until.Add(c.CoolDown)) // the next probes are the others'
	}
	return t
}

// partProbed takes in a probe of a part.
func (u *unit) partProbed(now time.Time, p *part, r Result) Transition {
	switch {
	case r == Neutral:
		return Transition{}
	case r != Success:
		return u.partOpens(now, p, failedProbe(r))
	}
	if p.succeeded++; !p.recovered(&u.of.cfg) {
		return Transition{}
	}
	cause := probesSucceeded(p.succeeded)
	p.closedAt = now
	return u.changes(now, p, Closed, cause)
}

func failedProbe(r Result) string {
	if r == Unreachable {
		return "a probe could not reach it"
	}
	return "a probe failed"
}

func probesSucceeded(n int) string {
	if n == 1 {
		return "a probe succeeded"
	}
	return fmt.Sprintf("%d probes succeeded", n)
}

func (u *unit) opens(now time.Time, cause string) Transition {
	from := u.state
	u.open(now, &u.of.cfg)
	u.suspect = nil
	u.heed(now)
	return u.note(now, nil, from, cause)
}

func (u *unit) partOpens(now time.Time, p *part, cause string) Transition {
	from := p.state
	if from == Closed && u.state == Closed {
		u.window.less(&p.window)
	}
	p.open(now, &u.of.cfg)
	p.window = window{}
	return u.note(now, p, from, cause)
}

func (u *unit) closes(now time.Time) Transition {
	cause := probesSucceeded(u.succeeded)
	u.closedAt = now
	for _, p := range u.parts {
		if p.state == Closed {
			p.window = window{}
		}
	}
	return u.changes(now, nil, Closed, cause)
}

// heed lets a cool-down last until the host asked to be left alone, if that is later, but no longer than the longest.
func (u *unit) heed(now time.Time) {
	asked := u.asked
	if most := now.Add(u.of.cfg.CoolDownMax); asked.After(most) {
		asked = most
	}
	u.until = later(u.until, asked)
}

// changes puts the unit, or a part of it, into another state.
func (u *unit) changes(now time.Time, p *part, to State, cause string) Transition {
	g := &u.gate
	if p != nil {
		g = &p.gate
	} else {
		u.suspect = nil
	}
	from := g.state
	if g.enter(to); to == Closed {
		u.of.back = later(u.of.back, now)
	}
	return u.note(now, p, from, cause)
}

// note remembers a change of the unit, or of a part of it, that has just been made.
func (u *unit) note(now time.Time, p *part, from State, cause string) Transition {
	g := &u.gate
	if p != nil {
		g = &p.gate
	}
	if g.state == Open {
		g.cause = cause
	}
	t := Transition{From: from, To: g.state, Cause: cause}
	switch {
	case p != nil:
		t.Partial, t.Of = true, p.name
	case u.tenant != nil:
		t.Partial, t.Of.Tenant = true, *u.tenant
	}
	u.of.remember(now, t)
	return t
}
