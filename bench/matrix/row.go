package matrix

import (
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// Row is a class of cells that is held to one bar.
type Row int

// The rows. Unheld cells have no bar: small limits that are shared, and shared ones that are told by refusals only,
// where nobody can know what others will do.
const (
	Unheld          Row = iota
	Advertised          // they advertise, in windows of ten seconds and more
	AdvertisedShort     // they advertise in shorter windows, or in ones that begin with a request, in whole seconds
	RefusalsOnly        // they say 429 only, with or without Retry-After
	SharedLimit         // they advertise a limit of 100 and more, and others take part of it
	Changing            // the limit changes amid the run
	AtOnce              // they limit calls at once
	CountRefused        // they count refused calls against the sender
)

// Rows returns the rows that have a bar.
func Rows() []Row {
	return []Row{Advertised, AdvertisedShort, RefusalsOnly, SharedLimit, Changing, AtOnce, CountRefused}
}

// String returns a few words for the row.
func (r Row) String() string {
	switch r {
	case Advertised:
		return "advertised, windows of 10 s or more"
	case AdvertisedShort:
		return "advertised, 1 s or from the first call"
	case RefusalsOnly:
		return "429 only"
	case SharedLimit:
		return "advertised, 30 % taken by others"
	case Changing:
		return "limit changes amid the run"
	case AtOnce:
		return "calls at once"
	case CountRefused:
		return "refused calls count"
	}
	return "no bar"
}

// Bar is what a sender must reach.
type Bar struct {
	Use     float64 // of what the best gets; 0: no bar
	Refused float64 // share of calls, or allowedRefusals where that is more; 1: no bar
	// Adapt is how soon after a change 90 % of the new allowance are reached; 0: no bar.
	Adapt time.Duration
	// Possible is the part of the best's use that is possible at all without knowing the future, and Why what bounds
	// it; see Cell.Possible. Use is the row's share of it.
	Possible float64
	Why      string
}

// medianUse is the least median over a row's cells; 0: no bar.
func (r Row) medianUse() float64 {
	if r == RefusalsOnly {
		return 0.98
	}
	return 0
}

// refusals are always allowed: two a run, and two for every change of the limit.
const allowedRefusals = 2

// bar is the row's own.
func (r Row) bar() Bar {
	switch r {
	case Advertised:
		return Bar{Use: 0.995, Refused: 0.0005}
	case AdvertisedShort:
		return Bar{Use: 0.97, Refused: 0.002}
	case RefusalsOnly:
		return Bar{Use: 0.96, Refused: 0.005}
	case SharedLimit:
		return Bar{Use: 0.98, Refused: 0.005}
	case AtOnce:
		return Bar{Use: 0.95, Refused: 0.02}
	case CountRefused:
		return Bar{Use: 0.90, Refused: 0.01}
	}
	return Bar{Refused: 1}
}

// Row returns the cell's.
func (c *Cell) Row() Row {
	switch {
	case c.is(destination.Concurrency):
		return AtOnce
	case c.Change > 0:
		return Changing
	case c.Shared > 0 && c.Dialect.Advertises() && c.Limits[0].Limit >= 100:
		return SharedLimit
	case c.Shared > 0:
		return Unheld
	}
	return c.plainRow()
}

// plainRow is the row of the same cell with nobody else and no change.
func (c *Cell) plainRow() Row {
	if c.is(destination.Counting) {
		return CountRefused
	}
	if !c.Dialect.Advertises() || c.tellsNothing() {
		return RefusalsOnly
	}
	for _, l := range c.Limits {
		if l.Per < 10*time.Second || l.Algorithm == destination.FixedFirst && c.Dialect != destination.XRateLimitMs &&
			c.Dialect != destination.XRateLimitEpochMs {
			return AdvertisedShort
		}
	}
	return Advertised
}

// tellsNothing reports whether what is told says nothing that a refusal does not: of one call at a time, with a reset in
// whole seconds where it is less than one, and without a policy, every response reads "1, 0 left, 1 s" at any rate.
func (c *Cell) tellsNothing() bool {
	switch c.Dialect {
	case destination.XRateLimitDelta, destination.XRateLimitEpoch, destination.XRateLimitEpochFloor,
		destination.XRateLimitSeconds:
	default:
		return false
	}
	for _, l := range c.Limits {
		one := l.Algorithm == destination.Leaky || l.Burst == 1 || l.Limit == 1 && l.Burst == 0
		if !one || l.Per/time.Duration(l.Limit) > time.Second {
			return false
		}
	}
	return true
}

// Bar returns what a sender must reach in the cell: its row's, as far as that is possible.
func (c *Cell) Bar() Bar {
	row := c.Row()
	b := row.bar()
	switch {
	case row == Changing:
		b = Bar{Refused: c.plainRow().bar().Refused, Adapt: c.adaptation()}
	case row == SharedLimit && c.is(destination.SlidingLog, destination.SlidingCounter, destination.Counting):
		b.Use = 0.90
	}
	if b.Possible = 1; b.Use > 0 {
		b.Possible, b.Why = c.Possible(b.Refused)
		b.Use *= b.Possible
	}
	return b
}

// maxPause is the longest that a lane is held by one refusal, by default: limiter.DefaultMaxPause.
const maxPause = time.Hour

// Refusals is how many of so many calls may be refused.
func (c *Cell) Refusals(b *Bar, calls int) int {
	allowed := allowedRefusals
	if c.Change > 0 {
		allowed += allowedRefusals
	}
	for _, l := range c.Limits {
		if l.Per > maxPause { // who is refused asks again after that long, as may be all that a longer wait is worth
			allowed += int(l.Per / maxPause)
		}
	}
	return max(allowed, int(b.Refused*float64(calls)))
}

// The parts of a bar, as a verdict names them.
const (
	missedUse     = "use"
	missedRefused = "429"
	missedAdapt   = "adapt"
)

// missed says what of a bar a result missed; empty: nothing.
func (c *Cell) missed(b *Bar, r, best *Result) []string {
	var missed []string
	if b.Use > 0 && r.Use(best) < b.Use {
		missed = append(missed, missedUse)
	}
	if r.Refused > c.Refusals(b, r.Sent) {
		missed = append(missed, missedRefused)
	}
	if b.Adapt > 0 && (r.Adapted < 0 || r.Adapted > b.Adapt) {
		missed = append(missed, missedAdapt)
	}
	return missed
}
