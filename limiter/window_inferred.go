package limiter

import (
	"math"
	"slices"
	"time"
)

// Some destinations say nothing of their limit but, when they refuse, how long to wait. Where a window is what is limited, that
// is the rest of it, or the time until the first of its calls has left it; so it tells how long the window is, and what was
// accepted since it was empty is what it allows. Such a window is inferred at the first refusal, put right at later ones, and
// given up for a pace that refusals find where they contradict it, as a bucket's do. It is a gate as any other: a level that is
// circled costs a pause each time that it is passed, and calls while it is not reached.

// inferred is what is known of such a window beside what is of every one.
type inferred struct {
	wait     tick    // the last one that was asked for
	raisedAt tick    // when it was last tried whether more is allowed
	before   int64   // the limit before it was tried whether more is allowed; 0: that is not being tried
	step     float32 // the last one of a search, while that goes on; see next
	proven   int32   // the limit before it was last tried whether more is allowed, until the one that came of that stands; 0: it does
	tries    uint8   // refusals in a row that put it right
	guess    bool    // its length is no more than one
	raised   bool    // it was tried before whether more is allowed
	young    bool    // it asked for a second, and was neither refused nor raised since: it may be a bucket
	varies   bool    // it asked for one time and for another: what is left of a window, then, and no constant
	enough   bool    // what it asked for was enough once
}

// inferredSource is where an inferred window comes from.
const inferredSource = "Retry-After"

const (
	// mostTries is how many refusals in a row, each soon after the one before, may put an inferred window right before it is given up:
	// two find a window that goes by the clock, and a third one a sliding counter that rounds up.
	mostTries = 4
	// raiseAfter is how long after the last refusal it is tried at the soonest whether an inferred window allows more, by raiseBy, so that
	// a limit that was raised is found within minutes. If that is accepted for a length, raiseOn follows.
	raiseAfter, raiseBy, raiseOn = 3 * time.Minute, 1.5, 2
	// raiseCalls is how many calls a trial is worth at least.
	raiseCalls = 600
	// firstRaiseAfter and firstRaiseBy are the first time of a window of a second: a second is the least that many can ask for, and says
	// little. Later times are by firstRaiseBy, too, for each costs a window, and what is a little more is seen as well.
	firstRaiseAfter, firstRaiseBy = 3 * time.Second, 1.25
	// leastRaised is the least limit that is tried so: for a small one, a refusal more is much.
	leastRaised = 10
	// rememberedParts is how finely the calls before an inferred window are remembered.
	rememberedParts = 32
	// youngRun and settledRun are how many lengths a run lasts before it ends by a window's limit at the latest, whatever its phase, and
	// after which an inferred window was right. fell is the part of the limit below which it was lowered.
	youngRun, settledRun, fell = 2, 10, 0.9
	// mostShort is how many refusals in a row may be for a time that was rounded down.
	mostShort = 2
	// savedUpFor is how many halves of a length a limit is accepted for that no window of that length refuses then, and trialFor is for how
	// long one of a second is tried: a bucket that saved up as much as that shows by then.
	savedUpFor, trialFor = 3, 4 * time.Second
	// bucketPart is what part of a window's first length it is gone slower in: what a bucket saves up in a second lasts no longer.
	bucketPart = 4
	// littleLess is what part is taken off a limit that stood the test and is refused after a length nonetheless.
	littleLess = 100
)

// inferredWindow is the inferred window, nil if there is none.
func (b *Budget) inferredWindow() *window {
	for _, w := range b.windows {
		if w.inferred != nil {
			return w
		}
	}
	return nil
}

// forgetInferred gives the inferred window up.
func (b *Budget) forgetInferred() {
	b.windows = slices.DeleteFunc(b.windows, func(w *window) bool { return w.inferred != nil })
}

// comeBack is a refusal's word on when to come back, and the run of accepted calls that it ended.
type comeBack struct {
	n      int64 // calls accepted since the run began, with a pause's end or the lane's first call
	from   tick  // when it did
	age    tick  // how long that is ago
	lo, hi tick  // how long after that there is room, it says
	wait   tick
	grain  tick // what wait was rounded up to
}

// ends reckons when there is room from when the refused call was sent, and how much later it may be.
func (r *comeBack) ends(sent, late tick) {
	r.age = sent - r.from
	r.lo, r.hi = r.age+r.wait-r.grain, r.age+r.wait+late
}

// mayInfer reports whether a refusal tells nothing else, and nothing else is known that it may be of.
func (b *Budget) mayInfer(o *Observation) bool {
	return o.Status == statusTooManyRequests && o.Hint.N == 0 && o.Hint.Rate == 0 &&
		!b.explore.exploring() && b.cfg.Fixed <= 0 && b.cfg.Share >= 1 && b.calls.base == 0 && b.toldRate == 0
}

