package limiter

import "time"

// A window that slides gives back each call when it is as old as the window is long, ours and others'. It shows by what remains:
// what others used becomes less before the reset, or most is counted still when the reset has moved on to the next one.

// sliding is the evidence that a window slides, and how.
type sliding struct {
	fades  uint8 // how often the use of others was seen to become less before the reset, up to fadesNeeded
	slides bool  // it was seen to count calls from before its last reset, see movedOn
	rises  uint8 // calls that left less of a window that slides, though some of ours had left it; see rise
}

const (
	// fadesNeeded is how often the use of others must fade before the reset for it to be counted on.
	fadesNeeded = 5
	// risesNeeded is how often calls must leave together for time to be counted in steps, less nearly as much for each time that
	// they did not.
	risesNeeded = 4
)

// fading reports whether what others used is taken to come back evenly, not at the reset.
func (s *sliding) fading() bool { return s.fades >= fadesNeeded }

// slide takes in what became of the use of others since the response before, when that was before: seen in a window that refilled
// meanwhile, or not.
func (w *window) slide(t *statement, before int64, refilled bool) {
	s := &w.sliding
	switch {
	case refilled && before-w.ledger.foreign > w.limit/10 && !(s.slides && w.limit-t.remaining > w.limit/2):
		w.shiftBy(-w.lag())
		*s = sliding{}
	case w.ledger.foreign < before:
		s.fades = min(s.fades+1, fadesNeeded)
	}
	if w.movedOn(t) {
		s.fades, s.slides = fadesNeeded, true
	}
}

// movedOn reports whether the end that is told moved on to the next window's, though most of the limit is counted still: what is
// counted was there before, so the window slides. One that begins anew counts no more than what came since then.
func (w *window) movedOn(t *statement) bool {
	last := w.ledger.reset
	return t.accepted && t.hasReset && last > 0 && t.lo-last > w.per/2 && t.sent-last <= w.per/4 && w.limit-t.remaining > w.limit/2
}

// rise takes in what a call leaves of a window that slides. If it is mostly one less than before, though calls of ours have left it
// meanwhile, they leave it together later: it counts time by whole seconds, or minutes. Where others use it, too, it is as often more.
func (w *window) rise(t *statement) {
	s := &w.sliding
	switch {
	case !s.slides || !t.accepted || w.permits.back == 0 || w.ledger.left == Unknown:
	case w.lag() > 0:
		if w.notable(w.ledger.foreign) { // calls are kept for as much longer, so this is the use of others
			w.shiftBy(-w.lag())
			s.rises = 0
		}
	case t.remaining < w.ledger.left:
		s.rises = min(s.rises+1, 2*risesNeeded)
		w.shiftBy(w.lag())
	default:
		s.rises -= min(s.rises, risesNeeded-1)
	}
}

// lag is how much later than by its length a call leaves a window that counts time in steps, at the most. Steps of less than a second are
// not known.
func (w *window) lag() tick {
	if !w.stepped() || w.ledger.coarse < time.Second {
		return 0
	}
	return w.ledger.coarse
}

// shiftBy has the calls of ours that are in the window leave it so much later.
func (w *window) shiftBy(lag tick) {
	if lag != 0 {
		w.permits.shift(lag)
	}
}

// stepped reports whether that was seen often enough.
func (w *window) stepped() bool { return w.sliding.rises >= risesNeeded }

// stepAt returns when a window that counts time in steps and is used up takes the next one.
func (w *window) stepAt(now tick, inFlight int64) tick {
	if !w.stepped() || w.ledger.left == Unknown || w.leftForUs(inFlight) >= 1 {
		return now
	}
	return max(now, min(w.ledger.fresh+w.ledger.coarse, w.ledger.until))
}
