package limiter

// A window that slides tells as its reset when the first of its calls leaves it. Where others call all the time that is soon, so its
// length is guessed too short. Then calls of ours that left it by the guess are counted still, look like more and more use by others, and
// take the room that there seemed to be. Refusals show it, and what is counted shows where that went too far.

// Where only refusals tell of a window, nothing is counted in between, and seconds that are cut off may have it guessed too short as well.

// overuse is what refusals say of a guessed window that is used by others, or is longer.
type overuse struct {
	at       tick // from here on they count
	was      tick // the window's length before it was taken to be longer; 0: it was not
	refusals uint8
}

const (
	// overuseRefusals is how many refusals within its length, with more counted of others than their rate explains, show that a window is
	// longer than guessed: others alone are seldom just too fast so often.
	overuseRefusals = 3
	// unexplained is by how many times that must be more for one refusal to show it.
	unexplained = 3
	// stillLengths is how many lengths of a window two such refusals are apart at most.
	stillLengths = 10
)

// outlasts takes in a refusal by a window that others use.
func (w *window) outlasts(now tick) {
	if w.declared() || !w.sliding.fading() || w.filling.sure || now-w.since < w.per {
		return
	}
	if w.overuse == nil {
		w.overuse = &overuse{at: now}
	}
	c := w.overuse
	explained := w.others.rate * w.per.Seconds()
	if float64(w.ledger.foreign) <= unexplained*explained+1 {
		switch since := now - c.at; {
		case since < 0, float64(w.ledger.foreign) <= explained:
			return // calls that were too many are in it yet; or others may well have used it up
		case since > w.per:
			c.refusals, c.at = 0, now
		}
		if c.refusals++; c.refusals < overuseRefusals {
			return
		}
	}
	was := w.per
	w.guess.longest = w.per + w.per/10 + 1
	w.setLength(guessLength(w.guess.longest))
	*c = overuse{at: now + w.per, was: was}
	w.doubt()
	w.spacing = 0
	w.guess.review(now)
	w.guess.unshorten()
}

// usedUpStill reports whether a window of which only refusals tell refuses once more when the time that it told is over, though in its
// length much less than its limit was called: it is longer than guessed, as it seems. attempts is how many refusals in a row that is.
func (w *window) usedUpStill(attempts int32) bool {
	return w.timing == allOnRefusal && attempts > 1 && 4*w.permits.used < 3*w.mine
}

// lengthenStill counts that. Once may be the use of others; again within some lengths it is taken to be the next longer one.
func (w *window) lengthenStill(now tick) {
	if w.overuse == nil || now-w.overuse.at > stillLengths*w.per {
		w.overuse = &overuse{at: now}
		return
	}
	w.guess.longest = w.per + w.per/10 + 1
	w.setLength(guessLength(w.guess.longest))
	w.overuse = nil
	w.doubt()
	w.guess.review(now)
}

// overstays takes back what outlasts did where fewer calls are counted than ours alone within the length. seen is how many those are.
func (w *window) overstays(t *statement, seen int64) {
	if w.overuse == nil || w.overuse.was == 0 || w.declared() || seen <= w.limit-t.remaining+1+w.limit/50 {
		return
	}
	w.guess.longest = w.overuse.was
	w.setLength(w.guess.longest)
	w.overuse.was = 0
	w.guess.review(t.received)
	w.guess.unshorten()
}
