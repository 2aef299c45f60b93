package limiter

// A limit of one call at a time that does not tell its length tells little: nothing ever remains, and whole seconds are as
// coarse as the window itself. So the length that is believed is tried out, once: the next two calls come when half and a
// quarter of it are over. Three calls within one length cannot each have come in a window of their own; where only the
// second is refused, that may be just how windows lie, and three more come when half of it is over. And the first calls
// that come when all of it is over show whether that is late enough.

// trial is what the calls of such a window have shown.
type trial struct {
	step uint8 // of the trial of calls less than the length apart; 0: it did not begin
	fine uint8 // calls in a row that were accepted a length apart, up to fineCalls
}

const (
	// fineCalls is how many calls in a row, a length apart, show that it is long enough.
	fineCalls = 3
	// The steps of a trial: the calls that come when half, and a quarter, of the length is over; the three that come at half
	// of it; and that it is done.
	trialHalf, trialQuarter, trialHalves, trialDone = 1, 2, 3, trialHalves + 3
	// onceAgain is after how many calls a length that was doubled is tried again as it was told: a refusal each is as many
	// as short windows may cost, and it may have been a call of others that was in the way.
	onceAgain = callsToldShort
)

// single reports whether the window is of one call at a time.
func (w *window) single() bool { return w.limit == 1 && w.per > 0 && !w.spaced() }

// onTrial reports whether less than the length is on trial.
func (w *window) onTrial() bool { return w.trial.step > 0 && w.trial.step < trialDone }

// part is by how many halvings the length is shortened for a step of its trial.
func part(step uint8) int {
	switch step {
	case 0, trialDone:
		return 0
	case trialQuarter:
		return 2
	}
	return 1
}

// tryStep goes to a step of the trial.
func (w *window) tryStep(step uint8) {
	length := w.per << part(w.trial.step)
	w.trial.step = step
	w.setLength(length >> part(step))
}

// goesWell takes in that a call was accepted so long after the last one that was answered. It reports whether the window
// turned out to be shorter than can be told.
func (w *window) goesWell(t *statement, gap tick) (shorter bool) {
	if gap > (w.per<<part(w.trial.step))*3/2 {
		return false
	}
	w.trial.fine = min(w.trial.fine+1, fineCalls)
	switch {
	case w.trial.step == trialQuarter || w.trial.step == trialDone-1:
		w.tooShort()
		return true
	case w.onTrial(), w.trial.step == 0 && w.trial.fine >= fineCalls-1 && !w.declared() && !w.withholds() && t.hi-t.lo >= w.per:
		w.tryStep(w.trial.step + 1)
	}
	return false
}

// cameTooSoon takes in the refusal of a call that came when all of the length was over, and reports whether that explains
// it: less than the length was on trial, or it is as long again. Seconds may have been rounded down; and a sliding counter
// that rounds up, of two windows by the clock, has room for its one call only when both are empty.
func (w *window) cameTooSoon(share float64) bool {
	fine := w.trial.fine
	w.trial.fine = 0
	switch {
	case w.trial.step == trialQuarter:
		w.tryStep(trialHalves)
		return true
	case w.onTrial():
		w.tryStep(trialDone)
		return true
	case fine >= fineCalls || w.withholds() || w.permits.kept > 1:
		return false
	}
	w.trial.step = trialDone
	w.withhold(true, share)
	w.setLength(2 * w.per)
	w.guess.longest = max(w.guess.longest, w.per)
	return true
}

// toldLength is the length of a window that told it, which may have been doubled.
func (w *window) toldLength() tick {
	if w.limit == 1 && w.withholds() {
		return w.per / 2
	}
	return w.per
}

// asTold gives back what a doubled length took, to try it again.
func (w *window) asTold(t *statement, share float64) {
	if t.sent-w.withheld.from > onceAgain*w.per {
		w.withhold(false, share)
		w.setLength(w.per / 2)
		w.trial.fine = 0
	}
}
