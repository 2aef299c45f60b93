package limiter

// ledger is what the destination itself counts: what the freshest response, by the instant its call was sent, left of a window. A
// response that was sent before that one only tightens it.
type ledger struct {
	fresh   tick  // when the call of the freshest response was sent
	left    int64 // calls that remained then; Unknown: not told
	untold  int64 // calls of ours that ended since, of which no response has told
	foreign int64 // calls counted that were not ours
	reset   tick  // as told, from which a call is safe
	coarse  tick  // how far off a reset may be, by its rounding
	until   tick  // when foreign and left mean nothing any more
}

// room is how many more calls fit into what was left, given how many are in flight; left must be known.
func (l *ledger) room(inFlight int64) int64 { return l.left - inFlight - l.untold }

// leftForUs is room without what the lane's share leaves to others.
func (w *window) leftForUs(inFlight int64) int64 { return w.ledger.room(inFlight) - (w.limit - w.mine) }

// tighten takes in a response that is not the freshest: it may only make the lane more careful.
func (w *window) tighten(now tick, t *statement) {
	if t.remaining == Unknown || w.per == 0 || now >= w.ledger.until {
		return
	}
	w.ledger.left = min(w.ledger.left, t.remaining)
	w.ledger.foreign = max(w.ledger.foreign, min(w.limit, t.limit)-t.remaining-w.permits.kept)
}

// run is the calls of ours since the window was whole, as far as is known.
type run struct {
	// from is when that was: the receipt of the first response since then; of an inferred window, the end of the pause before.
	from tick
	// n is how many calls ended since. It is kept where that tells the window's length or limit: while the length is not known,
	// and of an inferred window.
	n int64
}
