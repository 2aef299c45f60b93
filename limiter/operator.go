package limiter

import "time"

// Resume ends a pause at once, as when an operator knows better than the destination's last refusal. What was learned
// of its limits stays, and so do its windows: the next call begins when those allow it.
func (b *Budget) Resume(now time.Time) {
	t := b.tick(now)
	b.pause = pause{cutAt: t} // refusals of calls that are on their way do not bring it back
	b.pacer.set(t, b.rate(t))
	b.revision++
}

// Forget makes the lane what it was before its first response: at its start, under its configuration. Calls in flight
// still count, and configured windows remember the calls that were made.
func (b *Budget) Forget(now time.Time) {
	t := b.tick(now)
	fresh := New(b.cfg, now)
	fresh.base, fresh.last = b.base, t
	fresh.explore.origin, fresh.explore.good.from, fresh.explore.second = t, t, t
	fresh.pause.cutAt = t
	fresh.inFlight, fresh.started, fresh.trip = b.inFlight, b.started, b.trip
	fresh.windows = fresh.windows[:0]
	for _, w := range b.windows {
		if w.configured() {
			fresh.windows = append(fresh.windows, w)
		}
	}
	fresh.revision = b.revision + 1
	fresh.pacer.empty(t)
	*b = *fresh
}
