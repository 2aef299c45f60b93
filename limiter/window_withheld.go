package limiter

import "math"

// Some sliding counters round up and never allow the last call of their limit. A window that refuses though there is room for a
// call, or that is used up all the time, is taken for one: a call is taken off its limit, and given back if it turns out to remain.

// withheld is what is known of a window that may keep its last call back.
type withheld struct {
	on       bool  // a call is taken off its limit
	returned uint8 // how often it was given back, up to mostReturned: nothing but a refusal takes one again
	hovering uint8 // responses in a row that left nothing

	// While a call is taken off and we use all that we have: the least that remained, and since when.
	least int64
	from  tick
}

const (
	// hovers is how many responses in a row must leave nothing for a window to be one that never refills at once.
	hovers = 3
	// hoverLimit is the least limit of which a call is taken on that suspicion alone.
	hoverLimit = 50
	// mostReturned bounds how often the time grows, fourfold, that a call has to remain to be given back: one that is refused again
	// and again is kept back in truth, and remains because of how what the counter tells is rounded.
	mostReturned = 5
)

// withholds reports whether a call is taken off the limit. Of a limit of one, which has none to spare, it says that the length was
// doubled; see cameTooSoon.
func (w *window) withholds() bool { return w.withheld != nil && w.withheld.on }

// withhold takes a call off the limit, or gives it back.
func (w *window) withhold(on bool, share float64) {
	if w.withheld == nil {
		w.withheld = new(withheld)
	}
	w.withheld.on = on
	w.withheld.watch(w.ledger.fresh)
	w.setLimit(w.limit, share)
}

// watch begins to look for the least that remains.
func (h *withheld) watch(from tick) { h.least, h.from = math.MaxInt64, from }

// giveBack gives the call back when it turns out to remain unused.
func (w *window) giveBack(t *statement, seen int64, share float64) {
	if !w.withholds() {
		return
	}
	if w.limit == 1 {
		w.asTold(t, share)
		return
	}
	h := w.withheld
	if h.least = min(h.least, t.remaining); seen < w.mine*9/10 {
		h.watch(t.sent)
	}
	if t.sent-h.from <= reviewLengths*w.per<<(2*h.returned) {
		return
	}
	if h.least > 0 {
		w.withhold(false, share)
		h.returned = min(h.returned+1, mostReturned)
		return
	}
	h.watch(t.sent)
}

// hover takes a call off the limit of a window that is used up all the time, once: it does not refill at once, so it may
// be a sliding counter. It is given back if it is not.
func (w *window) hover(t *statement, share float64) {
	h := w.withheld
	if t.remaining > 0 || !t.accepted || !w.confirmed() || w.spacing > 0 {
		if h != nil {
			h.hovering = 0
		}
		return
	}
	if h == nil {
		h = new(withheld)
		w.withheld = h
	}
	if h.hovering = min(h.hovering+1, hovers+1); h.hovering == hovers && !h.on && h.returned == 0 && w.limit >= hoverLimit {
		w.withhold(true, share)
	}
}
