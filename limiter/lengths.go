package limiter

import (
	"slices"
	"time"
)

// Bounds of what is believed of a told window.
const (
	minWindow = 10 * time.Millisecond
	maxWindow = 31 * 24 * time.Hour
	minLimit  = 1
	maxLimit  = 10_000_000
)

// lengths are those that people choose for windows.
var lengths = [...]time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second,
	30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute,
	30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	7 * 24 * time.Hour, 30 * 24 * time.Hour,
}

// guessLength returns the length of a window from the longest time to its reset that was seen: the next length that
// people choose, where a tenth is allowed for resets that were rounded or seen late.
func guessLength(reset time.Duration) time.Duration {
	for _, l := range lengths {
		if reset <= l+l/10 {
			return l
		}
	}
	return maxWindow
}

// lengthWithin is about how long a window is that is between two lengths long: as it was told, or, where the next length that people
// choose above that is more than it can be, the longest of theirs that it can. It began late after its first call was made, at most.
func lengthWithin(lo, told, hi, late time.Duration) time.Duration {
	if guessLength(told) <= hi {
		return told
	}
	for _, l := range slices.Backward(lengths[:]) {
		if lo-late <= l && l <= hi {
			return l
		}
	}
	return told
}

// mayBeChosen reports whether a window that ends between two instants after it began, told in whole seconds, may be as long as people
// choose. Seconds that were rounded down are up to one short.
func mayBeChosen(lo, hi time.Duration) bool {
	for _, l := range lengths {
		if lo <= l && l <= hi+time.Second {
			return true
		}
	}
	return false
}
