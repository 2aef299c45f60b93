package limiter

import (
	"math"
	"time"
)

// catchUp is how late a caller may come and still keep the mean pace. Timers fire late by up to about a millisecond, which
// would cost a lane of 100 calls a second a tenth of its rate.
const catchUp = 5 * time.Millisecond

// pacer spreads calls evenly, with no burst but what catchUp allows. The zero pacer is not set.
type pacer struct {
	per  float64 // calls per second; may be infinite
	from tick    // when the last call began, or should have
}

// set changes the pace, also of the call that waits.
func (p *pacer) set(now tick, perSecond float64) {
	first := p.per == 0
	if p.per = perSecond; first {
		p.from = now - p.interval() // which need not wait
	}
}

// limited reports whether there is a pace at all.
func (p *pacer) limited() bool { return !math.IsInf(p.per, 1) }

// interval is the time from one call to the next.
func (p *pacer) interval() time.Duration {
	return time.Duration(math.Min(math.Ceil(float64(time.Second)/p.per), float64(maxWindow)))
}

// due returns when the next call may begin.
func (p *pacer) due() tick { return p.from + p.interval() }

// empty makes the next call wait for a whole interval, whatever was saved up.
func (p *pacer) empty(now tick) { p.from = now }

// take counts a call that begins now, as if it had begun when it was due, or at most slack ago.
func (p *pacer) take(now tick, slack time.Duration) { p.from = min(now, max(p.due(), now-slack)) }
