package limiter

// The first call of a window leaves all but one, and shows how long the window is at most: it is told its whole length, and no window
// is whole again sooner. Five seconds that are told as six, rounded up, would be taken for ten else, and half of them used.

const (
	// surelyLess is the part of a guess that a window is shorter than: clocks do not run alike.
	surelyLess = 0.95
	// leastWhole is the least limit for which this holds: a smaller one comes back in steps that may be a bucket's.
	leastWhole = 4
)

// wholeAgain takes in how much remains after the first call of a window of which half was used before; the call before was sent at last,
// and the window began between the two. So it is no longer than from then to its reset; and from the first of some such calls to the
// last one as many lengths passed, less one. A bucket of which half came back within a quarter of the length is shorter, too.
func (w *window) wholeAgain(t *statement, last tick) {
	left := w.ledger.left
	if w.declared() || w.filling.sure || w.limit < leastWhole || !t.accepted || left == Unknown || left > w.limit/2 ||
		t.remaining < w.limit-1 || last < 0 || t.received-last > w.per/4 { // since a restart there was no call before
		return
	}
	g, most := &w.guess, maxWindow
	if t.hasReset {
		most = t.hi - last
	}
	if g.refills++; g.refills == 1 {
		g.since = last
	} else if counted := (t.received - g.since) / tick(g.refills-1); counted < most {
		most = counted
		g.shortened = g.shortened || most < w.per+w.per/4 // and not as long as the next that people choose
	}
	if float64(most) >= surelyLess*float64(w.per) {
		return
	}
	per, least := most, max(g.least, t.lo-t.received)
	for _, l := range lengths {
		if least <= l && l <= most {
			per = l
		}
	}
	w.setLength(per)
	g.review(t.received)
	g.longest, g.was, g.shortened = least, 0, true
}
