package policy

import (
	"math"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Account notes in a webhook's entry what an attempt of so long has cost, and says when it is tried again: after a delay,
// counted from the attempt's end, or not at all, and why, as Next does. After an outcome that is final there is nothing to
// say. wait and u are as in Next.
func (p *Policy) Account(
	e *record.Entry, o Outcome, class ErrorClass, took, wait time.Duration, u float64,
) (delay time.Duration, giveUp string) {
	e.Trying = addMs(e.Trying, took)
	if o == Throttled {
		e.Throttled = addOne(e.Throttled)
	} else {
		e.Tries = addOne(e.Tries)
	}
	if o != Retry && o != Throttled {
		return 0, ""
	}
	delay, giveUp = p.Next(Spent{
		Tries: int(e.Tries), Throttled: int(e.Throttled), Trying: ms(e.Trying), Deferred: ms(e.Deferred),
	}, o, class, wait, u)
	switch {
	case giveUp != "":
	case o == Throttled:
		e.Deferred = addMs(e.Deferred, delay)
	default:
		e.Trying = addMs(e.Trying, delay)
	}
	return delay, giveUp
}

// Withhold notes in a webhook's entry an attempt that counts for nothing under any policy, and that it is made again after
// so long: its credential does not work.
func Withhold(e *record.Entry, wait time.Duration) {
	e.Throttled = addOne(e.Throttled)
	e.Deferred = addMs(e.Deferred, wait)
}

func ms(n uint32) time.Duration { return time.Duration(n) * time.Millisecond }

// addMs adds a duration to a count of milliseconds that stays at its greatest value rather than wrap: 49 days.
func addMs(n uint32, d time.Duration) uint32 {
	return uint32(min(int64(n)+max(0, d.Milliseconds()), math.MaxUint32)) //nolint:gosec // bounded on both sides
}

// addOne counts one more, up to the greatest value.
func addOne[N uint16 | uint32](n N) N {
	if n == ^N(0) {
		return n
	}
	return n + 1
}
