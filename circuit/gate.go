package circuit

import (
	"fmt"
	"time"
)

// gate is the state of a host, or of a part of one.
//
// Every change of state begins a new generation: reports of calls that began in an earlier one say nothing of the host as
// it is now, and do not count.
type gate struct {
	state      State
	generation uint32
	issued     uint32 // tickets, ever

	window window // while closed
	row    row    // while closed

	calls, failures int    // in the window when it last opened
	cause           string // of that

	until    time.Time     // while open: when the cool-down is over
	coolDown time.Duration // of the last opening; 0: the next is the first
	closedAt time.Time     // when it last closed after probes; zero: it never did

	// While half-open; see unit.probed for what is spent.
	probes           []probe // those out
	succeeded, spent int
}

// probe is a permit out while half-open.
type probe struct {
	number  uint32
	part    *part
	expires time.Time
}

// readyAt returns when pass may be called: now if it may at once.
func (g *gate) readyAt(now time.Time, c *Config) time.Time {
	switch g.state {
	case Open:
		return later(now, g.until)
	case HalfOpen:
		if len(g.probes)+g.succeeded+g.spent < c.Probes || len(g.probes) == 0 {
			return now
		}
		first := g.probes[0].expires
		for _, p := range g.probes {
			if p.expires.Before(first) {
				first = p.expires
			}
		}
		return later(now, first)
	}
	return now
}

// pass issues a ticket at a gate that is ready.
func (g *gate) pass(now time.Time, c *Config, of *part) ticket {
	g.issued++
	t := ticket{generation: g.generation, number: g.issued, probe: g.state == HalfOpen}
	if t.probe {
		g.expire(now)
		g.probes = append(g.probes, probe{number: t.number, part: of, expires: now.Add(c.ProbeExpiry)})
	}
	return t
}

// row is a run of failures without a success between them. It shows an outage long before a window does that is full of the
// calls of better times.
type row struct {
	failures, unreachable int32
	last                  time.Time
	first                 *part // whose failure began it,
	others                int32 // and how many are others'
}

// rowGap is the most that may lie between a failure and the beginning of the next call that fails, for both to be of one row.
const rowGap = 2 * time.Minute

// over reports whether a call that begins at an instant, or later, would begin another row by failing. That it fails may show
// much later: a host that takes connections and never answers is heard of when its calls time out.
func (r *row) over(began time.Time) bool { return r.failures == 0 || began.Sub(r.last) > rowGap }

// count takes in a call of a closed gate, and reports whether its numbers would open it: those of its window, or as many
// failures in a row as the window would need calls.
func (g *gate) count(now time.Time, c *Config, p *Permit, r Result) (byRatio, byRow bool) {
	of := p.part
	g.window.add(now, c.Window, r)
	if r == Success {
		g.row.failures = 0
		return false, false
	}
	if g.row.over(p.began) {
		g.row = row{first: of}
	}
	g.row.last = now
	g.row.failures++
	if r == Unreachable {
		g.row.unreachable++
	}
	if g.row.first != of {
		g.row.others++
	}
	sum := g.window.sum(now, c.Window)
	return c.trips(int(sum.calls), int(sum.failures)), c.byRow() && int(g.row.failures) >= c.inARow()
}

// open begins a cool-down: twice the last one, unless the gate has been closed long enough to be trusted again.
func (g *gate) open(now time.Time, c *Config) {
	switch trusted := g.state == Closed && now.Sub(g.closedAt) >= c.CoolDownMax; {
	case g.coolDown == 0 || trusted:
		g.coolDown = c.CoolDown
	default:
		g.coolDown = min(2*g.coolDown, c.CoolDownMax)
	}
	if g.state == Closed {
		sum := g.window.sum(now, c.Window)
		g.calls, g.failures = int(sum.calls), int(sum.failures)
	}
	g.until = now.Add(g.coolDown)
	g.enter(Open)
}

// recovered reports whether the probes of a half-open gate have been enough to close it.
func (g *gate) recovered(c *Config) bool { return g.succeeded > 0 && g.succeeded+g.spent >= c.Probes }

// enter begins a generation.
func (g *gate) enter(s State) {
	g.state = s
	g.generation++
	g.probes, g.succeeded, g.spent = nil, 0, 0
	if g.row = (row{}); s == Closed {
		g.window = window{}
	}
}

// drop takes a probe out of those that are out; false when it expired, and another took its place.
func (g *gate) drop(t ticket) bool {
	for i, p := range g.probes {
		if p.number == t.number {
			g.probes = append(g.probes[:i], g.probes[i+1:]...)
			return true
		}
	}
	return false
}

// expire gives up probes that were never reported.
func (g *gate) expire(now time.Time) {
	kept := g.probes[:0]
	for _, p := range g.probes {
		if p.expires.After(now) {
			kept = append(kept, p)
		}
	}
	g.probes = kept
}

// idle reports whether nothing would be lost with the gate.
func (g *gate) idle(now time.Time, c *Config) bool {
	return g.state == Closed && g.trusted(now, c) && g.window.sum(now, c.Window).calls == 0
}

// trusted reports whether a closed gate has never been open, or not for so long that it means nothing any more.
func (g *gate) trusted(now time.Time, c *Config) bool {
	return g.coolDown == 0 || now.Sub(g.closedAt) >= c.CoolDownMax
}

// share is the part of a known rate that may be used: less than 1 for a while after it has closed.
func (g *gate) share(now time.Time, c *Config) float64 {
	if g.state != Closed || g.closedAt.IsZero() || c.Ramp <= 0 {
		return 1
	}
	return shareAt(now.Sub(g.closedAt).Seconds(), c.Ramp.Seconds())
}

// because says what opened the gate: the calls of its window, or those in a row.
func (g *gate) because(now time.Time, c *Config, byRatio bool) string {
	if !byRatio {
		return fmt.Sprintf("%d calls in a row failed%s", g.row.failures, unreached(g.row.unreachable))
	}
	sum := g.window.sum(now, c.Window)
	return fmt.Sprintf("%d of %d calls failed within %s%s", sum.failures, sum.calls, c.Window, unreached(sum.unreachable))
}

func unreached(n int32) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them without reaching it", n)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
