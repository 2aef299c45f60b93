package limiter

import "time"

// statement is one response's word on a window, in ticks.
type statement struct {
	sent, received tick
	accepted       bool
	limit          int64
	remaining      int64
	lo, hi         tick // of the reset
	at             tick // the reset as it was told; 0: not known
	hasReset       bool
	unsure         bool // in which unit the reset is told
	length         time.Duration
}

// told is the reset as it was told, as near as that is known: of a short window the interval does not have it in its middle, for it
// cannot begin before the response came.
func (t *statement) told() tick {
	if t.at == 0 {
		return t.lo/2 + t.hi/2
	}
	return min(max(t.at, t.lo), t.hi)
}

// tell takes in what a response says, step by step: each needs what those before it found. The call itself was counted by ended
// before.
func (w *window) tell(now tick, t *statement, share float64, sure time.Duration) {
	w.toldAt = now
	w.counted = w.counted || t.accepted && t.remaining != Unknown
	if t.sent < w.ledger.fresh {
		if w.per == 0 && !t.accepted {
			w.run.n = max(0, w.run.n-1) // see untimed
		}
		w.tighten(now, t)
		return
	}
	last := w.ledger.fresh
	w.ledger.fresh = t.sent

	// Which limit, of what length? It must be known before anything can be counted against it.
	w.tellLimit(t, share)
	w.untimed(t, last)
	w.measure(t)
	w.drained(t)
	if t.remaining == Unknown || w.per == 0 {
		return
	}
	if t.accepted {
		w.quotas.see(w.limit, t)
		if w.single() && w.ledger.left != Unknown && w.goesWell(t, t.sent-last) {
			return
		}
	}

	// Who used it? What is counted beyond our own calls is the use of others. All that changes how many calls are ours comes before
	// what that use becomes is looked at, which says what kind of window it is.
	c := w.count(now, t, last)
	w.overstays(t, c.ours)
	w.giveBack(t, c.ours, share)
	w.hover(t, share)
	w.others.see(t.sent, w.beyondRounding(w.ledger.foreign)-w.beyondRounding(c.foreign), c.refilled)
	w.slide(t, c.foreign, c.refilled)
	w.fill(t)

	// When is what was used given back?
	w.ends(t, sure)

	// Was it guessed right? Only what stands above can tell.
	w.guessShorter(now, t, c.ours)
	w.small.see(t, w.limit, c.ours)
	if w.agrees() {
		w.confirm()
	}
	w.spacing.see(t, w.limit, c)
}

// tellLimit takes in the limit: what is told of what remains says that it is at least one more.
func (w *window) tellLimit(t *statement, share float64) {
	if t.limit == Unknown {
		t.limit = max(w.limit, t.remaining+1)
	}
	if limit := min(max(t.limit, minLimit), maxLimit); limit != w.limit {
		w.setLimit(limit, share)
		w.filling = filling{never: w.filling.never} // its responses spoke of another limit
		w.small = smallBucket{}
	}
}

// tally is what a response counts, beside the one before it.
type tally struct {
	refilled bool  // the window was, for all that can be seen, between the two
	ours     int64 // calls of ours that the destination may count
	foreign  int64 // calls of others that it counted before
}

// count brings the ledger up to date; last is when the call of the response before was sent.
func (w *window) count(now tick, t *statement, last tick) tally {
	l := &w.ledger
	c := tally{
		refilled: now >= l.until || l.left == Unknown || t.remaining >= l.left,
		ours:     w.permits.trim(t.sent),
		foreign:  l.foreign,
	}
	if c.refilled {
		w.run.from = t.received
	}
	// These compare what remained with what does.
	w.rise(t)
	w.jump(t, last)
	w.wholeAgain(t, last)
	w.permits.back = 0
	l.left, l.untold = t.remaining, 0
	l.foreign = max(0, w.limit-t.remaining-c.ours)
	return c
}

// ends settles until when what is counted stands: to the reset, where that is told, as far as it is believed.
func (w *window) ends(t *statement, sure time.Duration) {
	l := &w.ledger
	l.reset = t.received + w.per
	if t.hasReset {
		l.reset = max(t.hi, t.received)
		if w.lag() == 0 {
			l.coarse = min((t.hi-t.lo)/2, w.per/10)
		}
	}
	l.until = min(l.reset, t.received+maxHold)
	if w.confirmed() {
		// The first call since the refill leaves the window at the latest then, and with it, whatever its kind, all
		// that was counted before.
		l.until = min(l.until, w.run.from+w.per-sure)
	}
}

// agrees reports whether enough permits came back when the destination's own count said so.
func (w *window) agrees() bool {
	foreign := w.ledger.foreign
	return int64(w.permits.returned) >= max(2, w.mine/10) && (!w.notable(foreign) || w.sliding.fading() && foreign <= w.limit/2)
}
