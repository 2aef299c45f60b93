package limiter

import (
	"math"
	"time"
)

// beyondRounding is how many of the calls that a destination counts beyond ours are not of its rounding. Of a limit of twenty
// and more, one more or less is no use by others.
func (w *window) beyondRounding(foreign int64) int64 {
	return max(0, foreign-min(1, w.limit/20))
}

// notable reports whether that is more than a destination's rounding, or its clock, explains: so much use by others matters.
func (w *window) notable(foreign int64) bool { return foreign > 1+w.limit/50 }

// others follows the use of a window by others than this lane.
type others struct {
	rate float64 // calls per second, a moving mean
	at   tick    // when it was last brought up to date
}

// see takes in how many more calls of others a response counts than the one before it.
func (o *others) see(at tick, more int64, refilled bool) {
	span := (at - o.at).Seconds()
	if o.at = at; span <= 0 || refilled {
		return
	}
	// Ten seconds of memory: their use changes, and one response says little.
	o.rate += (float64(max(0, more))/span - o.rate) * min(1, span/10)
}

// reserve is how many calls others may have made in a time, most probably.
func (o *others) reserve(in time.Duration) int64 {
	x := o.rate * in.Seconds()
	return int64(math.Ceil(x + math.Sqrt(x)/2 - 0.1))
}

// foreignNow is how many permits the use of others takes; what the lane's share leaves to them is theirs anyway. Where
// it was seen to fade before the reset, it is taken to go on doing so evenly, one permit each so long.
func (w *window) foreignNow(now tick) (n int64, fading tick) {
	if now >= w.ledger.until || w.spaced() || w.small.shown() {
		return 0, 0
	}
	n = w.ledger.foreign
	if (w.sliding.fading() || w.filling.sure) && n > 0 {
		fading = w.per / tick(n)
		n -= min(n, int64(max(0, now-w.ledger.fresh)/max(1, fading)))
	}
	return max(0, n-(w.limit-w.mine)), fading
}

// shared reports whether others use the window, by more than rounding explains.
func (w *window) shared(now tick) bool {
	foreign, _ := w.foreignNow(now)
	return w.notable(foreign)
}

// leastPart is the part of a window's pace that others leave at least.
const leastPart = 0.1

// fadingReserve is for how long calls of others are allowed for where as many come as go.
const fadingReserve = 200 * time.Millisecond
