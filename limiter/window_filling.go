package limiter

import "time"

// filling is the evidence that the reset is the time until the window is whole again: buckets tell so. Then the time
// is to what is missing as the window's length is to the limit, whatever is missing.
type filling struct {
	lo, hi      time.Duration // the lengths that all responses allow
	end         tick          // the latest that a reset can be which all responses since the last rise agree on
	least, most int32         // missing
	n           uint8         // responses, up to fillings
	moved       bool          // no reset can be: what remained fell, and the reset went away
	sure        bool
	never       bool // it came back in one step
}

// fillings is how many responses, with how much of the limit between them, it takes to be sure.
const (
	fillings     = 8
	fillingShare = 4
)

// fill takes in how much is missing and how long that is to take.
func (w *window) fill(t *statement) {
	missing := int32(w.limit - t.remaining) //nolint:gosec // both are at most maxLimit
	if w.basis == lengthMeasured || w.filling.never || !t.hasReset || int64(missing) < max(2, w.limit/20) {
		return
	}
	// Of the last call that is missing, a part may be back.
	lo := time.Duration(float64(max(0, t.lo-t.received)) * float64(w.limit) / float64(missing))
	hi := time.Duration(float64(t.hi-t.sent) * float64(w.limit) / float64(missing-1))
	f := &w.filling
	f.end, f.moved = min(f.end, t.hi), f.moved || t.lo > f.end
	if f.n == 0 || lo > f.hi || hi < f.lo {
		if f.sure && !w.declared() {
			w.coincided()
		}
		*f = filling{lo: lo, hi: hi, least: missing, most: missing, n: 1, end: t.hi}
		return
	}
	f.lo, f.hi, f.least, f.most = max(f.lo, lo), min(f.hi, hi), min(f.least, missing), max(f.most, missing)
	f.n = min(f.n+1, fillings)
	if w.fills() && f.hi >= w.guess.longest*9/10 {
		w.filledIn(f.lo, f.hi)
	}
}

// fills reports whether all responses of late agree that it is a bucket.
func (w *window) fills() bool {
	f := &w.filling
	return f.n == fillings && int64(f.most-f.least) >= w.limit/fillingShare && f.moved && f.hi <= 2*f.lo
}

// filledIn takes it that the window is a bucket that is filled in a time between two.
func (w *window) filledIn(lo, hi time.Duration) {
	f, near := &w.filling, hi <= lo*3/2
	switch {
	case w.declared():
		f.sure = f.sure || near
		return
	case f.sure && w.per >= lo && w.per <= hi:
		return
	}
	for _, l := range lengths {
		if l >= lo && l <= hi {
			if near {
				f.sure = true
				w.setLength(l)
			}
			return
		}
	}
	if w.guess.full && w.fillsOddly() {
		w.fillMeasured()
	}
}

// fillsOddly reports whether it can be a bucket that is filled in a time that nobody chose, of which what remains tells.
func (w *window) fillsOddly() bool {
	return w.fills() && w.limit >= leastDrain && !w.sliding.fading() && !w.notable(w.ledger.foreign)
}

// fillMeasured takes it that the window is a bucket filled in a time that nobody chose: of 60 calls that come back 10 a second, it is what
// comes of both. What remains measures it.
func (w *window) fillMeasured() {
	w.filling.sure = true
	w.setLength(w.filling.lo/2 + w.filling.hi/2)
	w.basis = lengthMeasured
}

// coincided takes it that resets only looked as if they were those of a bucket: the length is a guess again.
func (w *window) coincided() {
	w.doubt()
	w.guess.longest = 0
}

// jump takes in that much came back at once since the response before, to a call sent at an instant: a bucket never does
// that.
func (w *window) jump(t *statement, last tick) {
	if w.basis == lengthMeasured {
		return
	}
	f := &w.filling
	if w.ledger.left == Unknown || t.remaining > w.ledger.left {
		f.end = t.hi
	}
	if f.n == 0 || w.ledger.left == Unknown {
		return
	}
	filled := float64(t.received-last) / float64(max(f.lo, minWindow)) * float64(w.limit)
	if float64(t.remaining-w.ledger.left) <= 2+2*filled {
		return
	}
	if f.sure && !w.declared() {
		w.coincided()
	}
	*f = filling{never: true}
}

// filledAt returns when a bucket has a call for us, after what others take, given what the freshest response left.
func (w *window) filledAt(now tick, inFlight int64) tick {
	perSecond := float64(w.limit) / w.per.Seconds()
	perSecond = max(perSecond/10, perSecond-w.others.rate)
	missing := float64(1 + w.others.reserve(fadingReserve) - w.ledger.room(inFlight))
	if missing <= 0 {
		return now
	}
	return max(now, w.ledger.fresh+tick(missing/perSecond*float64(time.Second)))
}
