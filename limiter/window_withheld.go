package limiter

import "math"

// spare is what remained of a window of which a call was taken off, while we used all that we had.
type spare struct {
	least int64
	from  tick
}

// withhold takes so many calls off the limit: a sliding counter that rounds up never allows the last one.
func (w *window) withhold(n uint8, share float64) {
	w.short, w.spare = n, &spare{math.MaxInt64, w.fresh}
	w.setLimit(w.limit, share)
}

// giveBack gives back what withhold took, when it turns out to remain unused.
func (w *window) giveBack(t *statement, seen int64, share float64) {
	if w.short == 0 {
		return
	}
	if w.limit == 1 {
		w.asTold(t, share)
		return
	}
	if w.spare.least = min(w.spare.least, t.remaining); seen < w.mine*9/10 {
		*w.spare = spare{math.MaxInt64, t.sent}
	}
	if t.sent-w.spare.from > reviewLengths*w.per {
		if w.spare.least > 0 {
			w.withhold(0, share)
			w.whole = true
			return
		}
		*w.spare = spare{math.MaxInt64, t.sent}
	}
}

const (
	// hovers is how many responses in a row must leave nothing for a window to be one that never refills at once.
	hovers = 3
	// hoverLimit is the least limit of which a call is taken on that suspicion alone.
	hoverLimit = 50
)

// hover takes a call off the limit of a window that is used up all the time, once: it does not refill at once, so it may
// be a sliding counter. It is given back if it is not.
func (w *window) hover(t *statement, share float64) {
	if t.remaining > 0 || !t.accepted || !w.confirmed || w.dry > 0 {
		w.hovering = 0
		return
	}
	if w.hovering = min(w.hovering+1, hovers+1); w.hovering == hovers && w.short == 0 && !w.whole && w.limit >= hoverLimit {
		w.withhold(1, share)
	}
}