// infer takes a refusal that tells only when to come back for the word of a window. It reports whether that explains it.
func (b *Budget) infer(now, sent tick, o *Observation) bool {
	if !b.mayInfer(o) {
		return false
	}
	h, e := o.Hint, &b.explore
	w := b.inferredWindow()
	if w == nil && slices.ContainsFunc(b.windows, func(w *window) bool { return !w.configured() }) {
		return false
	}
	r := comeBack{n: int64(e.good.n), from: e.good.from, wait: h.RetryAfter, grain: time.Second}
	if h.RetryIn > 0 {
		r.wait, r.grain = h.RetryIn, 0
	}
	trip := 2 * b.trip.typical()
	r.ends(sent, trip)
	if w == nil {
		return b.inferAnew(now, sent, &r)
	}
	// A longer one may have counted all since the lane's first call.
	if all := r; r.wait <= w.per || all.length(w.per) == 0 {
		// The window may have begun before the run, by as much as the pause was rounded up.
		r.n, r.from = w.run.n-1, w.run.from // without the refused one
		r.ends(sent, trip+r.grain)
	}
	same := w.inferred.asks(r.wait)
	w.toldAt, w.inferred.young = now, false
	if b.pause.attempts > mostShort && r.wait <= time.Second && !w.inferred.varies && !w.inferred.enough {
		// A second that never was enough, and not twice, has nothing to do with a window: it is said whenever calls are refused.
		b.forgetInferred()
		return false
	}
	if b.pause.attempts > 1 { // the pause was too short, as some round down
		again := min(max(r.wait, time.Second), maxBackoff) << min(b.pause.attempts-2, 10) // a wait may be a year: clamped before the shift
		b.pause.hold(now, now+min(again, maxBackoff, b.cfg.MaxPause), true, inferredSource)
		return true
	}
	if same && w.inferred.constant() {
		if w.searched(&r); w.limit >= few {
			return true
		}
	}
	pace := w.all()
	if w.putRight(sent, &r) || w.isLonger(&r, float64(e.good.n)) {
		return true
	}
	e.partial, e.rate = true, min(e.rate, pace)
	if r.n >= enough {
		e.good.from, e.good.n = r.from, int(r.n)
	}
	b.forgetInferred()
	return false
}

// inferAnew begins with a window at the first refusal.
func (b *Budget) inferAnew(now, sent tick, r *comeBack) bool {
	if r.n < few || r.wait < time.Second {
		return false
	}
	per, guess := r.length(0), false
	n := int64(b.explore.lately(now, per) + 0.5)
	switch {
	case constant(r.wait):
		per, n, guess = b.inferConstant(now, sent, r)
	case per > 0:
	case r.wait <= time.Second:
		per = time.Second
		n = int64(b.explore.lately(now, per) + 0.5)
	default:
		var calls float64
		per, calls = r.byTheClock(func(span time.Duration) float64 { return b.explore.lately(now, span) })
		n, guess = int64(calls+0.5), true
	}
	if n < few {
		return false
	}
	w := newWindow(inferredSource, now)
	w.timing, w.basis = allOnRefusal, lengthConfirmed
	w.inferred = &inferred{wait: r.wait, guess: guess, raised: constant(r.wait) && !guess, young: r.wait <= time.Second}
	w.setLimit(n, 1)
	w.setLength(per)
	w.remember(&b.explore, now)
	b.windows = append(b.windows, w)
	return true
}

// putRight takes in that an inferred window refused a call that it had room for. It reports false if it is none.
func (w *window) putRight(sent tick, r *comeBack) bool {
	counted := w.permits.trim(sent) - 1 // of the last length, without the one that was refused
	if w.savedUp(sent, r) {
		w.backToProven(r)
		return true
	}
	if w.inferred.before > 0 {
		w.endRaise(r, counted)
		return true
	}
	per := r.length(w.per)
	young, settled := r.age < youngRun*w.per, r.age >= settledRun*w.per
	was := w.limit
	switch {
	case per > 0 && w.showsLength(per, r):
		w.setLength(per)
		w.setLimit(r.n, 1)
	case !young && float64(counted) < fell*float64(w.limit):
		w.setLimit(counted, 1)
	case settled && w.inferred.tries == 0:
		w.setLimit(w.limit-1, 1)
	case young && (w.per <= time.Second || r.wait == w.per):
		w.setLimit(roundest(w.leastBy(r), min(w.limit-1, r.n)), 1)
	case r.age >= w.per && w.per > time.Second && w.inferred.raised: // it is a little less
		w.setLimit(w.limit-max(1, w.limit/littleLess), 1)
		return w.limit >= few
	case w.inferred.raised && w.inferred.tries == 0: // it did well: it began anew, or the limit was changed within it
		w.setLimit(min(max(counted, r.n), w.limit-1), 1)
	default:
		w.inferred.tries++
		return false
	}
	w.inferred.guess, w.inferred.raised = false, w.inferred.raised && w.limit > was/2
	if w.inferred.tries++; settled {
		w.inferred.tries = 0
	}
	return w.inferred.tries < mostTries && w.limit >= few
}

// endRaise takes in that what was tried beyond the limit was refused.
func (w *window) endRaise(r *comeBack, counted int64) {
	n := w.inferred.before
	switch {
	case w.per <= time.Second && float64(w.limit) > raiseBy*float64(n)+1: // and less than that was accepted
		n = roundest(n, w.limit-1)
	case r.wait != w.per || r.age < settledRun*w.per: // too much costs but another refusal
		n = max(n, counted)
	}
	w.setLimit(n, 1)
	w.inferred.before = 0
}

