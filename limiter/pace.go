package limiter

import (
	"math"
	"time"
)

// rate is the pace at an instant, in calls per second.
func (b *Budget) rate(t tick) float64 {
	r, _ := b.pace(t)
	return r
}

// pace is the rate at an instant and the word for what it comes from.
func (b *Budget) pace(t tick) (perSecond float64, from string) {
	if b.cfg.Fixed > 0 {
		return b.cfg.Fixed, "fixed"
	}
	told, sure := b.told(t, false)
	own, found := b.own(t)
	switch {
	case b.explore.exploring() && own < told && !(b.explore.capped && b.shared(t)),
		!b.explore.exploring() && !sure && own < told,
		math.IsInf(told, 1):
		perSecond, from = own, found
	default:
		perSecond, from = told, "window"
	}
	switch {
	case perSecond > b.cfg.Ceiling:
		return b.cfg.Ceiling, "ceiling"
	case math.IsInf(perSecond, 1):
		return perSecond, "unlimited"
	}
	return perSecond, from
}

// own is the pace that the lane found by itself, and the word for how.
func (b *Budget) own(t tick) (perSecond float64, from string) {
	perSecond, from = b.explore.pace(t), "start"
	if b.explore.exploring() {
		from = "refusals"
	}
	if trip := b.trip.typical(); b.calls.base > 0 && trip > 0 {
		if most := b.calls.pace() / trip.Seconds(); most < perSecond {
			return most, "refusals"
		}
	}
	return perSecond, from
}

// told is the pace that the destination's windows, and those configured, allow; sure: it stands without being tried out. alone: without
// what others seem to use just now.
func (b *Budget) told(t tick, alone bool) (perSecond float64, sure bool) {
	perSecond = math.Inf(1)
	if b.toldRate > 0 {
		perSecond, sure = b.toldRate*b.cfg.Share, true
	}
	for _, w := range b.windows {
		p := w.pace(t, b.trip.varies())
		if alone && w.per > 0 && w.shared(t) {
			p = max(p, w.all())
		}
		if !w.configured() {
			p = max(p, slowestTold)
		}
		perSecond = min(perSecond, p)
		sure = sure || w.confirmed() && w.per > 0 && (w.declared() || w.limit > 1)
	}
	return perSecond, sure
}

// shared reports whether others use a window of the lane, so that refusals say nothing of its own pace.
func (b *Budget) shared(t tick) bool {
	for _, w := range b.windows {
		if w.shared(t) {
			return true
		}
	}
	return false
}

// surelyTold is the pace that is told for sure, 0 when there is none. alone: as for told.
func (b *Budget) surelyTold(t tick, alone bool) float64 {
	if p, sure := b.told(t, alone); sure && !math.IsInf(p, 1) {
		return min(p, b.cfg.Ceiling)
	}
	return 0
}

// callsPerRefusal is how many calls a refusal is worth: the more, the more the destination tells, but fewer for short
// windows, whose edges cannot be known as well.
func (b *Budget) callsPerRefusal() float64 {
	calls := float64(callsUntold)
	for _, w := range b.windows {
		switch {
		case w.per >= shortWindow:
			return callsTold
		case w.per > 0 || w.vague() && w.limit > 1: // of one call at a time nothing is told then
			calls = callsToldShort
		}
	}
	return calls
}

// shortWindow is the least length of a window that is not short.
const shortWindow = 10 * time.Second
