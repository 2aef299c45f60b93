package limiter

import (
	"slices"
	"time"
)

// Some destinations tell of their limit and what remains of it on every response, and of time only when they refuse
// (Laravel's throttle middleware: X-RateLimit-Limit and -Remaining always, Retry-After and X-RateLimit-Reset on 429).
// What remains tells it, too, when it comes back; the last calls are kept for when that is likely.
// Until then such a window is no gate; it is remembered when it was last whole, and how many calls of ours came since.
// Others tell of nothing at all until they refuse (rack-attack, as its README has it). Then what the lane counted stands for
// it, and the window is forgotten after some time without a refusal.
//
// A refusal that leaves nothing, and counts all of them, then tells how long it is: from the first of them to the reset.

// timing is when a window tells of time.
type timing uint8

const (
	timeAlways    timing = iota // with every response, or by its policy
	timeOnRefusal               // on refusals alone, and of what remains always
	allOnRefusal                // on refusals alone, as of all else
	timeOfBucket                // on refusals alone; but what was used did not come back at once when the time was over: no window does that
)

// untimed takes in what a response leaves of a window that tells of time on refusals only. What counts is what ended since it
// was whole, the run.
func (w *window) untimed(t *statement, last tick) {
	if t.accepted && t.remaining != Unknown && w.timing != timeOfBucket && w.per == 0 && !w.vague() {
		w.timing = timeOnRefusal
		if t.hasReset || t.length > 0 {
			w.timing = timeAlways
		}
	}
	switch {
	case w.timing != timeOnRefusal && w.timing != allOnRefusal || t.remaining == Unknown:
	case w.per > 0:
		w.refills(t, last)
	case w.cameBack(t, last):
	case !t.accepted:
		w.run.n = max(0, w.run.n-1) // it was counted as ended
	default:
		whole := t.remaining >= w.limit-1 || t.remaining-w.ledger.left > w.limit/2 // and not: answers that overtook each other
		if w.ledger.left == Unknown || whole {
			w.run = run{from: t.received, n: 1}
		}
		if w.guess.kept = min(w.guess.kept+1, mostLooks); t.remaining > mostLooks {
			w.guess.busy, w.guess.kept = float32((t.received - w.run.from).Seconds()), 0
		}
		w.ledger.left = t.remaining
	}
}

// spanned is how long a window of which no time was told yet is at least, by a refusal that tells when it will be whole
// again: 0 if it did not count all of our calls since it was whole. Then it gave back some meanwhile.
func (w *window) spanned(t *statement) tick {
	if counted := w.limit - t.remaining; t.accepted || t.remaining > 0 || counted < w.run.n || w.run.n < max(1, w.limit/2) {
		return 0
	}
	return lengthWithin(t.lo-w.run.from, t.told()-w.run.from, t.hi-w.run.from, t.received-t.sent)
}

// asksForAll reports whether a refusal asks for a whole window, whatever is left of it: people choose windows of that length, and
// none shorter than it took until the refusal. Symfony's token bucket does, flask-limiter's moving window, and Fastify's backoff. Where
// refusals are all that is told, which call began it is known only if all since the lane's first, or since the last pause, are its limit.
//
// A window that is as long as both together may be one that people choose, too. To have taken it for
// shorter costs one refusal more, and to have taken it for longer up to half of the allowance, for minutes.
func (w *window) asksForAll(t *statement) bool {
	lo, hi := t.lo-t.received, t.hi-t.received
	counted := w.timing == timeOnRefusal || w.timing == allOnRefusal && w.run.n == w.limit
	return counted && lo > lengths[0]/2 && hi > t.received-w.run.from && mayBeChosen(lo, hi)
}

// onlyRefused has a window of which accepted calls say nothing count what the lane counted by itself, if that is much of what it
// allows. Else others used it up, or calls before the lane's first, and the reset that it tells is all that is known of it.
//
// Of more than it allows, those that are too many were in the window before: what counts began when there was room for the rest.
func (w *window) onlyRefused(now tick, e *explorer, t *statement) {
	n, from, limit := int64(e.good.n), e.good.from, max(w.limit, t.limit)
	if w.per > 0 || w.counted || t.accepted || t.remaining != 0 || !t.hasReset || t.length > 0 || t.unsure || n < max(1, w.limit/2) {
		return
	}
	for at := now; e.experience == nil && !e.partial && n > limit && limit > 0 && at > from; at -= reckonStep {
		if e.lately(now, now-at) >= float64(limit) {
			n, from = limit, at
		}
	}
	w.timing, w.run = allOnRefusal, run{from: from, n: n + 1} // and one that untimed takes off
}

// reckonStep is how finely it is reckoned when that was.
const reckonStep = 50 * time.Millisecond

// tryAgain is after how long without a refusal a window is forgotten that only refusals tell of: it may have been raised.
const tryAgain = 5 * time.Minute

// outlived reports whether that has come.
func (w *window) outlived(now tick) bool {
	return w.timing == allOnRefusal && w.inferred == nil && w.per > 0 && now-w.toldAt > max(tryAgain, 10*w.per)
}

// retry forgets a window that only refusals tell of, and has the lane find out whether it allows more by now.
func (b *Budget) retry(now tick) {
	for i, w := range b.windows {
		if w.outlived(now) {
			b.explore.tryOut(now, w.mine, w.per)
			b.windows = slices.Delete(b.windows, i, i+1)
			b.revision++
			return
		}
	}
}

