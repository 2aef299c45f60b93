package limiter

// measure learns the window's length.
func (w *window) measure(t *statement) {
	if w.unsure && !t.unsure && !w.asRule {
		// What was measured may have been milliseconds.
		w.per, w.longest, w.permits = 0, 0, permits{}
		w.left, w.foreign, w.until = Unknown, 0, 0
	}
	w.unsure = t.unsure
	if t.length > 0 {
		w.declared, w.confirmed = true, true
		if w.limit == 1 && w.short > 0 {
			t.length *= 2
		}
		w.setLength(t.length)
		return
	}
	if w.asRule && t.hasReset && t.lo-t.received > w.per {
		w.notAsRule() // it is longer than the operator knows of
	}
	if w.declared || !t.hasReset || w.filling.sure || w.vague || w.onTrial() || w.timing == gradually {
		return
	}
	least := t.lo - t.received
	reset := min(least/2+(t.hi-t.received)/2, maxWindow)
	if w.review.shortened || w.limit == 1 && least > lengths[0]/4 {
		// Of one call at a time the reset is the whole window, in whole seconds, rounded up most likely.
		reset = min(least, maxWindow)
	}
	span := tick(0)
	if w.timing != always && w.per == 0 {
		if span = w.spanned(t); span == 0 {
			return
		}
	}
	if span == 0 && least <= 0 && t.hi <= t.received+lengths[0] {
		return // a reset that may be now says nothing
	}
	if w.limit == 1 && t.remaining == 0 && least <= lengths[0]/4 {
		if t.hi-t.lo < lengths[0] {
			return // it is shorter than people choose: pausing at refusals finds it
		}
		reset = lengths[0] // the least that whole seconds can tell
	}
	if reset <= 0 && span == 0 {
		return
	}
	switch {
	case span > 0:
		if reset = max(reset, span); w.asksForAll(t) {
			reset = t.lo - t.received
		}
		defer w.timed()
	case w.timing != always, w.twin && t.sent-w.since > w.per: // until then, what is remembered may be the other one's
		reset = max(reset, w.spans(t))
	}
	if reset <= w.longest {
		w.longer = 0
		return
	}
	per := guessLength(reset)
	if w.confirmed && per > w.per {
		// One odd value must not slow a lane that does well.
		if w.longer++; w.longer < 3 {
			return
		}
		w.confirmed = false
	}
	w.longer, w.longest = 0, reset
	w.setLength(max(per, w.per))
}

// spans is how long a window is at least that counts all of our calls that we remember: from the first of them to its
// reset. Where two windows are told by one name, the longer one is told of only when little remains of it, and its resets
// alone make it seem shorter than it is.
func (w *window) spans(t *statement) tick {
	p := &w.permits
	counted := p.trim(t.sent)
	if t.remaining == Unknown || w.per == 0 || counted < max(2, w.limit/2) || w.limit-t.remaining < counted {
		return 0
	}
	return t.lo - (p.slot(p.head).at - w.per)
}

// likeRule takes a window for the configured one of the same limit, and so for as long.
func (w *window) likeRule(rule *window, share float64) {
	w.asRule, w.declared, w.confirmed = true, true, true
	w.setLimit(rule.limit, share)
	w.setLength(rule.per)
	w.permits = rule.permits.clone() // the calls counted there count here, too
}

// notAsRule takes that back.
func (w *window) notAsRule() { w.asRule, w.declared, w.confirmed = false, false, false }

// review is the evidence, gathered over some lengths of a guessed window, that it is shorter than guessed: we use all
// that we think there is, and the destination's own count stays far below.
type review struct {
	since     tick
	least     tick  // the longest time to the reset, by the lower bound
	was       tick  // how long it was guessed before; 0: not shortened, or shown to be right
	counted   int32 // the most calls that the destination counted
	idle      bool  // we did not use our permits all the time
	shortened bool  // once: from then on only the lower bound of a reset counts
}

const (
	// reviewLengths is how many lengths of the window a review takes.
	reviewLengths = 3
	// wellBelow is the part of the limit that a destination's count stays below where the window is too long.
	wellBelow = 0.6
	// leastBelow is by how many calls at least: a bucket of two that is used at its rate has one of them back each time.
	leastBelow = 2
)

// guessShorter reviews a guess, and may replace it by the next shorter length that the resets allow.
func (w *window) guessShorter(now tick, t *statement, seen int64) {
	if w.declared || w.review.shortened || w.filling.sure {
		return
	}
	r := &w.review
	r.counted = max(r.counted, int32(w.limit-t.remaining)) //nolint:gosec // both are at most maxLimit
	r.least = max(r.least, t.lo-t.received)
	r.idle = r.idle || float64(seen) < 0.8*float64(w.mine)
	if now-r.since < reviewLengths*w.per {
		return
	}
	below := !r.idle && int64(r.counted) <= min(int64(wellBelow*float64(w.limit)), w.limit-leastBelow)
	if below && w.per <= lengths[0] {
		w.per, w.vague = 0, true // shorter than whole seconds can tell: refusals will
	}
	if below {
		for i := len(lengths) - 1; i >= 0; i-- {
			if lengths[i] < w.per {
				if r.least <= lengths[i]+lengths[i]/10 {
					w.longest, r.was = r.least, w.per
					w.setLength(lengths[i])
					r.shortened = true
				}
				break
			}
		}
	}
	*r = review{since: now, shortened: r.shortened, was: r.was}
}

// undoShorter undoes guessShorter when a refusal shows that it was wrong: a bucket that is used less than it holds looks as if
// more were allowed. Where it is short, the truth is in between, and refusals find it.
func (w *window) undoShorter() bool {
	was := w.review.was
	if was == 0 {
		return false
	}
	w.review.was = 0
	if was < shortWindow {
		w.per, w.vague = 0, true
		return true
	}
	w.setLength(was)
	return true
}
