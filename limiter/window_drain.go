package limiter

import "time"

// drain measures a bucket that whole seconds cannot tell, by what remains of it: while calls are taken out at a known
// rate, what remains falls as much faster than that as it is filled. No refusal is needed.
type drain struct {
	from tick  // the response it is measured from
	left int64 // what that left
	n    int64 // calls since

	last    tick  // the response before
	full    int64 // calls in a row, at the pace, that left it full
	before  tick  // how long it was before it was taken to be filled faster; 0: it was not, or is so again
	dropped bool  // what remained fell at such a pace once
}

const (
	// leastDrain is the least limit that can be measured so. Of smaller ones it shows only whether they are full again.
	leastDrain = 4
	// drainPart is the part of the limit that must be gone, or back, for a measurement; manyFilled are so many that came back that it
	// does not matter how many are gone.
	drainPart, manyFilled = 2, 100
	// fullCalls is after how many calls that left it full it is taken to be filled faster, by fullStep. As long as what remained
	// never fell, after fewCalls, by fewStep; fewStepSmall where it is one or two calls until nothing remains.
	fullCalls, fullStep             = 25, 0.95
	fewCalls, fewStep, fewStepSmall = 8, 0.7, 0.8
	// atPace is how many times the distance of calls at the pace there may be between two.
	atPace = 1.5
)

// drained takes in what remains of a bucket whose resets are too coarse to tell its length, or told it wrongly.
func (w *window) drained(t *statement) {
	if t.remaining == Unknown || w.limit < 2 || !w.drains(t) {
		return
	}
	d := w.drain
	if d == nil {
		w.drain = &drain{from: t.sent, left: t.remaining, last: t.sent}
		return
	}
	if t.accepted {
		d.n++
	}
	used := float64(t.sent-d.last) <= atPace*float64(w.per)/float64(w.limit)
	d.last = t.sent
	if t.remaining >= w.limit-1 { // it may have run over meanwhile
		d.from, d.left, d.n = t.sent, t.remaining, 0
		if w.per > 0 && used {
			w.fullAgain(d)
		}
		return
	}
	d.full = 0
	if w.limit < leastDrain {
		if t.remaining == 0 && d.before > 0 {
			w.setLength(d.before)
			d.before, d.dropped = 0, true
		}
		return
	}
	change := d.left - t.remaining
	filled, span := d.n-change, t.sent-d.from
	much := max(change, -change) >= max(3, w.limit/drainPart) || filled >= manyFilled
	if !much || filled <= 0 || span <= 0 || !w.vague() && w.basis != lengthMeasured {
		return
	}
	w.setLength(time.Duration(float64(w.limit) * float64(span) / float64(filled)))
	w.basis, w.filling.sure = lengthMeasured, true
	*d = drain{from: t.sent, left: t.remaining, last: t.sent, dropped: true}
}

// drains reports whether what remains tells more than resets do.
func (w *window) drains(t *statement) bool {
	switch {
	case w.vague(), w.basis == lengthMeasured:
		return true
	case w.declared():
		return false
	}
	return w.filling.sure || w.limit < leastDrain && w.per > 0 && w.per <= lengths[0] && t.hasReset && t.hi-t.lo >= w.per
}

// fullAgain counts a call that left it full though calls come at its pace: it is filled at least as fast.
func (w *window) fullAgain(d *drain) {
	need, step := int64(fullCalls), fullStep
	switch {
	case d.dropped:
	case w.limit < leastDrain:
		need, step = fewCalls, fewStepSmall
	default:
		need, step = fewCalls, fewStep
	}
	if d.full++; d.full < need {
		return
	}
	d.full, d.before = 0, w.per
	w.setLength(tick(step * float64(w.per)))
	w.basis, w.filling.sure = lengthMeasured, true
}
