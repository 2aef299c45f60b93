package limiter

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// catchUp is how late a caller may come and still keep the mean pace. Timers fire late by about a millisecond, which
// would cost a lane of 100 calls a second a tenth of its rate.
const catchUp = 5 * time.Millisecond

// pacer spreads calls evenly, with no burst but what catchUp allows. It never reserves, and starts over with a fresh
// limiter where the tokens must be set: x/time/rate keeps the debt of reservations over changes of the limit.
//
// Its instants never go back: x/time/rate would refill twice.
type pacer struct {
	lim  *rate.Limiter // nil: unlimited
	per  float64       // calls per second
	last time.Time     // the limiter's own time, at most catchUp behind the caller's
}

// set changes the pace from now on; what was saved up stays. A change below a thousandth is not worth it.
func (p *pacer) set(now time.Time, perSecond float64) {
	switch {
	case math.IsInf(perSecond, 1):
		p.lim, p.per = nil, perSecond
	case p.lim == nil:
		p.per, p.last = perSecond, now
		p.lim = rate.NewLimiter(rate.Limit(perSecond), 1)
	case math.Abs(perSecond-p.per) > p.per/1000:
		p.per = perSecond
		p.last = later(p.last, now.Add(-catchUp))
		p.lim.SetLimitAt(p.last, rate.Limit(perSecond))
	}
}

// empty makes the next call wait for a whole interval, whatever was saved up.
func (p *pacer) empty(now time.Time) {
	if p.lim == nil {
		return
	}
	p.last = now
	p.lim = rate.NewLimiter(rate.Limit(p.per), 1)
	p.lim.AllowN(now, 1)
}

// due returns when the next call may begin.
func (p *pacer) due() time.Time {
	missing := 1 - p.lim.TokensAt(p.last)
	if missing <= 0 {
		return p.last
	}
	// Rounded up, and one more: the token must be whole when its time has come, whatever floating point makes of it.
	return p.last.Add(time.Duration(math.Min(math.Ceil(missing/p.per*1e9)+1, float64(maxWindow))))
}

// take spends the token of a call that begins now, as if it had begun when it was due, or at most slack ago.
func (p *pacer) take(now time.Time, slack time.Duration) {
	if p.lim == nil {
		return
	}
	p.last = earlier(now, later(p.due(), now.Add(-slack)))
	p.lim.AllowN(p.last, 1)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
