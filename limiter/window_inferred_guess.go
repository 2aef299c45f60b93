package limiter

import (
	"math"
	"time"
)

// length is the length that people choose for windows by which one that began with the run ends when the refusal says; of a
// second only if it was known before, or nothing longer was asked for. 0: none.
func (r *comeBack) length(known tick) tick {
	for _, l := range lengths {
		if r.lo <= l && l <= r.hi && (l == known || l >= r.wait && r.wait > time.Second && r.wait != known || l == time.Second) {
			return l
		}
	}
	if known == 0 && r.wait > time.Second {
		for _, l := range lengths {
			if l == r.wait && l > r.age { // it asks for a whole window, whatever is left of it
				return l
			}
		}
	}
	return 0
}

// byTheClock is the length of a window that goes by the clock, and how many calls it allows at the most: the shortest that people
// choose by which no more calls were accepted in the window before than in the one that refused. lately is how many were accepted
// in the last so long.
func (r *comeBack) byTheClock(lately func(span time.Duration) float64) (per tick, n float64) {
	for _, l := range lengths {
		passed := l - r.wait + time.Second/2
		if passed > 0 && lately(passed+l) <= 2*lately(passed) {
			return l, lately(passed + time.Second/2)
		}
	}
	return maxWindow, 0
}

// lately is about how many calls were accepted in the time before an instant, while the rate doubled each second.
func (e *explorer) lately(now tick, span time.Duration) float64 {
	n := float64(e.good.n)
	if now-e.good.from <= span {
		return n
	}
	since := now - e.second
	if span <= since {
		return min(n, float64(e.sent)*float64(span)/float64(since))
	}
	sum := float64(e.sent - 1)
	for rate := e.rate / 2; since < span && rate > slowest; rate /= 2 {
		sum += rate * min(time.Second, span-since).Seconds()
		since += time.Second
	}
	return min(n, sum)
}

// remember has an inferred window count the calls that were accepted in the length before.
func (w *window) remember(e *explorer, now tick) {
	span := min(w.per, now-e.good.from)
	part := span/rememberedParts + 1
	kept := int64(0)
	for before := span; before > 0; before -= part {
		left := int64(e.lately(now, max(0, before-part)) + 0.5)
		n := w.limit - left - kept
		w.permits.keep(now-max(0, before-part)+w.per, n)
		kept += max(0, n)
	}
}

// roundest is the number between two, inclusive, that people would choose for a limit: 1, 2 or 5 and noughts if there is one, else
// the one with the most noughts; of several the one nearest to the middle.
func roundest(lo, hi int64) int64 {
	if lo = max(lo, 1); lo >= hi {
		return hi
	}
	middle := math.Sqrt(float64(lo) * float64(hi))
	best := func(numbers ...int64) (found int64) {
		for _, n := range numbers {
			if n >= lo && n <= hi && (found == 0 || math.Abs(math.Log(float64(n)/middle)) < math.Abs(math.Log(float64(found)/middle))) {
				found = n
			}
		}
		return found
	}
	unit := int64(1)
	for unit <= hi/10 {
		unit *= 10
	}
	if n := best(unit, 2*unit, 5*unit, unit/2); n > 0 {
		return n
	}
	for ; unit > 1; unit /= 10 {
		below := int64(middle) / unit * unit
		if n := best(below, below+unit); n > 0 {
			return n
		}
		if n := best(below + unit/2); n > 0 {
			return n
		}
	}
	return int64(middle)
}

// round reports whether a limit is one that people choose.
func round(n int64) bool { return n%10 == 0 || n == 1 || n == 2 || n == 5 }
