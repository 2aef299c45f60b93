package limiter

import "math"

// smallLimit is how many calls in a row must leave just as much for a window to be taken for a small bucket.
const smallLimit = 8

// fits takes in what remains of a window of which never much remains: it may be a bucket that holds less than it is
// filled with in the time that is told. Then what is missing is not what others use, for they never use just as much
// each time; calls that come evenly find it full again and again.
func (w *window) fits(t *statement, seen int64) {
	switch most := int64(w.most); {
	case t.remaining > w.limit/2:
		w.small, w.most = 0, math.MaxUint16
	case !t.accepted:
		w.small = 0 // it was not, or calls came in a heap: it shows again, or does not
	case t.remaining > most:
		w.small, w.most = 0, uint16(min(t.remaining, math.MaxUint16)) //nolint:gosec // bounded
	case w.small >= smallLimit:
	case t.remaining < most || seen > w.limit/2:
		w.small = 0
	default:
		w.small++
	}
}
