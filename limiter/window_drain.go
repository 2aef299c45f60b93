package limiter

import "time"

// drain measures a bucket that whole seconds cannot tell, by what remains of it: while calls are taken out at a known
// rate, what remains falls as much faster than that as it is filled. No refusal is needed.
type drain struct {
	from tick  // the response it is measured from
	left int64 // what that left
	n    int64 // calls since
	full int64 // calls in a row that left it full
}

const (
	// leastDrain is the least limit that can be measured so.
	leastDrain = 4
	// drainPart is the part of the limit that must be gone, or back, for a measurement.
	drainPart = 2
	// fullCalls is after how many calls that left it full it is taken to be filled faster, by fullStep.
	fullCalls, fullStep = 25, 0.95
)

// drained takes in what remains of a window whose resets are too coarse to tell its length.
func (w *window) drained(t *statement) {
	if !w.vague() && w.basis != lengthMeasured || t.remaining == Unknown || w.limit < leastDrain {
		return
	}
	d := w.drain
	if d == nil {
		w.drain = &drain{from: t.sent, left: t.remaining}
		return
	}
	d.n++
	if t.remaining >= w.limit-1 { // it may have run over meanwhile
		d.from, d.left, d.n = t.sent, t.remaining, 0
		if d.full++; w.per > 0 && d.full >= fullCalls {
			d.full = 0
			w.setLength(tick(fullStep * float64(w.per)))
		}
		return
	}
	d.full = 0
	change := d.left - t.remaining
	filled, span := d.n-change, t.sent-d.from
	if max(change, -change) < max(3, w.limit/drainPart) || filled <= 0 || span <= 0 {
		return
	}
	w.setLength(time.Duration(float64(w.limit) * float64(span) / float64(filled)))
	w.basis, w.filling.sure = lengthMeasured, true
	*d = drain{from: t.sent, left: t.remaining}
}
