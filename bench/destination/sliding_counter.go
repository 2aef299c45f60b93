package destination

import (
	"math/bits"
	"time"
)

// slidingCounter estimates how many calls came within the last period from two clock-aligned windows: the count of
// this one, and of the one before as much as its share that is still within the period, as if its calls had come
// evenly. A call is accepted when the estimate with it is at most the limit.
type slidingCounter struct {
	limit        int
	per          int64
	countRefused bool
	index        int64 // of the current window: floor(Unix time / per)
	current      int
	previous     int
}

func (c *slidingCounter) standing(t int64) Verdict {
	c.roll(t)
	end := (c.index + 1) * c.per
	estimate := c.current + int(mulDivCeil(int64(c.previous), end-t, c.per))
	v := Verdict{
		OK:         estimate < c.limit,
		Limit:      c.limit,
		Remaining:  max(0, c.limit-estimate),
		ResetAfter: time.Duration(end - t),
		Quota:      c.limit,
		Window:     time.Duration(c.per),
	}
	if !v.OK {
		v.RetryAfter = time.Duration(c.freeAt(end) - t)
	}
	return v
}

// freeAt is the first instant at which the estimate leaves room for a call, if none comes before. The earlier
// window's calls fade as its share of the period falls, so the share at which enough of them have faded tells when.
func (c *slidingCounter) freeAt(end int64) int64 {
	if room := c.limit - 1 - c.current; room >= 0 {
		// estimate == limit at least, so previous > room and the share is less than the whole.
		return end - mulDivFloor(int64(room), c.per, int64(c.previous))
	}
	// The current window alone is full; it is the earlier one by the time there is room.
	return end + c.per - mulDivFloor(int64(c.limit-1), c.per, int64(c.current))
}

func (c *slidingCounter) take(t int64) {
	c.roll(t)
	c.current++
}

func (c *slidingCounter) refuse(t int64) {
	if c.countRefused {
		c.take(t)
	}
}

func (c *slidingCounter) done() {}

func (c *slidingCounter) setLimit(_ int64, spec Spec) {
	if c.per != int64(spec.Per) {
		c.per, c.current, c.previous = int64(spec.Per), 0, 0
	}
	c.limit = spec.Limit
}

func (c *slidingCounter) clone() model {
	same := *c
	return &same
}

func (c *slidingCounter) roll(t int64) {
	switch index := floorDiv(t, c.per); index - c.index {
	case 0:
	case 1:
		c.index, c.previous, c.current = index, c.current, 0
	default:
		c.index, c.previous, c.current = index, 0, 0
	}
}

// mulDivFloor is a*b/c rounded down, without overflow on the way; a, b >= 0, c > 0, and the result fits.
func mulDivFloor(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b)) //nolint:gosec // not negative
	q, _ := bits.Div64(hi, lo, uint64(c))      //nolint:gosec // positive
	return int64(q)                            //nolint:gosec // fits, see above
}

// mulDivCeil is a*b/c rounded up, under the same conditions.
func mulDivCeil(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b)) //nolint:gosec // not negative
	q, r := bits.Div64(hi, lo, uint64(c))      //nolint:gosec // positive
	if r > 0 {
		q++
	}
	return int64(q) //nolint:gosec // fits, see above
}
