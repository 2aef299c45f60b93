package matrix

import (
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// How long a cell runs.
const (
	leastRun   = 10 * time.Minute
	slowRun    = time.Hour // of hosts that say 429 only, up to slowRate calls per second
	slowRate   = 5.0
	leastEdges = 30 // windows
	longEdges  = 3  // windows of an hour and more
	mostCalls  = 60_000
)

// plan is when what happens in a run.
type plan struct {
	begin  instant // the first call may go: at a phase of the window that the seed draws
	steady instant // from here on use counts
	pause  instant // until here; never without a change
	change instant // of the limits; never without one
	again  instant // from here on use counts again; never without a change
	end    instant
}

// plan lays out a run. The parts in which use counts are whole numbers of windows, as the server's clock has them: a
// sender that spends a window's allowance at its beginning and one that spreads it are measured alike.
func (c *Cell) plan(seed uint64) plan {
	w := c.window()
	p := plan{begin: instant(draw(seed, 0, drawPhase) * float64(w)), pause: never, change: never, again: never}
	p.steady = c.edge(p.begin + c.warmUp())
	length := max(leastRun, leastEdges*w)
	if w >= time.Hour {
		length = longEdges * w
	}
	if !c.Dialect.Advertises() && c.Rate() <= slowRate {
		length = max(length, slowRun)
	}
	if c.Change == 0 {
		p.end = c.edge(p.steady + c.affordable(length, c.Rate()))
		return p
	}
	// The change comes amid a window, where it is hardest.
	p.pause = c.edge(p.steady + c.affordable(length/2, 2*c.Rate()))
	p.change = p.pause + w/2
	p.again = c.edge(p.change + c.adaptation())
	half := max(length/2, c.adaptation())
	p.end = c.edge(p.again + max(c.affordable(half, 2*c.rate(c.Change)), c.adaptation()))
	return p
}

// affordable shortens a run to mostCalls, but never below a hundred windows or seconds.
func (c *Cell) affordable(length time.Duration, rate float64) time.Duration {
	most := time.Duration(mostCalls / rate * float64(time.Second))
	return max(min(length, most), min(length, 100*max(min(c.window(), time.Minute), time.Second)))
}

// edge is the first end of a window of the server's clock at or after t.
func (c *Cell) edge(t instant) instant {
	w := c.window()
	t += c.Skew
	return (t+w-1)/w*w - c.Skew
}

// warmUp is how long a sender has to find out before use counts: a window where the limit is told, and where it is
// not, or what is told says nothing of it, 30 seconds or ten windows, whichever is longer.
func (c *Cell) warmUp() time.Duration {
	w := c.window()
	if c.Dialect.Advertises() && !c.tellsNothing() && !c.is(destination.Concurrency) {
		return max(w, 2*time.Second)
	}
	return max(30*time.Second, 10*min(w, time.Minute))
}

// adaptation is how long a sender may take to 90 % of a changed allowance: a window where the limit is told, and where
// it is not 5 minutes or the time of 600 calls at the old limit, whichever is longer. To both comes what it takes to
// hear of it at the earliest: a call's interval and a round trip.
func (c *Cell) adaptation() time.Duration {
	interval := time.Duration(float64(time.Second) / c.Rate())
	hear := interval + c.RTT + 2*c.Jitter
	if c.Dialect.Advertises() {
		return c.window() + hear
	}
	return max(5*time.Minute, 600*interval) + hear
}

// counts reports whether use counts at an instant.
func (p *plan) counts(t instant) bool {
	return t >= p.steady && t < p.end && (t < p.pause || t >= p.again)
}

// span is how long use counts.
func (p *plan) span() time.Duration {
	if p.change == never {
		return p.end - p.steady
	}
	return p.pause - p.steady + p.end - p.again
}
