// Package circuit is the breaker of one host: when the majority of its recent calls fail, it holds all calls back for
// a while, lets a few probes through, and closes when they succeed.
//
// It is pure: it never reads the clock, draws no randomness, starts nothing and locks nothing; one goroutine owns a
// Breaker. It never decides what a failure is (gateway/policy does) nor how fast to send (package limiter does).
package circuit

import "time"

// Defaults of a breaker.
const (
	DefaultFailureRatio = 0.5
	DefaultMinRequests  = 20
	DefaultWindow       = time.Minute
	DefaultCoolDown     = 30 * time.Second
	DefaultCoolDownMax  = 10 * time.Minute
	DefaultProbes       = 3
	DefaultProbeExpiry  = 2 * time.Minute // longer than any call's time-out
)

// Config is how a breaker judges. What is left out, or means nothing, takes its default.
type Config struct {
	FailureRatio float64       // of the calls in Window, from which the breaker opens; in (0, 1]
	MinRequests  int           // in Window, below which it never opens
	Window       time.Duration // how far back calls count
	CoolDown     time.Duration // how long the first opening lasts
	CoolDownMax  time.Duration // the most that an opening lasts, and how long it must stay closed to be trusted again
	Probes       int           // calls let through after a cool-down; all must succeed
	ProbeExpiry  time.Duration // after which the permit of a probe that was never reported is given to another
}

// DefaultConfig returns the configuration of a host that no rule matches.
func DefaultConfig() Config { return Config{}.normal() }

func (c Config) normal() Config {
	if !(c.FailureRatio > 0 && c.FailureRatio <= 1) {
		c.FailureRatio = DefaultFailureRatio
	}
	if c.MinRequests <= 0 {
		c.MinRequests = DefaultMinRequests
	}
	if c.Window <= 0 {
		c.Window = DefaultWindow
	}
	if c.CoolDown <= 0 {
		c.CoolDown = DefaultCoolDown
	}
	if c.CoolDownMax <= 0 {
		c.CoolDownMax = DefaultCoolDownMax
	}
	c.CoolDownMax = max(c.CoolDownMax, c.CoolDown)
	if c.Probes <= 0 {
		c.Probes = DefaultProbes
	}
	if c.ProbeExpiry <= 0 {
		c.ProbeExpiry = DefaultProbeExpiry
	}
	return c
}

// State is what a breaker does with calls.
type State uint8

// The states of a breaker. The zero value is none of them, so that a zero Transition means none.
const (
	Closed   State = iota + 1 // all pass
	Open                      // none pass until the cool-down is over
	HalfOpen                  // probes pass
)

// String returns the word shown to people.
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case HalfOpen:
		return "half-open"
	}
	return "none"
}

// Transition is a change of state; the zero value is none.
type Transition struct{ From, To State }

// Result is how a call ended, as far as the host's health goes.
type Result uint8

// The results of a call.
const (
	Success Result = iota // the host answered
	Failure               // connect error, time-out, 5xx
	Neutral               // says nothing: 429, a dropped connection that had been idle, a call never made
)

// Probe reports whether the permit is for a call that finds out whether the host is back.
func (p Permit) Probe() bool { return p.probe }

// Permit lets one call pass. Every permit must be given back once, by Report or by Cancel; one that is lost costs a
// probe's place until it expires, and nothing else.
type Permit struct {
	generation uint64
	number     uint64
	probe      bool
}
