// Package circuit is the breaker of one host: when too many of its recent calls fail, it holds calls back for a while, lets
// a few probes through, closes when they succeed, and lets the pace rise again bit by bit.
//
// Below the host there are parts that share fate: a lane's key (a credential, a path, a limit_key) and a tenant. What only
// one of several parts suffers from is that part's: a status that says failure opens the host when at least two parts fail,
// else only the part. That the host could not be reached (name, connection, TLS) is the host's, whoever found out. Path
// groups are parts where the limit is `by: path`, as they have lanes of their own then; elsewhere nothing tells them apart.
//
// It is pure: it never reads the clock, draws no randomness, starts nothing and locks nothing; a Breaker has one user at a
// time. It never decides what a failure is (gateway/dispatch does, by what is configured) nor how fast a host may be called
// (package limiter does): of a known rate it only says which share may be used while a host comes back.
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
	DefaultProbeExpiry  = 25 * time.Minute // longer than any call: 10 min of a time-out, twice where a credential is renewed
	DefaultRamp         = 30 * time.Second
)

// NoRamp is a Config.Ramp of none: a breaker that closes lets the whole rate through at once.
const NoRamp time.Duration = -1

// Scope says what opens together.
type Scope uint8

// The scopes.
const (
	Host       Scope = iota // all of the host
	HostTenant              // what one tenant sends to it: each has a breaker of its own there
)

// Config is how a breaker judges. What is left out, or means nothing, takes its default; FailureRatio and MinRequests only
// where Failures is left out, too.
type Config struct {
	Scope        Scope
	FailureRatio float64       // of the calls in Window, from which the breaker opens; in (0, 1]; 0 beside Failures: none
	MinRequests  int           // calls in Window below which the ratio opens nothing; and as many failures in a row do at once
	Failures     int           // in Window, below which it never opens; 0: no such count. Beside a ratio, both must hold
	Window       time.Duration // how far back calls count
	CoolDown     time.Duration // how long the first opening lasts
	CoolDownMax  time.Duration // the most that an opening lasts, and how long it must stay closed to be trusted again
	Probes       int           // calls let through after a cool-down; all must succeed
	ProbeExpiry  time.Duration // after which the permit of a probe that was never reported is given to another
	Ramp         time.Duration // how long a host that came back is spared the whole of its rate; negative: not at all
}

// DefaultConfig returns the configuration of a host that no rule matches.
func DefaultConfig() Config { return Config{}.normal() }

func (c Config) normal() Config {
	c.Failures = max(0, c.Failures)
	if !(c.FailureRatio > 0 && c.FailureRatio <= 1) {
		if c.FailureRatio = DefaultFailureRatio; c.Failures > 0 {
			c.FailureRatio = 0
		}
	}
	if c.MinRequests <= 0 {
		c.MinRequests = DefaultMinRequests
	}
	for _, d := range []struct {
		of      *time.Duration
		instead time.Duration
	}{
		{&c.Window, DefaultWindow},
		{&c.CoolDown, DefaultCoolDown},
		{&c.CoolDownMax, DefaultCoolDownMax},
		{&c.ProbeExpiry, DefaultProbeExpiry},
	} {
		if *d.of <= 0 {
			*d.of = d.instead
		}
	}
	c.CoolDownMax = max(c.CoolDownMax, c.CoolDown)
	if c.Probes <= 0 {
		c.Probes = DefaultProbes
	}
	if c.Ramp == 0 {
		c.Ramp = DefaultRamp
	}
	return c
}

// trips reports whether so many failures among so many calls open a breaker.
func (c *Config) trips(calls, failures int) bool {
	if c.FailureRatio > 0 && (calls < c.MinRequests || !c.mostly(calls, failures)) {
		return false
	}
	return failures >= c.Failures && failures > 0
}

// byRow reports whether failures in a row open a breaker, and inARow how many.
func (c *Config) byRow() bool { return c.FailureRatio > 0 }
func (c *Config) inARow() int { return max(c.MinRequests, c.Failures) }

// mostly reports whether so many failures are a large enough part of the calls, however few those are.
func (c *Config) mostly(calls, failures int) bool {
	ratio := c.FailureRatio
	if ratio == 0 {
		ratio = DefaultFailureRatio
	}
	return float64(failures) >= ratio*float64(calls)
}
