package limiter

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// catchUp is how late a caller may come and still keep the mean pace. Timers fire late by up to about a millisecond, which
// would cost a lane of 100 calls a second a tenth of its rate.
const catchUp = 5 * time.Millisecond

// pacer spreads calls evenly, with no burst but what catchUp allows: a bucket of one token. The zero pacer is not set.
//
// It never reserves: x/time/rate keeps the debt of reservations over changes of the limit. Nor do its instants go back: x/time/rate
// would refill twice.
type pacer struct {
	lim  *rate.Limiter // nil: unlimited
	per  float64       // calls per second; may be infinite
	from tick          // the bucket's own time: when the last call began, or should have
}

// set changes the pace, also of the call that waits.
func (p *pacer) set(now tick, perSecond float64) {
	if perSecond == p.per {
		return
	}
	first := p.per == 0
	if p.per = perSecond; first {
		p.from = now
	}
	switch {
	case !p.limited():
		p.lim = nil
	case first:
		p.lim = rate.NewLimiter(rate.Limit(perSecond), 1)
	case p.lim == nil:
		p.empty(p.from)
	default:
		p.lim.SetLimitAt(unix(p.from), rate.Limit(perSecond))
	}
}

// limited reports whether there is a pace at all.
func (p *pacer) limited() bool { return !math.IsInf(p.per, 1) }

// interval is the time from one call to the next.
func (p *pacer) interval() time.Duration { return p.timeOf(1) }

// timeOf is how long a part of a token takes.
func (p *pacer) timeOf(part float64) time.Duration {
	return time.Duration(math.Min(math.Ceil(part/p.per*float64(time.Second)), float64(maxWindow)))
}

// due returns when the next call may begin.
func (p *pacer) due() tick {
	if p.lim == nil {
		return p.from
	}
	missing := 1 - p.lim.TokensAt(unix(p.from))
	if missing <= 0 {
		return p.from
	}
	return p.from + p.timeOf(missing) + 1 // the token must be whole then, whatever floating point makes of it
}

// empty makes the next call wait for a whole interval, whatever was saved up.
func (p *pacer) empty(now tick) {
	p.from = now
	if p.limited() {
		p.lim = rate.NewLimiter(rate.Limit(p.per), 1)
		p.lim.AllowN(unix(now), 1)
	}
}

// take spends the token of a call that begins now, as if it had begun when it was due, or at most slack ago.
func (p *pacer) take(now tick, slack time.Duration) {
	p.from = min(now, max(p.due(), now-slack))
	if p.lim != nil {
		p.lim.AllowN(unix(p.from), 1)
	}
}

// unix is a tick as x/time/rate wants it; it knows differences only.
func unix(t tick) time.Time { return time.Unix(0, int64(t)) }
