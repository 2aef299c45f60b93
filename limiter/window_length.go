package limiter

// unsureApart is how many times as long a window at least seems to be whose milliseconds were taken for seconds.
const unsureApart = 8

// measure learns the window's length.
func (w *window) measure(t *statement) {
	if w.unsure && !t.unsure && w.basis != lengthAsRule && !(t.hasReset && t.hi-t.received > w.per/unsureApart) {
		// What was measured may have been milliseconds.
		w.forgetLength()
		w.guess.longest, w.permits = 0, permits{}
		w.ledger.left, w.ledger.foreign, w.ledger.until = Unknown, 0, 0
	}
	w.unsure = t.unsure
	if t.length > 0 {
		w.declare(t.length)
		return
	}
	if w.basis == lengthAsRule && t.hasReset && t.lo-t.received > w.per {
		w.notAsRule() // it is longer than the operator knows of
	}
	if w.declared() || !t.hasReset || w.filling.sure || w.vague() || w.onTrial() || w.timing == timeOfBucket {
		return
	}
	reset, timed := w.shownBy(t)
	if reset <= 0 {
		return
	}
	w.lengthen(t.received, reset)
	if timed {
		w.timed()
	}
}

// declare takes the destination's word for the length.
func (w *window) declare(length tick) {
	w.basis = lengthDeclared
	if w.limit == 1 && w.withholds() {
		length *= 2
	}
	w.setLength(length)
}

// shownBy is how long the window is at least by the reset that is told; 0: that says nothing. timed: it is told for the first time,
// by a refusal.
func (w *window) shownBy(t *statement) (reset tick, timed bool) {
	least := t.lo - t.received
	reset = min(least/2+(t.hi-t.received)/2, maxWindow)
	if w.guess.shortened || w.limit == 1 && least > lengths[0]/4 {
		// Of one call at a time the reset is the whole window, in whole seconds, rounded up most likely.
		reset = min(least, maxWindow)
	}
	span := tick(0)
	if w.timing != timeAlways && w.per == 0 {
		if span = w.spanned(t); span == 0 {
			return 0, false
		}
	} else if least <= 0 && t.hi <= t.received+lengths[0] {
		return 0, false // a reset that may be now says nothing
	}
	if w.limit == 1 && t.remaining == 0 && least <= lengths[0]/4 {
		if t.hi-t.lo < lengths[0] {
			return 0, false // it is shorter than people choose: pausing at refusals finds it
		}
		reset = lengths[0] // the least that whole seconds can tell
	}
	switch {
	case span > 0 && w.asksForAll(t):
		return lengthWithin(least, t.told()-t.received, t.hi-t.received, 0), true
	case span > 0:
		return max(reset, span), true
	case reset > 0 && (w.timing != timeAlways || w.twin && t.sent-w.since > w.per): // until then, what is remembered may be the other one's
		return max(reset, w.spans(t)), false
	}
	return reset, false
}

// lengthen guesses the length anew if a reset is longer than any before.
func (w *window) lengthen(now, reset tick) {
	g := &w.guess
	if reset <= g.longest {
		g.longer = 0
		return
	}
	per := guessLength(reset)
	if w.confirmed() && per > w.per {
		// One odd value must not slow a lane that does well.
		if g.longer++; g.longer < oddResets {
			return
		}
		if w.fillsOddly() && w.filling.lo <= per {
			w.fillMeasured()
			return
		}
		w.doubt()
	}
	g.longer, g.longest = 0, reset
	if per > w.per {
		w.setLength(per)
		g.review(now)
	}
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

// guess is what the length of a window is guessed from, and what shows the guess wrong.
type guess struct {
	longest tick // the longest time to the reset that was seen

	// The review, over some lengths of the window, whether it is shorter than guessed: we use all that we think there is, and the
	// destination's own count stays far below.
	since   tick
	least   tick  // the longest time to the reset, by the lower bound
	was     tick  // how long it was guessed before a review; 0: not shortened, or shown to be right
	counted int32 // the most calls that the destination counted

	// Of a run whose window's length is not known: how many of its last calls were kept to see when the window is whole, and how many
	// seconds after its beginning the last one of the others was answered. window_untimed.go.
	busy float32
	kept uint8

	idle bool // we did not use our permits all the time

	full      bool  // for a whole length hardly any of our calls were counted: it is shorter, or a bucket that was full all the time
	shortened bool  // once, by a review or by window_whole.go: from then on only the lower bound of a reset counts
	longer    uint8 // fresh responses in a row that contradict a confirmed length
	refills   uint8 // how often it was whole again since then, and if it was, since is the call before the first time
}

// review begins another one.
func (g *guess) review(now tick) {
	g.since, g.least, g.counted, g.idle, g.refills = now, 0, 0, false, 0
}

// unshorten forgets that the guess was made shorter.
func (g *guess) unshorten() { g.was, g.shortened = 0, false }

const (
	// oddResets is how many resets in a row must be longer than a confirmed length allows.
	oddResets = 3
	// reviewLengths is how many lengths of the window a review takes.
	reviewLengths = 3
	// wellBelow is the part of the limit that a destination's count stays below where the window is too long.
	wellBelow = 0.6
	// hardlyAny is the part of the limit, inverted, that it stays below where one length is enough.
	hardlyAny = 10
	// leastBelow is by how many calls at least: a bucket of two that is used at its rate has one of them back each time.
	leastBelow = 2
)

// guessShorter reviews a guess, and may replace it by the next shorter length that the resets allow.
func (w *window) guessShorter(now tick, t *statement, seen int64) {
	if w.declared() || w.guess.shortened || w.filling.sure {
		return
	}
	r := &w.guess
	r.counted = max(r.counted, int32(w.limit-t.remaining)) //nolint:gosec // both are at most maxLimit
	r.least = max(r.least, t.lo-t.received)
	uses := float64(seen) >= 0.8*float64(w.mine)
	r.idle = r.idle || !uses
	switch age := now - r.since; {
	case uses && w.per > lengths[0] && age >= w.per && int64(r.counted) <= w.limit/hardlyAny:
		r.idle, r.full = false, true // next to none of a length's calls are counted, whenever they began
	case age < reviewLengths*w.per:
		return
	}
	below := !r.idle && int64(r.counted) <= min(int64(wellBelow*float64(w.limit)), w.limit-leastBelow)
	if below && w.per <= lengths[0] {
		w.tooShort() // refusals show how short
	}
	if below {
		for i := len(lengths) - 1; i >= 0; i-- {
			if lengths[i] < w.per {
				if r.least <= lengths[i]+lengths[i]/10 {
					w.guess.longest, r.was = r.least, w.per
					w.setLength(lengths[i])
					r.shortened = true
				}
				break
			}
		}
	}
	r.review(now)
}

// undoShorter undoes guessShorter when a refusal shows that it was wrong: a bucket that is used less than it holds looks as if
// more were allowed. Where it is short, the truth is in between, and refusals find it.
func (w *window) undoShorter() bool {
	was := w.guess.was
	if was == 0 {
		return false
	}
	w.guess.was = 0
	if was < shortWindow {
		w.tooShort()
		return true
	}
	if w.fillsOddly() && w.filling.lo < was {
		w.fillMeasured()
		return true
	}
	w.setLength(was)
	return true
}
