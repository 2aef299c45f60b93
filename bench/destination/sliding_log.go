package destination

import (
	"slices"
	"time"
)

// slidingLog remembers when each call was accepted, for as long as it counts: in the half-open time (t-per, t].
type slidingLog struct {
	limit int
	per   int64
	calls []int64 // instants of accepted calls, oldest first; those before head count no more
	head  int
}

func (l *slidingLog) standing(t int64) Verdict {
	l.expire(t)
	live := l.calls[l.head:]
	v := Verdict{
		OK:        len(live) < l.limit,
		Limit:     l.limit,
		Remaining: max(0, l.limit-len(live)),
		Quota:     l.limit,
		Window:    time.Duration(l.per),
	}
	if len(live) > 0 {
		v.ResetAfter = time.Duration(live[0] + l.per - t)
	}
	if !v.OK {
		// After a lowered limit more than one call must leave before another may come.
		v.RetryAfter = time.Duration(live[len(live)-l.limit] + l.per - t)
	}
	return v
}

func (l *slidingLog) take(t int64) { l.calls = append(l.calls, t) }
func (l *slidingLog) refuse(int64) {}
func (l *slidingLog) done()        {}

// setLimit with a longer period does not bring back calls that had already left the log.
func (l *slidingLog) setLimit(t int64, spec Spec) {
	l.expire(t)
	l.limit, l.per = spec.Limit, int64(spec.Per)
}

func (l *slidingLog) clone() model {
	same := *l
	same.calls, same.head = slices.Clone(l.calls[l.head:]), 0
	return &same
}

// expire drops what counts no more. The slice moves down only when half of it is dead, so a call costs O(1) on
// average and the log holds at most twice the calls that count.
func (l *slidingLog) expire(t int64) {
	for l.head < len(l.calls) && t-l.calls[l.head] >= l.per {
		l.head++
	}
	if l.head > 0 && l.head >= len(l.calls)/2 {
		n := copy(l.calls, l.calls[l.head:])
		l.calls, l.head = l.calls[:n], 0
	}
}
