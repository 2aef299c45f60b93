package limiter

import (
	"math"
	"time"
)

// Defaults of a lane of which nothing is known and nothing was configured.
const (
	DefaultStart            = 10.0      // calls per second
	DefaultCeiling          = 1000.0    // calls per second
	DefaultMaxPause         = time.Hour // what one Retry-After is believed
	DefaultConcurrencyStart = 16        // calls at once
	DefaultConcurrencyMax   = 512       // calls at once
)

// Config is what an operator says about a lane; it wins over whatever the destination tells.
type Config struct {
	// Start is the pace, in calls per second, of a lane that was told nothing. +Inf: no pacing at all until the
	// destination refuses a call or tells a window; it lifts Ceiling, too. 0 means DefaultStart.
	Start float64
	// Ceiling bounds every pace, learned or told, in calls per second. 0 means DefaultCeiling, +Inf none.
	Ceiling float64
	// Fixed is the pace, in calls per second, come what may: nothing is learned, only pauses, the concurrency limit
	// and Windows hold the lane. 0: not fixed.
	Fixed float64
	// Windows are limits known beforehand. The destination's own are kept beside them.
	Windows []Rule
	// Share is the part of every window, told or configured, that is this lane's to use: in (0, 1], 0 means all.
	Share float64
	// MaxPause bounds how long one refusal holds the lane; one call is tried when it ends. 0 means DefaultMaxPause.
	MaxPause time.Duration
	// ConcurrencyStart and ConcurrencyMax bound the calls at once: where the adaptive limit begins, and its most.
	// 0 means the default.
	ConcurrencyStart, ConcurrencyMax int
}

// Rule is a configured window: at most N calls in any time Per.
type Rule struct {
	N   int64
	Per time.Duration
}

// DefaultConfig returns the configuration of a lane that no rule matches.
func DefaultConfig() Config {
	return Config{
		Start: DefaultStart, Ceiling: DefaultCeiling, Share: 1, MaxPause: DefaultMaxPause,
		ConcurrencyStart: DefaultConcurrencyStart, ConcurrencyMax: DefaultConcurrencyMax,
	}
}

// normal replaces what was left out, and what means nothing, by the defaults.
func (c Config) normal() Config {
	positive := func(v, otherwise float64) float64 {
		if v > 0 {
			return v
		}
		return otherwise
	}
	c.Start = positive(c.Start, DefaultStart)
	c.Ceiling = positive(c.Ceiling, DefaultCeiling)
	if math.IsInf(c.Start, 1) {
		c.Ceiling = c.Start
	}
	c.Start = min(c.Start, c.Ceiling)
	c.Share = min(positive(c.Share, 1), 1)
	if c.MaxPause <= 0 {
		c.MaxPause = DefaultMaxPause
	}
	if c.ConcurrencyMax <= 0 {
		c.ConcurrencyMax = DefaultConcurrencyMax
	}
	if c.ConcurrencyStart <= 0 {
		c.ConcurrencyStart = DefaultConcurrencyStart
	}
	c.ConcurrencyMax = min(c.ConcurrencyMax, math.MaxInt32)
	c.ConcurrencyStart = min(c.ConcurrencyStart, c.ConcurrencyMax)
	return c
}
