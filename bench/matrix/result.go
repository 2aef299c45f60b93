package matrix

import (
	"math"
	"time"
)

// Result is what came of one sender in one cell.
type Result struct {
	Sender string

	Sent     int // calls that arrived, over the whole run
	Accepted int
	Refused  int
	// Steady is how many were accepted in the parts in which use counts, Span how long those are.
	Steady int
	Span   time.Duration
	// Foreign is how many calls of others were accepted over the whole run.
	Foreign int
	// Burst is the most calls that arrived within any second, as a multiple of the even pace (at least one call).
	Burst float64
	// Adapted is how long after the limits' change the sender reached 90 % of the new allowance; negative without a
	// change, or when it never did.
	Adapted time.Duration
}

// Share is the part of the calls that were refused.
func (r *Result) Share() float64 { return float64(r.Refused) / float64(max(1, r.Sent)) }

// Use is what was accepted of what the best had accepted, in the parts that count.
func (r *Result) Use(best *Result) float64 { return float64(r.Steady) / float64(max(1, best.Steady)) }

// UseOfAll is the same over the whole run.
func (r *Result) UseOfAll(best *Result) float64 {
	return float64(r.Accepted) / float64(max(1, best.Accepted))
}

func newResult(c *Cell, sender string, p *plan, arrivals []arrival, srv *server) Result {
	r := Result{
		Sender: sender, Sent: len(arrivals), Foreign: srv.accepted,
		Span: p.span(), Burst: burst(arrivals, c.Rate()*max(1, c.Change)), Adapted: -1,
	}
	if p.change != never {
		r.Adapted = adapted(arrivals, p, c)
	}
	for _, a := range arrivals {
		if !a.ok {
			r.Refused++
			continue
		}
		r.Accepted++
		if p.counts(a.at) {
			r.Steady++
		}
	}
	return r
}

// burst is the most arrivals within any second, over what comes in one at an even pace.
func burst(arrivals []arrival, rate float64) float64 {
	most, first := 0, 0
	for i := range arrivals {
		for arrivals[i].at-arrivals[first].at >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return float64(most) / max(1, rate)
}

// adapted finds the first instant after the change from which on a mean over a window (or over twenty calls, where
// that is longer) is at 90 % of the new allowance, and returns how long after the change that is; -1 when there is none.
func adapted(arrivals []arrival, p *plan, c *Cell) time.Duration {
	rate := c.rate(c.Change)
	over := max(c.window(), time.Duration(20/rate*float64(time.Second)))
	enough := int(math.Ceil(0.9 * rate * over.Seconds()))
	var accepted []instant
	for _, a := range arrivals {
		if a.ok && a.at >= p.change {
			accepted = append(accepted, a.at)
		}
	}
	reached := func(from instant, first int) bool { // first: of those accepted from there on
		last := first + enough - 1
		return from+over <= p.end && last < len(accepted) && accepted[last] < from+over
	}
	if reached(p.change, 0) {
		return 0
	}
	for i, t := range accepted {
		if reached(t, i) {
			return t - p.change
		}
	}
	return -1
}
