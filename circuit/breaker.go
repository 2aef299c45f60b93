package circuit

import "time"

// Breaker is the breaker of one host. Instants that go back are taken for the latest seen.
type Breaker struct {
	cfg    Config
	last   time.Time // the latest instant seen
	forced State     // Open or Closed while an operator has it so; else 0
	back   time.Time // when a gate of it closed after probes, the last time; zero: none did

	rest    unit             // of all that has no unit of its own: under the scope Host, everything
	tenants map[string]*unit // under the scope HostTenant
	sweepAt time.Time        // when to look again for tenants to forget

	history []Change // the latest changes, in order; at most keptChanges
}

// Change is a Transition and when it was.
type Change struct {
	At time.Time
	Transition
}

// keptChanges is how many changes are remembered, for people to see.
const keptChanges = 16

// New returns a closed breaker.
func New(cfg Config) *Breaker {
	b := new(Breaker)
	b.Renew(cfg)
	return b
}

// Renew makes a breaker what New returns: its memory is used again. No permit of it must be out.
func (b *Breaker) Renew(cfg Config) {
	*b = Breaker{cfg: cfg.normal()}
	b.rest = unit{of: b, gate: gate{state: Closed}}
}

// Reconfigure changes the configuration and keeps the state; a cool-down under way lasts as long as it was to. Calls are
// counted anew when Window is another, and all begins anew when Scope is. Where fewer probes are now asked for than have
// been made, one more decides.
func (b *Breaker) Reconfigure(cfg Config) {
	was := b.cfg
	b.cfg = cfg.normal()
	if b.cfg.Scope != was.Scope {
		b.rest, b.tenants = unit{of: b, gate: gate{state: Closed}}, nil
		return
	}
	b.each(func(u *unit) {
		u.reconfigured(&b.cfg, &was)
		for _, p := range u.parts {
			p.reconfigured(&b.cfg, &was)
		}
	})
}

func (g *gate) reconfigured(c, was *Config) {
	if c.Window != was.Window {
		g.window = window{}
	}
	g.succeeded = min(g.succeeded, max(0, c.Probes-1-g.spent))
	g.spent = min(g.spent, c.Probes-1)
}

// State returns the state of the host as a whole, as of the last call of another method.
func (b *Breaker) State() State {
	if b.forced != 0 {
		return b.forced
	}
	return b.rest.state
}

// forcedLook is when to look again while an operator has a breaker open. Only releasing it changes that.
const forcedLook = time.Hour

// ReadyAt returns when Acquire will succeed for a part: now if it would at once, otherwise an instant after now at which to
// look again. A report, or an operator, may make that earlier.
func (b *Breaker) ReadyAt(now time.Time, of Part) time.Time {
	now = b.see(now)
	switch b.forced {
	case Open:
		return now.Add(forcedLook)
	case Closed:
		return now
	}
	u := b.find(of)
	return u.readyAt(now, u.parts[of])
}

// Acquire asks for a call of a part to pass. The first one after a cool-down begins the half-open state, of which Report's
// transitions speak later; View shows it at once.
func (b *Breaker) Acquire(now time.Time, of Part) (Permit, bool) {
	now = b.see(now)
	if b.forced == Open {
		return Permit{}, false
	}
	u := b.unit(now, of)
	p := u.part(now, of)
	if u.readyAt(now, p).After(now) {
		return Permit{}, false
	}
	return u.pass(now, p), true
}

// Report takes in how a call ended, and returns the change of state that followed, if one did: the host's, where it and a
// part of it changed.
func (b *Breaker) Report(now time.Time, p Permit, r Result) Transition {
	now = b.see(now)
	if p.unit == nil {
		return Transition{}
	}
	return p.unit.report(now, p, r)
}

// Asked takes in that the answer to a call asked for the host to be left alone for a time, as 503 and 529 do with
// Retry-After (RFC 9110, section 10.2.3). That opens nothing; but a cool-down, also one under way, ends no sooner, though
// no later than CoolDownMax from now.
func (b *Breaker) Asked(now time.Time, p Permit, wait time.Duration) {
	now = b.see(now)
	u := p.unit
	if u == nil || wait <= 0 {
		return
	}
	u.asked = later(u.asked, now.Add(wait))
	if u.state == Open && u.until.After(now) {
		u.heed(now)
	}
}

// Cancel gives back the permit of a call that was never made.
func (b *Breaker) Cancel(p Permit) {
	if p.unit != nil && p.whole.probe && p.whole.generation == p.unit.generation {
		p.unit.drop(p.whole)
	}
	if p.part != nil && p.own.probe && p.own.generation == p.part.generation {
		p.part.drop(p.own)
	}
}

// Force has the breaker Open or Closed until an operator releases it, which is Force with 0. What was forced open is then
// found out by probes, and what was forced closed is judged by the calls it has seen meanwhile from the next one on. It
// returns the change, none when it is so already.
func (b *Breaker) Force(now time.Time, to State) Transition {
	now = b.see(now)
	if to == b.forced || to == HalfOpen {
		return Transition{}
	}
	t := Transition{From: b.State(), Cause: map[State]string{
		Open: "opened by an operator", Closed: "closed by an operator", 0: "released by an operator",
	}[to]}
	b.forced = to
	switch to {
	case Open, Closed:
		b.each(func(u *unit) { u.forced(now, to) })
	default:
		b.each(func(u *unit) {
			if u.state == Open {
				u.until = now
			}
		})
	}
	t.To = b.State()
	b.remember(now, t)
	return t
}

// forced puts a unit where an operator wants it, without a cool-down; a closed one with all its parts.
func (u *unit) forced(now time.Time, to State) {
	u.enter(to)
	u.until, u.suspect, u.asked, u.closedAt = now, nil, time.Time{}, time.Time{}
	for _, p := range u.parts {
		if to == Closed && p.state != Closed {
			p.enter(Closed)
			p.closedAt = time.Time{}
		}
	}
}

func (b *Breaker) remember(now time.Time, t Transition) {
	if len(b.history) == keptChanges {
		copy(b.history, b.history[1:])
		b.history = b.history[:keptChanges-1]
	}
	b.history = append(b.history, Change{now, t})
}

func (b *Breaker) see(now time.Time) time.Time {
	if b.last.Before(now) {
		b.last = now
	}
	return b.last
}
