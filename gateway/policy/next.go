package policy

import (
	"fmt"
	"time"
)

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
// schedule's window nor MaxAge: past MaxAge the webhook is given up at once. Only the policy's own word does it: with
// RateHeaders off wait counts for nothing, and MaxRetryAfter bounds it.
//
// The caller adds the delay to Trying after a Retry, and to Deferred after a Throttled attempt.
func (p *Policy) Next(
	s Spent, o Outcome, class ErrorClass, wait time.Duration, u float64,
) (delay time.Duration, giveUp string) {
	switch {
	case !p.RateHeaders:
		wait = 0
	case p.MaxRetryAfter > 0:
		wait = min(wait, p.MaxRetryAfter)
	}
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
		plan := p.Plan(class)
		if s.Tries > plan.Retries {
			return 0, fmt.Sprintf("all %d retries used", plan.Retries)
		}
		delay = min(plan.delay(max(s.Tries, 1), u), left)
		if within := p.within(plan, s.Trying); within > 0 {
			if s.Trying >= within {
				return 0, fmt.Sprintf("tried for %s, the policy allows %s", s.Trying.Round(time.Second), within)
			}
			delay = min(delay, within-s.Trying)
		}
		delay = max(delay, wait)
	default:
		return 0, fmt.Sprintf("outcome %s is final", o)
	}
	if delay > left {
		return 0, fmt.Sprintf("the destination asked to wait %s, past the max_age of %s", delay, p.MaxAge)
	}
	return delay, ""
}

// Plan returns the schedule after an attempt of a class; the empty class is an attempt that got a response.
func (p *Policy) Plan(class ErrorClass) *Schedule {
	for i := range p.ByClass {
		if p.ByClass[i].Classes.Has(class) {
			return &p.ByClass[i].Schedule
		}
	}
	return &p.Retry
}

// within is how much trying a plan allows; 0: any. Who is past it has gone on under another plan, which had more time:
// an answer after a long outage is not the end of trying.
func (p *Policy) within(plan *Schedule, tried time.Duration) time.Duration {
	within := plan.Within
	if within == 0 || tried < within {
		return within
	}
	if p.Retry.Within == 0 {
		return 0
	}
	most := max(within, p.Retry.Within)
	for i := range p.ByClass {
		if p.ByClass[i].Within == 0 {
			return 0
		}
		most = max(most, p.ByClass[i].Within)
	}
	return most
}

// MaxTries returns how many attempts a webhook gets at most, those that its destination deferred not counted.
func (p *Policy) MaxTries() int {
	most := p.Retry.Retries
	for i := range p.ByClass {
		most = max(most, p.ByClass[i].Retries)
	}
	return most + 1
}
