package matrix

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// Cell is one situation: a destination, the way to it, and the sender's cap.
type Cell struct {
	// Limits are the destination's, one or two; two must both have room for a call.
	Limits  []destination.Spec
	Dialect destination.Dialect
	// SuccessOnly: refusals say nothing, whatever the dialect.
	SuccessOnly bool
	// Shared is the part of the first limit that others take, who arrive as a Poisson process. 0: sole consumer.
	Shared float64
	// Change multiplies every limit amid the run. 0: it stays.
	Change float64
	// Workers is the most calls that the sender may have under way at once.
	Workers int
	RTT     time.Duration // the road's length both ways, without jitter
	Jitter  time.Duration // each way takes up to this much longer, uniformly
	Skew    time.Duration // of the server's clock, which its Date, its Unix times and its windows go by
	// Service is how long the destination works on an accepted call, varying uniformly by Spread of it either way.
	Service time.Duration
	Spread  float64
}

// Name tells the cell in words that no other cell has, without spaces.
func (c *Cell) Name() string {
	var b strings.Builder
	b.WriteString(string(c.Limits[0].Algorithm))
	for _, l := range c.Limits {
		if l.Algorithm == destination.Concurrency {
			fmt.Fprintf(&b, ",%d", l.Limit)
			continue
		}
		fmt.Fprintf(&b, ",%s", l)
		if l.Burst > 0 {
			fmt.Fprintf(&b, ",burst=%d", l.Burst)
		}
	}
	fmt.Fprintf(&b, ",%s", c.Dialect)
	if c.SuccessOnly {
		b.WriteString(",2xx-only")
	}
	if c.Shared > 0 {
		fmt.Fprintf(&b, ",shared=%g", c.Shared)
	}
	if c.Change > 0 {
		fmt.Fprintf(&b, ",change=%g", c.Change)
	}
	fmt.Fprintf(&b, ",rtt=%s", c.RTT)
	if c.Jitter != chosenJitter {
		fmt.Fprintf(&b, ",jitter=%s", c.Jitter)
	}
	if c.Workers != chosenWorkers {
		fmt.Fprintf(&b, ",workers=%d", c.Workers)
	}
	if c.Skew != 0 {
		fmt.Fprintf(&b, ",skew=%s", c.Skew)
	}
	return b.String()
}

// Rate is the allowance before any change, in calls per second: the least of all limits. A limit of calls at once
// allows as many as get through within the time one takes, as far as the sender's own cap lets it.
func (c *Cell) Rate() float64 { return c.rate(1) }

func (c *Cell) rate(factor float64) float64 {
	least := 0.0
	for i, l := range c.Limits {
		r := float64(scaled(l.Limit, factor)) / l.Per.Seconds()
		if l.Algorithm == destination.Concurrency {
			r = min(float64(scaled(l.Limit, factor))/c.Service.Seconds(),
				float64(c.Workers)/(c.Service+c.RTT+c.Jitter).Seconds())
		}
		if i == 0 || r < least {
			least = r
		}
	}
	return least
}

// scaled is a limit after a change; 0 means that there is none.
func scaled(limit int, factor float64) int {
	if factor == 0 {
		return limit
	}
	return max(1, int(float64(limit)*factor))
}

// window is the longest of the limits' windows.
func (c *Cell) window() time.Duration {
	longest := time.Duration(0)
	for _, l := range c.Limits {
		if l.Algorithm != destination.Concurrency {
			longest = max(longest, l.Per)
		}
	}
	if longest == 0 {
		return time.Second
	}
	return longest
}

// is reports whether any of the limits is by one of these algorithms.
func (c *Cell) is(algorithms ...destination.Algorithm) bool {
	for _, l := range c.Limits {
		for _, a := range algorithms {
			if l.Algorithm == a {
				return true
			}
		}
	}
	return false
}
