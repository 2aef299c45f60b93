package limiter

import "time"

// statement is one response's word on a window, in ticks.
type statement struct {
	sent, received tick
	accepted       bool
	limit          int64
	remaining      int64
	lo, hi         tick // of the reset
	hasReset       bool
	unsure         bool // in which unit the reset is told
	length         time.Duration
}

// tell takes in what a response says. The call itself was counted by ended before.
func (w *window) tell(now tick, t *statement, share float64, sure time.Duration) {
	w.toldAt = now
	if t.remaining != Unknown {
		w.counted = w.counted || t.accepted
	}
	if t.sent < w.fresh {
		if w.per == 0 && !t.accepted {
			w.untold = max(0, w.untold-1) // see untimed
		}
		w.tighten(now, t)
		return
	}
	// Which limit, of what length? It must be known before anything can be counted against it.
	last := w.fresh
	w.fresh = t.sent
	if t.limit == Unknown {
		t.limit = max(w.limit, t.remaining+1)
	}
	if limit := min(max(t.limit, minLimit), maxLimit); limit != w.limit {
		w.setLimit(limit, share)
		w.filling = filling{never: w.filling.never} // its responses spoke of another limit
		w.small, w.most = 0, 0
	}
	w.untimed(t, last)
	w.measure(t)
	if (w.vague || w.byDrain) && t.remaining != Unknown && w.limit >= leastDrain {
		w.drained(t)
	}
	if t.remaining == Unknown || w.per == 0 {
		return
	}

	if t.accepted {
		w.quotas.see(w.limit, t)
		if w.single() && w.left != Unknown && w.goesWell(t, t.sent-last) {
			return
		}
	}
	// Who used it? What is counted beyond our own calls is the use of others, and what that becomes says what kind of window it is:
	// before is compared with what is counted now, so all that changes how many calls are ours comes first.
	refilled := now >= w.until || w.left == Unknown || t.remaining >= w.left
	if refilled {
		w.first = t.received
	}
	seen := w.permits.trim(t.sent)
	w.rise(t)
	w.permits.back = 0
	if !w.byDrain {
		w.jump(t, last)
	}
	before := w.foreign
	w.left, w.untold = t.remaining, 0
	w.foreign = max(0, w.limit-t.remaining-seen)
	w.overstays(t, seen)
	w.giveBack(t, seen, share)
	w.hover(t, share)
	w.others.see(t.sent, w.beyondRounding(w.foreign)-w.beyondRounding(before), refilled)
	switch {
	case refilled && before-w.foreign > w.limit/10 && !(w.stepped() && w.limit-t.remaining > w.limit/2):
		w.fades, w.rises, w.slides = 0, 0, false
	case w.foreign < before:
		w.fades = min(w.fades+1, fadesNeeded)
	}
	if w.movedOn(t) {
		w.fades, w.slides = fadesNeeded, true
	}
	if !w.byDrain {
		w.fill(t)
	}
	// When is what was used given back? By the reset, where that is told, as far as it is believed.
	w.reset = t.received + w.per
	if t.hasReset {
		w.reset = max(t.hi, t.received)
		w.coarse = min((t.hi-t.lo)/2, w.per/10)
	}
	w.until = min(w.reset, t.received+maxHold)
	if w.confirmed {
		// The first call since the refill leaves the window at the latest then, and with it, whatever its kind, all
		// that was counted before.
		w.until = min(w.until, w.first+w.per-sure)
	}
	// Was the length guessed right? Only what stands above can tell.
	w.guessShorter(now, t, seen)
	w.fits(t, seen)
	if int64(w.permits.returned) >= max(2, w.mine/10) && (w.foreign <= 1+w.limit/50 || w.fades >= fadesNeeded && w.foreign <= w.limit/2) {
		w.confirmed = true
	}
	switch {
	case t.remaining > 0:
		w.dry = 0
	case t.accepted && refilled && w.limit > 1 && seen <= w.limit/2:
		w.dry = min(w.dry+1, dryLimit)
	}
}

// tighten takes in a response that is not the freshest: it may only make the lane more careful.
func (w *window) tighten(now tick, t *statement) {
	if t.remaining == Unknown || w.per == 0 || now >= w.until {
		return
	}
	w.left = min(w.left, t.remaining)
	w.foreign = max(w.foreign, min(w.limit, t.limit)-t.remaining-w.permits.kept)
}
