package policy

import (
	"math"
	"time"
)

// Schedule is when a webhook is tried again: how long after the end of the attempt before, and how often. It is a list
// of delays, or exponential; a fixed delay is an exponential one of factor 1.
type Schedule struct {
	// List is the delay before each retry; where there are more retries, the last one goes on. Empty: exponential.
	List []time.Duration
	// Base × Factor^(n-1), at most Cap, is the delay before the n-th retry. Factor is at least 1; a Cap of 0 is none.
	Base   time.Duration
	Factor float64
	Cap    time.Duration
	// Jitter lengthens each delay to delay × (1 + U[0, Jitter]); 0 to 1.
	Jitter  float64
	Retries int // after the first attempt
	// Within is how much trying (attempts and this schedule's delays) may have passed when the last retry begins; a
	// delay is shortened to keep it. 0: no bound but the policy's MaxAge.
	Within time.Duration
}

// delay returns the wait before the n-th retry, n from 1, for a draw u in [0, 1).
func (s *Schedule) delay(n int, u float64) time.Duration {
	if len(s.List) > 0 {
		return jittered(s.List[min(n, len(s.List))-1], s.Jitter, u)
	}
	return jittered(exponential(s.Base, s.Factor, s.Cap, n), s.Jitter, u)
}

// Longest returns the time from the first attempt to the last where attempts take no time and each delay is as long as
// its jitter makes it; never more than Within.
func (s *Schedule) Longest() time.Duration {
	var sum time.Duration
	for n := range s.Retries {
		d := s.delay(n+1, 1)
		if sum > math.MaxInt64-d {
			return math.MaxInt64
		}
		sum += d
	}
	if s.Within > 0 {
		return min(sum, s.Within)
	}
	return sum
}

// ClassSchedule is the schedule after attempts that got no response, for reasons of some classes.
type ClassSchedule struct {
	Classes ClassSet
	Schedule
}

// Backoff spaces attempts that the destination deferred without saying for how long: Base × Factor^(n-1), at most
// Cap, each delay × (1 + U[0, Jitter]).
type Backoff struct {
	Base   time.Duration
	Factor float64
	Cap    time.Duration
	Jitter float64
}

func (b *Backoff) delay(n int, u float64) time.Duration {
	return jittered(exponential(b.Base, b.Factor, b.Cap, n), b.Jitter, u)
}

func exponential(base time.Duration, factor float64, limit time.Duration, n int) time.Duration {
	if limit <= 0 {
		limit = math.MaxInt64 / 4
	}
	d := float64(base) * math.Pow(factor, float64(n-1))
	if d >= float64(limit) {
		return limit
	}
	return time.Duration(d)
}

func jittered(d time.Duration, jitter, u float64) time.Duration {
	return d + time.Duration(float64(d)*jitter*min(max(u, 0), 1))
}
