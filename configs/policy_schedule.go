package configs

import (
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// RetrySchedule is when to try again: delays from the end of one attempt to the beginning of the next, and how many. Of
// List, Fixed and Exponential one is given.
type RetrySchedule struct {
	// List is the delay before each retry, in order; there are as many unless Retries or Attempts say otherwise, and
	// when these say more, the last delay goes on.
	List Listed[Duration] `yaml:"list,omitempty"`
	// Fixed is the same delay before every retry.
	Fixed *Duration `yaml:"fixed,omitempty"`
	// Exponential is a delay that grows.
	Exponential *Exponential `yaml:"exponential,omitempty"`
	// Jitter lengthens each delay at random, to delay × (1 + 0 … Jitter). Not given: 0 for List and Fixed, 0.2 for
	// Exponential.
	Jitter *float64 `yaml:"jitter,omitempty"`
	// Retries is how often to try again; the first attempt is not counted. Attempts counts it. Only one is given.
	Retries  *int `yaml:"retries,omitempty"`
	Attempts *int `yaml:"attempts,omitempty"`
	// Within is how much trying may have passed when the last retry begins; delays are shortened to keep it. 0s: no
	// bound but max_age.
	Within *Duration `yaml:"within,omitempty"`
}

// Exponential is Base, Base × Factor, Base × Factor², …, none above Cap.
type Exponential struct {
	Base   Duration `yaml:"base"`
	Factor float64  `yaml:"factor,omitempty"` // 0: DefaultFactor
	Cap    Duration `yaml:"cap,omitempty"`    // 0: none
}

// ErrorSchedule is a schedule after attempts that got no response for one of some reasons.
type ErrorSchedule struct {
	Error         ErrorClasses `yaml:"error,omitempty"`
	RetrySchedule `yaml:",inline"`
}

// Throttle is the delay after an attempt that the destination deferred without saying for how long: it grows with each.
// What is not given is as in what is extended.
type Throttle struct {
	Base   *Duration `yaml:"base,omitempty"`
	Factor *float64  `yaml:"factor,omitempty"`
	Cap    *Duration `yaml:"cap,omitempty"`
	Jitter *float64  `yaml:"jitter,omitempty"`
}

const (
	// DefaultFactor is that of Exponential.
	DefaultFactor = 2.0

	defaultJitter = 0.2
	maxFactor     = 100
	maxDelay      = 31 * day
	maxRetries    = 1000
	maxDelays     = 100 // in a list
	minBase       = 1 * time.Millisecond
)

func (s *RetrySchedule) check(k *checker, path string) {
	at := func(key string) string { return join(path, key) }
	kinds := 0
	if s.List != nil {
		kinds++
		switch n := len(s.List); {
		case n == 0:
			k.fail(at("list"), "[]", "has no delay", "at least one, as in [1m, 5m, 30m]")
		case n > maxDelays:
			k.fail(at("list"), fmt.Sprintf("%d delays", n), "are too many", fmt.Sprintf("at most %d", maxDelays))
		}
		for i, d := range s.List {
			within(k, item(at("list"), i), d, 0, maxDelay)
		}
	}
	if s.Fixed != nil {
		kinds++
		within(k, at("fixed"), *s.Fixed, 0, maxDelay)
	}
	if e := s.Exponential; e != nil {
		kinds++
		within(k, at("exponential.base"), e.Base, Duration(minBase), maxDelay)
		if k.given(at("exponential.factor"), e.Factor == 0) {
			within(k, at("exponential.factor"), e.Factor, 1, maxFactor)
		}
		within(k, at("exponential.cap"), e.Cap, 0, maxDelay)
		if k.sound(at("exponential.base"), at("exponential.cap")) && e.Cap > 0 && e.Cap < e.Base {
			k.fail(at("exponential.cap"), e.Cap, "is below the base", "at least the base, which is "+e.Base.String())
		}
	}
	if kinds > 1 {
		k.fail(path, "", "has more than one kind of delays", "one of list, fixed, exponential")
	}
	between(k, at("jitter"), s.Jitter, 0, 1)
	if s.Retries != nil {
		within(k, at("retries"), *s.Retries, 0, maxRetries)
	}
	if s.Attempts != nil {
		within(k, at("attempts"), *s.Attempts, 1, maxRetries)
		if s.Retries != nil {
			k.fail(at("attempts"), *s.Attempts, "says what retries says, with the first attempt counted", "one of the two")
		}
	}
	if s.Within != nil {
		within(k, at("within"), *s.Within, 0, maxMaxAge)
	}
}

func (s *ErrorSchedule) check(k *checker, path string) {
	if at := join(path, "error"); len(s.Error) == 0 && k.sound(at) {
		k.missing(at, "the errors it is for, as in [dns, connect, tls]")
	}
	s.RetrySchedule.check(k, path)
	s.checkWhole(k, path)
}

// checkWhole checks that a schedule which stands alone says all it must.
func (s *RetrySchedule) checkWhole(k *checker, path string) {
	switch {
	case s.never():
	case !s.names():
		k.fail(path, "", "has no delays", "one of list, fixed, exponential")
	case s.List == nil && s.Retries == nil && s.Attempts == nil:
		k.fail(path, "", "does not say how often", "retries, or attempts, which counts the first one too")
	}
}

// never reports whether it says that nothing is tried again, which needs no delays.
func (s *RetrySchedule) never() bool {
	return s.Retries != nil && *s.Retries == 0 || s.Attempts != nil && *s.Attempts == 1
}

// names reports whether the schedule says its delays.
func (s *RetrySchedule) names() bool { return s.List != nil || s.Fixed != nil || s.Exponential != nil }

// over returns the schedule over what it extends.
func (s RetrySchedule) over(base RetrySchedule) RetrySchedule {
	if s.names() {
		return s
	}
	if s.Retries != nil || s.Attempts != nil {
		base.Retries, base.Attempts = s.Retries, s.Attempts
	}
	if s.Jitter != nil {
		base.Jitter = s.Jitter
	}
	if s.Within != nil {
		base.Within = s.Within
	}
	return base
}

// compile returns the schedule as it is carried out; it is whole.
func (s *RetrySchedule) compile() policy.Schedule {
	to := policy.Schedule{Retries: len(s.List), Factor: 1}
	for _, d := range s.List {
		to.List = append(to.List, time.Duration(d))
	}
	if s.Fixed != nil {
		to.Base = time.Duration(*s.Fixed)
	}
	if e := s.Exponential; e != nil {
		to.Base, to.Factor, to.Cap, to.Jitter = time.Duration(e.Base), e.Factor, time.Duration(e.Cap), defaultJitter
		if to.Factor == 0 {
			to.Factor = DefaultFactor
		}
	}
	if s.Jitter != nil {
		to.Jitter = *s.Jitter
	}
	if s.Retries != nil {
		to.Retries = *s.Retries
	}
	if s.Attempts != nil {
		to.Retries = *s.Attempts - 1
	}
	if s.Within != nil {
		to.Within = time.Duration(*s.Within)
	}
	return to
}

func (t *Throttle) check(k *checker, path string) {
	if t.Base != nil {
		within(k, join(path, "base"), *t.Base, Duration(minBase), maxDelay)
	}
	if t.Cap != nil {
		within(k, join(path, "cap"), *t.Cap, Duration(minBase), maxDelay)
	}
	between(k, join(path, "factor"), t.Factor, 1, maxFactor)
	between(k, join(path, "jitter"), t.Jitter, 0, 1)
}