// savedUp reports whether a limit of a second that is more than the one before it was refused when all of it had been accepted for
// longer than that: no window does so, but a bucket that had saved it up.
func (w *window) savedUp(sent tick, r *comeBack) bool {
	i := w.inferred
	if i.proven == 0 || w.per > time.Second || int64(i.proven) >= w.limit {
		return false
	}
	if i.before > 0 {
		return sent-i.raisedAt > savedUpFor*w.per/2
	}
	return r.n >= w.limit && r.age >= w.per
}

// backToProven has such a window allow about as much as before it was tried whether it allows more: by no less than a bucket would have
// been filled with, of numbers that people choose.
func (w *window) backToProven(r *comeBack) {
	i := w.inferred
	least := int64(math.Ceil(fell * float64(i.proven)))
	w.setLimit(roundest(min(w.leastBy(r), least), w.limit-1), 1)
	i.before, i.proven = 0, 0
}

// showsLength reports whether a refusal that ends by a length that people choose shows that the window is so long, or that it holds less.
func (w *window) showsLength(per tick, r *comeBack) bool {
	return (r.age < youngRun*w.per || r.wait > w.per) && (per != w.per || r.n < w.limit)
}

// leastBy is the least that a window allows that refused within its first lengths. A bucket allows what was accepted over the run and
// the pause, a window that goes by the clock up to twice that; a sliding counter that rounds up never allows the last one.
func (w *window) leastBy(r *comeBack) int64 {
	if round(w.limit) {
		return w.limit - 1
	}
	return int64(float64(r.n) * w.per.Seconds() / (r.age + r.wait).Seconds())
}

// isLonger takes in that a window refuses that is longer than the inferred one, beside it or in its stead. all is how many calls
// were accepted since the lane's first.
func (w *window) isLonger(r *comeBack, all float64) bool {
	if r.wait <= max(w.per, time.Second) {
		return false
	}
	pace := w.all()
	per, n := r.byTheClock(func(span time.Duration) float64 { return min(all, pace*span.Seconds()) })
	if n < few {
		return false
	}
	w.inferred.guess, w.inferred.tries = true, 0
	w.setLength(per)
	w.setLimit(int64(n+0.5), 1)
	return true
}

// mayBeBucket reports whether it is the beginning of the first length of one that asked for a second, the least that whole seconds can
// tell. A bucket asks for that, too, and refuses all that is on its way once it has given what it saved up meanwhile: at half the
// pace that is half as many. A window makes up for it in the rest of its length.
func (w *window) mayBeBucket(now tick) bool {
	return w.inferred != nil && w.inferred.young && now-w.run.from < w.per/bucketPart
}

// rerun notes that a pause ended, and that calls are accepted again from now on.
func (w *window) rerun(now tick) { w.run, w.inferred.enough = run{from: now, n: 1}, true }

// raise tries whether an inferred window allows more by now. What it allowed before is remembered until it refuses.
func (b *Budget) raise(now tick) {
	w := b.inferredWindow()
	if w == nil || b.pause.probing {
		return
	}
	search := w.inferred.searching()
	by, after := w.nextRaise(search)
	if now-w.toldAt <= after {
		return
	}
	if search && !w.inferred.guess {
		w.inferred.step = float32(by)
	}
	w.inferred.guess = w.inferred.guess && !search
	if w.inferred.before == 0 && after >= raiseAfter && w.per > time.Second {
		w.inferred.tries = 0 // it did well for long
	}
	w.inferred.raisedAt = now
	if w.inferred.before == 0 {
		w.inferred.proven = int32(w.limit) //nolint:gosec // bounded
	}
	w.inferred.before, w.toldAt, w.inferred.raised, w.inferred.young = w.limit, now, true, false
	w.setLimit(int64(by*float64(w.limit))+1, 1)
	b.revision++
}

// nextRaise is how many times as much as an inferred window allows is tried next, and how long after its last refusal or raise.
// search: its limit is searched for.
func (w *window) nextRaise(search bool) (by float64, after tick) {
	i := w.inferred
	if search {
		return i.next()
	}
	usual := max(raiseAfter, tick(raiseCalls/w.all()*float64(time.Second)))
	if i.wait >= w.per || i.constant() { // a refusal costs that; else what was left of it had been used
		usual = max(usual, pauseShare*i.wait)
	}
	short := w.per <= time.Second
	switch {
	case i.before > 0: // and it did not refuse: half as much again was less than it allows
		if short {
			return raiseOn, trialFor
		}
		return raiseOn, w.per + time.Second
	case i.raised && short:
		return firstRaiseBy, usual
	case i.raised: // it was tried before
		return raiseBy, usual
	case short && (w.limit >= leastRaised || i.tries > 0):
		return firstRaiseBy, firstRaiseAfter
	case i.guess:
		return raiseBy, 2 * w.per
	}
	return raiseBy, usual
}
