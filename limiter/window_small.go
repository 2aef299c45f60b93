package limiter

import "math"

// smallBucket is the evidence that a window is a bucket that holds less than it is filled with in the time that is told, and so
// less than its limit.
type smallBucket struct {
	most  uint16 // that remained, as far as it was no more than half of the limit
	calls uint8  // in a row that left just as much, up to smallCalls
}

// smallCalls is how many calls in a row must leave just as much for a window to be taken for a small bucket.
const smallCalls = 8

// shown reports whether that was seen often enough.
func (b *smallBucket) shown() bool { return b.calls >= smallCalls }

// see takes in what remains of a window of a limit of which never much remains; seen is how many calls of ours are in it. In a small
// bucket what is missing is not what others use, for they never use just as much each time; calls that come evenly find it full again
// and again.
func (b *smallBucket) see(t *statement, limit, seen int64) {
	switch most := int64(b.most); {
	case t.remaining > limit/2:
		*b = smallBucket{most: math.MaxUint16}
	case !t.accepted:
		b.calls = 0 // it was not, or calls came in a heap: it shows again, or does not
	case t.remaining > most:
		*b = smallBucket{most: uint16(min(t.remaining, math.MaxUint16))} //nolint:gosec // bounded
	case b.shown():
	case t.remaining < most || seen > limit/2:
		b.calls = 0
	default:
		b.calls++
	}
}
