package circuit

import (
	"math"
	"time"
)

// firstShare is the share of its known rate that a host gets when it comes back. It rises evenly from there to all of it,
// so that 90 % is reached after eight ninths of Config.Ramp.
const firstShare = 0.1

// shareAt is the share so many seconds after closing.
func shareAt(since, ramp float64) float64 {
	if since >= ramp {
		return 1
	}
	return firstShare + (1-firstShare)*max(0, since)/ramp
}

// catchUp is how late a call may begin and still leave the next one where it would have been: timers fire late by about a
// millisecond.
const catchUp = 5 * time.Millisecond

// unlimited is what the rate of a lane without one counts as, in calls per second, while its host comes back.
const unlimited = 1000

// Pace spaces out the calls of one lane while its host comes back. Nothing is saved up: a lane that had nothing to send gets
// no burst for it. The zero Pace has begun nothing.
type Pace struct {
	last time.Time // when the last call began, or was to begin
	due  time.Time // what NextStart said last
}

// NextStart returns from when on a lane may begin its next call, as far as the host's coming back goes: its calls are as far
// apart as at a share of its known rate, in calls per second, that rises over Config.Ramp. Now, or an instant before it,
// means at once.
func (b *Breaker) NextStart(now time.Time, of Part, rate float64, lane *Pace) time.Time {
	now = b.see(now)
	lane.due = time.Time{}
	if b.forced != 0 || !(rate > 0) {
		return now
	}
	u := b.find(of)
	lane.due = u.nextStart(now, &b.cfg, known(rate), lane.last)
	if p := u.parts[of]; p != nil {
		lane.due = later(lane.due, p.nextStart(now, &b.cfg, known(rate), lane.last))
	}
	return later(now, lane.due)
}

func known(rate float64) float64 {
	if math.IsInf(rate, 1) {
		return unlimited
	}
	return rate
}

// Began notes that a call that NextStart allowed begins.
func (p *Pace) Began(now time.Time) { p.last = later(p.due, now.Add(-catchUp)) }

// nextStart solves, for the end of the gap x1, that the rate's share over the gap adds up to one call:
// rate * ∫ (s + k x) dx from x0 to x1 = 1, with x in seconds since the gate closed. Zero: there is no ramp.
func (g *gate) nextStart(now time.Time, c *Config, rate float64, last time.Time) time.Time {
	if g.share(now, c) >= 1 {
		return time.Time{}
	}
	ramp := c.Ramp.Seconds()
	k := (1 - firstShare) / ramp
	x0 := max(0, last.Sub(g.closedAt).Seconds())
	x1 := (math.Sqrt(firstShare*firstShare+2*k*(k/2*x0*x0+firstShare*x0+1/rate)) - firstShare) / k
	return g.closedAt.Add(time.Duration(math.Ceil(min(x1, ramp) * 1e9)))
}

// Ramping reports whether the host, or a part of it, may be coming back: if not, Share is 1 for all of them, and nothing has to
// be known of when their calls begin.
func (b *Breaker) Ramping(now time.Time) bool {
	return !b.back.IsZero() && b.see(now).Sub(b.back) < b.cfg.Ramp
}

// Share returns the part of its known rate that a part of the host may use now: 1 but while the host, or the part, comes
// back.
func (b *Breaker) Share(now time.Time, of Part) float64 {
	now = b.see(now)
	if b.forced != 0 {
		return 1
	}
	u := b.find(of)
	share := u.share(now, &b.cfg)
	if p := u.parts[of]; p != nil {
		share = min(share, p.share(now, &b.cfg))
	}
	return share
}
