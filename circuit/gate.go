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

	calls, failures int // in the window when it last opened

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

// count takes in a call of a closed gate, and reports whether its numbers would open it.
func (g *gate) count(now time.Time, c *Config, r Result) bool {
	g.window.add(now, c.Window, r)
	if r == Success {
		return false
	}
	sum := g.window.sum(now, c.Window)
	return c.trips(int(sum.calls), int(sum.failures))
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
	if s == Closed {
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
	return g.state == Closed && (g.coolDown == 0 || now.Sub(g.closedAt) >= c.CoolDownMax) &&
		g.window.sum(now, c.Window).calls == 0
}

// share is the part of a known rate that may be used: less than 1 for a while after it has closed.
func (g *gate) share(now time.Time, c *Config) float64 {
	if g.state != Closed || g.closedAt.IsZero() || c.Ramp <= 0 {
		return 1
	}
	return shareAt(now.Sub(g.closedAt).Seconds(), c.Ramp.Seconds())
}

// because says what the calls of the window were like when it opened.
func (g *gate) because(now time.Time, c *Config) string {
	sum := g.window.sum(now, c.Window)
	text := fmt.Sprintf("%d of %d calls failed within %s", sum.failures, sum.calls, c.Window)
	if sum.unreachable > 0 {
		text += fmt.Sprintf(", %d of them without reaching it", sum.unreachable)
	}
	return text
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
