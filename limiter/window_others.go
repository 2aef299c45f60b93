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
	if now >= w.until || w.spaced() || w.small >= smallLimit {
		return 0, 0
	}
	n = w.foreign
	if (w.fades >= fadesNeeded || w.filling.sure) && n > 0 {
		fading = w.per / tick(n)
		n -= min(n, int64(max(0, now-w.fresh)/max(1, fading)))
	}
	return max(0, n-(w.limit-w.mine)), fading
}

// shared reports whether others use the window, by more than rounding explains.
func (w *window) shared(now tick) bool {
	foreign, _ := w.foreignNow(now)
	return foreign > 1+w.limit/50
}

// leastPart is the part of a window's pace that others leave at least.
const leastPart = 0.1

// fadingReserve is for how long calls of others are allowed for where as many come as go.
const fadingReserve = 200 * time.Millisecond

// movedOn reports whether the end that is told moved on to the next window's, though most of the limit is counted still: what is
// counted was there before, so the window slides. One that begins anew counts no more than what came since then.
func (w *window) movedOn(t *statement) bool {
	return t.accepted && t.hasReset && w.reset > 0 && t.lo-w.reset > w.per/2 && t.sent-w.reset <= w.per/4 &&
		w.limit-t.remaining > w.limit/2
}

// rise takes in what a call leaves of a window that slides. If it is mostly one less than before, though calls of ours have left it
// meanwhile, they leave it together later: it counts time by whole seconds, or minutes. Where others use it, too, it is as often more.
func (w *window) rise(t *statement) {
	switch {
	case !w.slides || !t.accepted || w.permits.back == 0 || w.left == Unknown:
	case t.remaining < w.left:
		w.rises = min(w.rises+1, 2*risesNeeded)
	default:
		w.rises -= min(w.rises, risesNeeded-1)
	}
}

// stepped reports whether that was seen often enough.
func (w *window) stepped() bool { return w.rises >= risesNeeded }

// risesNeeded is how often, less nearly as much for each time that it was not so.
const risesNeeded = 4
