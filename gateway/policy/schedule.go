package policy

import (
	"fmt"
	"math"
	"time"
)

// Schedule is an exponential one: the n-th retry comes Base × Factor^(n-1), at most Cap, after the attempt before it,
// each delay × (1 + U[0, Jitter]).
type Schedule struct {
	Base    time.Duration
	Factor  float64       // at least 1
	Cap     time.Duration // before jitter; 0: none
	Jitter  float64       // 0 to 1
	Retries int           // after the first attempt
	// Within is how much trying (attempts and this schedule's delays) may have passed when the last retry begins; a
	// delay is shortened to keep it.
	Within time.Duration
}

// delay returns the wait before the n-th retry, n from 1, for a draw u in [0, 1).
func (s *Schedule) delay(n int, u float64) time.Duration {
	return jittered(exponential(s.Base, s.Factor, s.Cap, n), s.Jitter, u)
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

// Spent is what a webhook has used up, with the attempt that was just made.
type Spent struct {
	Tries     int           // attempts that counted: those that ended in retry
	Throttled int           // attempts that the destination deferred
	Trying    time.Duration // attempts, and the delays that Next chose after a retry
	Deferred  time.Duration // the delays that Next chose after a throttled attempt
}

// Next says when a webhook is tried again after an attempt that ended in Retry or Throttled: in delay, counted from
// the attempt's end. A giveUp that is not empty says, for a person, why it is not tried again. class is the attempt's;
// wait is how long the destination asked to be left alone (0: it did not); u is a draw from [0, 1).
//
// wait moves this webhook only and never brings it forward: after a Retry the delay is the longer of the two. That a
// whole lane is held is the limiter's doing. What the destination asked for is never shortened, neither to fit the
// schedule's window nor MaxAge: past MaxAge the webhook is given up at once.
//
// The caller adds the delay to Trying after a Retry, and to Deferred after a Throttled attempt.
func (p *Policy) Next(
	s Spent, o Outcome, class ErrorClass, wait time.Duration, u float64,
) (delay time.Duration, giveUp string) {
	left := p.MaxAge - s.Trying - s.Deferred
	if left <= 0 {
		return 0, fmt.Sprintf("max_age of %s reached", p.MaxAge)
	}
	switch o {
	case Throttled:
		if delay = wait; wait <= 0 {
			delay = min(p.Throttle.delay(max(s.Throttled, 1), u), left)
		}
	case Retry:
		plan := &p.Retry
		if class.Unreachable() {
			plan = &p.Unreachable
		}
		within := plan.Within
		if s.Trying >= within { // it went on finding the host unreachable, for which there is more time
			within = max(within, p.Unreachable.Within)
		}
		switch {
		case s.Tries > plan.Retries:
			return 0, fmt.Sprintf("all %d retries used", plan.Retries)
		case s.Trying >= within:
			return 0, fmt.Sprintf("tried for %s, the policy allows %s", s.Trying.Round(time.Second), within)
		}
		delay = min(plan.delay(max(s.Tries, 1), u), within-s.Trying, left)
		delay = max(delay, wait)
	default:
		return 0, fmt.Sprintf("outcome %s is final", o)
	}
	if delay > left {
		return 0, fmt.Sprintf("the destination asked to wait %s, past the max_age of %s", delay, p.MaxAge)
	}
	return delay, ""
}
