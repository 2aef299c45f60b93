package limiter

import "time"

// spacing is how many accepted calls in a row left nothing though we had used little, up to dryLimit: the evidence that calls must be
// kept at a distance.
type spacing uint8

const (
	// dryLimit is after how many calls that left nothing, though little was used, a window is taken for a distance.
	dryLimit = 3
	// spacingMargin is how much further apart calls are sent than the distance, as a multiple of what the way takes more
	// than the shortest, on average. Where either way varies by up to J, that average is J, and so is the most by which a
	// call can come too close to the one before it: this is all of it, and a little for an average that is but measured.
	spacingMargin = 1.05
)

// spaced reports whether what is told keeps calls at a distance, whatever the limit and the length say: then Remaining is no
// count.
func (w *window) spaced() bool { return w.spacing >= dryLimit }

// see takes in what a response leaves of a limit.
func (s *spacing) see(t *statement, limit int64, c tally) {
	switch {
	case t.remaining > 0:
		*s = 0
	case t.accepted && c.refilled && limit > 1 && c.ours <= limit/2:
		*s = min(*s+1, dryLimit)
	}
}

// distance is how long after a call the next one may begin at the earliest, over a way that varies by so much; a thousandth of
// the distance is for clocks that do not run alike.
func (w *window) distance(varies time.Duration) time.Duration {
	distance := w.per / time.Duration(w.mine)
	return distance + distance/1000 + time.Duration(spacingMargin*float64(varies))
}

// stepBelow is how far below a told pace that was refused the next one is: where that keeps a distance, no further than calls
// can have come too close.
func (b *Budget) stepBelow(told float64) float64 {
	for _, w := range b.windows {
		if w.spaced() {
			return min(toldStep, told*b.trip.varies().Seconds())
		}
	}
	return toldStep
}

// isSpacing takes in that a limit of one call at a time is told beside a policy of many: so they must be apart by the
// policy's length over its calls (RateLimit-Limit beside RateLimit-Policy, draft-ietf-httpapi-ratelimit-headers-06).
func (w *window) isSpacing(said *Window) {
	if said.Limit == 1 && said.Quota > 1 && said.Length > 0 {
		w.spacing = dryLimit
	}
}