// timed begins to count calls of a window whose time was told just now: those since it was whole leave it at its reset.
func (w *window) timed() {
	w.counted = true
	w.permits.keep(w.run.from+w.per, min(w.run.n, w.mine))
	w.run.n, w.ledger.untold = 0, 0
}

// refills takes in the first accepted call after the reset that a refusal told. A window is whole again then, or it slides. What
// refuses a call nonetheless for which there should be room is a bucket, whose pace refusals find.
func (w *window) refills(t *statement, last tick) {
	switch {
	case !t.accepted && w.sliding.slides && t.remaining == 0 && w.permits.used < w.mine:
		w.timing = timeOfBucket
		w.sliding = sliding{}
		w.doubt()
		w.forgetLength()
		w.guess.longest, w.permits = 0, permits{}
	case t.accepted && !w.sliding.slides && w.ledger.left == 0 && t.sent >= w.ledger.reset && t.remaining < w.limit/2:
		w.slidesBy(w.per, t, last)
	}
}

// slidesBy takes it that a window slides and is so long: what it counts still leaves it as late as it was called, the last calls by the
// one before this, which was sent last.
func (w *window) slidesBy(per tick, t *statement, last tick) {
	w.setLength(per)
	if counted := min(w.limit-t.remaining, w.mine); w.permits.used < counted { // they came back too soon, or were not kept yet
		kept, busy := min(int64(w.guess.kept), counted-1), w.run.from+tick(w.guess.busy*float32(time.Second))
		w.permits = permits{slice: w.permits.slice}
		w.permits.keep(busy+per, counted-1-kept)
		w.permits.keep(last+per, kept)
		w.permits.keep(t.received+per, 1)
	}
	w.run, w.ledger.left, w.ledger.untold, w.guess.longest = run{from: t.received}, t.remaining, 0, per
	w.sliding.slides, w.counted = true, true
}

// untilRetry has a refusal that leaves nothing tell by its Retry-After when there will be something, whole seconds, rounded up most
// likely: where it tells no reset, and where that may be later by its rounding.
func (t *statement) untilRetry(h *Hint) {
	if t.accepted || t.remaining != 0 || !h.HasRetryAfter {
		return
	}
	end := t.received + h.RetryAfter
	switch {
	case !t.hasReset && t.length == 0:
		t.lo, t.hi, t.hasReset = max(t.received, end-time.Second), end, true
	case t.hasReset && h.RetryAfter >= time.Second && end >= t.lo:
		t.hi = min(t.hi, end)
	}
}

const (
	// mostKept is how long after it was whole the last calls of such a window are kept, to see it come back.
	mostKept = time.Minute
	// keptPart is the part of the limit that they are at most.
	keptPart = 4
	// mostLooks is how many lengths that people choose are no longer than mostKept, and so how many calls are kept at the most.
	mostLooks = 8
	// afterEnd is how long after a likely end it is looked whether it came back, as a part of the length, for clocks do not run alike; and
	// that many calls' part at the least, for of a window that slides only so many came back by then.
	afterEnd, afterCalls = 0.01, 3
)

// allCounted reports whether an untimed window counts all of our calls since it was whole: nothing of it came back meanwhile.
func (w *window) allCounted(calls int64) bool { return calls >= few && w.limit-w.ledger.left >= calls }

// lookAfter is how long after the end of a length it is looked whether a window came back.
func (w *window) lookAfter(l tick) tick {
	return tick(max(afterEnd, afterCalls/float64(w.limit)) * float64(l))
}

// lookAt is when the next call of a window may begin that tells what remains of it, but no time, and of which little remains. A refusal
// may ask for more than it needs (Symfony's bucket), and all that is under way is refused, too. So the last calls go one by one, each
// when it is over if it is as long as people choose: what they are told shows which it is.
func (w *window) lookAt(now tick, inFlight int64) tick {
	if w.timing != timeOnRefusal || w.ledger.left == Unknown || !w.allCounted(w.run.n) {
		return now
	}
	switch { // one answer at a time tells whether there is room again
	case w.ledger.left > 0:
	case inFlight > 0:
		return never
	default:
		return now // probes find the end
	}
	ends, kept := never, int64(0) // once all are over, one at a time again
	for _, l := range lengths {
		if at := w.run.from + l + w.lookAfter(l); at > now && l <= mostKept {
			if kept++; kept == 1 {
				ends = at
			}
		}
	}
	if kept*keptPart > w.limit || w.ledger.left-inFlight > kept {
		return now
	}
	return ends
}

// cameBack takes in that there is room again in an untimed window of which nothing came back before, though nothing was refused. It
// reports whether that shows how long it is: one length that people choose was over since the response before.
func (w *window) cameBack(t *statement, last tick) bool {
	if w.timing != timeOnRefusal || !t.accepted || w.ledger.left == Unknown || !w.allCounted(w.run.n-1) || t.remaining < w.ledger.left+1 {
		return false
	}
	per := tick(0)
	for _, l := range lengths {
		if l > last-w.run.from-w.lookAfter(l) && l <= t.received-w.run.from {
			if per > 0 {
				return false
			}
			per = l
		}
	}
	if per == 0 {
		return false
	}
	if t.remaining < w.limit/2 {
		w.slidesBy(per, t, last)
		return true
	}
	w.run, w.ledger.left, w.guess.longest = run{from: t.received, n: 1}, t.remaining, per
	w.setLength(per)
	w.timed()
	return true
}
