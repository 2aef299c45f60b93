package limiter

import (
	"slices"
	"time"
)

// Rest is what keeps a budget worth having while nobody asks for calls.
type Rest uint8

// How a budget may stand.
const (
	Counting Rest = iota // a call is in flight, a pause or a window holds what was sent, or it was used a short while ago
	Learned              // nothing counts any more, but it has windows, or was refused: a Snapshot tells all of it
	Blank                // from now on it would do as a new one
)

// Rest tells how a budget stands, and lets go of memory that only calls of long ago took. A Blank budget has kept nothing but
// measurements that a new one makes with its first calls: round trips, and how calls at once came and went.
func (b *Budget) Rest(now time.Time) Rest {
	t := b.tick(now)
	if b.inFlight > 0 || b.pause.until > t || t-b.started.began <= idle {
		return Counting
	}
	blank := b.explore.rate >= b.cfg.Start && b.unlimited()
	for _, w := range b.windows {
		w.permits.advance(t)
		if w.permits.used > 0 || w.ledger.until > t {
			return Counting
		}
		if w.permits.trim(t-longTrips*b.trip.typical()) == 0 {
			w.permits.ring = nil
		}
	}
	if blank {
		return Blank
	}
	return Learned
}

// unlimited reports whether no call has taught the budget of a limit.
func (b *Budget) unlimited() bool {
	return !b.pause.probing && len(b.windows) == 0 && b.toldRate == 0 && !b.explore.exploring() &&
		b.calls.base == 0 && min(b.calls.limit, b.calls.start) == min(b.calls.start, b.calls.most) && b.calls.sound <= b.calls.start
}

// Untaught reports whether a new budget would do as well from now on as this one, however lately it was used: it has heard of no
// limit, its rate is the one it began with, and its next call may begin. As with a Blank one, measurements are made anew.
func (b *Budget) Untaught(now time.Time) bool {
	t := b.tick(now)
	return b.inFlight == 0 && b.pause.until <= t && b.explore.rate == b.cfg.Start && b.unlimited() &&
		(!b.pacer.limited() || b.pacer.due() <= t)
}

// Silence is for how long no call has begun, of which the budget knows.
func (b *Budget) Silence(now time.Time) time.Duration { return b.tick(now) - b.started.began }

// AtRest reports whether nothing of what a snapshot tells counts any more: the budget was used a while ago, and neither a pause
// nor a window holds.
func (s *Snapshot) AtRest(now time.Time) bool {
	ms := now.UnixMilli()
	return now.Sub(time.UnixMilli(s.At)) > idle && s.Pause <= ms && !slices.ContainsFunc(s.Windows, func(w SavedWindow) bool {
		return w.Until > ms || slices.ContainsFunc(w.Used, func(u SavedSlot) bool { return u.Until > ms })
	})
}
