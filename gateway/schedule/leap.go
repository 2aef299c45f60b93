package schedule

import (
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Some instants are of the wall clock: a send_at, an expires_at, the next try of what failed. Nobody can tell whether a clock
// that was set forward is right now, or was before, and what was sent too soon or has expired stays so. So what such a leap alone
// makes due, or puts past its deadline, is neither sent nor ended for a while, in which a wrong clock is noticed and set back;
// then the clock is believed. A machine that slept tells so, and its clock is believed at once. A virtual one that was stopped does
// not: all its clocks stood still, and then its wall clock was set, which is as doubtful as when anybody else sets it.

const (
	// leastLeap is by how much a clock is set that is not only kept right.
	leastLeap = time.Minute
	// leapPatience is how long a leap is held against the clock.
	leapPatience = 10 * time.Minute
	// leastAsked is how far the clock must be ahead for it to be worth knowing how long the machine slept.
	leastAsked = time.Second
)

// leap is one that is not believed yet.
type leap struct {
	by    int64     // ms; 0: there is none
	to    int64     // what the clock showed behind it, Unix ms
	until time.Time // when it is believed
}

// ClockSet says that the wall clock was set.
type ClockSet struct {
	By time.Duration // forward, or below 0 back; 0: it was not
	// Until is until when what a leap forward alone makes due or lets expire is held; zero: nothing is held any more.
	Until time.Time
}

// lookAtClock notices that the clock was set since the last Next, and when a leap has stood for long enough.
func (s *Schedule) lookAtClock(now time.Time) (c ClockSet) {
	l := &s.leap
	if s.seen.IsZero() {
		s.sleptSeen = s.slept
		return c
	}
	by, slept := s.clockSet(now)
	s.sleptSeen += slept
	if slept >= leastLeap {
		s.goByClock(now)
	}
	switch {
	case by >= leastLeap:
		*l = leap{by: l.by + by.Milliseconds(), to: s.seen.Add(by).UnixMilli(), until: now.Add(leapPatience)}
		return ClockSet{by, l.until}
	case by <= -leastLeap:
		c.By = by
		if l.by += by.Milliseconds(); l.by >= leastLeap.Milliseconds() {
			l.to += by.Milliseconds()
			c.Until = l.until
			return c
		}
	case l.by == 0 || now.UnixMilli() < l.until.UnixMilli():
		return c
	default:
		c.By = time.Duration(l.by) * time.Millisecond
	}
	s.believe(now)
	return c
}

// AsksForSleep reports whether MachineSlept is to be told before Next and Ahead are asked at an instant: the wall clock went ahead of
// the monotonic one since the last Next, or there was none.
func (s *Schedule) AsksForSleep(now time.Time) bool {
	return s.seen.IsZero() || s.wentAhead(now) >= leastAsked
}

// MachineSlept tells for how long the machine has slept since it was started, which the monotonic clock does not count. One of which
// that is never told does not sleep.
func (s *Schedule) MachineSlept(total time.Duration) { s.slept = total }

// wentAhead returns by how much the wall clock went ahead of the monotonic one since the last Next; below 0: it fell behind.
func (s *Schedule) wentAhead(now time.Time) time.Duration {
	return now.Round(0).Sub(s.seen.Round(0)) - now.Sub(s.seen)
}

// clockSet returns by how much the wall clock was set since the last Next, and how long the machine slept meanwhile.
func (s *Schedule) clockSet(now time.Time) (by, slept time.Duration) {
	slept = s.slept - s.sleptSeen
	return s.wentAhead(now) - slept, slept
}

// Leap returns the one that is not believed yet; zero: there is none.
func (s *Schedule) Leap() ClockSet {
	return ClockSet{time.Duration(s.leap.by) * time.Millisecond, s.leap.until}
}

// Ahead returns by how much the wall clock is ahead of what is believed, one that was set since the last Next, too.
func (s *Schedule) Ahead(now time.Time) time.Duration {
	ahead := s.Leap().By
	if by, _ := s.clockSet(now); !s.seen.IsZero() && by.Abs() >= leastLeap {
		ahead += by
	}
	return max(ahead, 0)
}

// believe ends a leap, or goes by a clock that was set back.
func (s *Schedule) believe(now time.Time) {
	s.leap = leap{}
	s.goByClock(now)
}

// goByClock looks at what waits for an instant by the clock as it is.
func (s *Schedule) goByClock(now time.Time) {
	for _, h := range s.hosts {
		for _, l := range h.lanes.all {
			if l.later == nil {
				continue
			}
			for _, q := range slices.Clone(l.later.all) {
				s.reseat(q, now)
			}
		}
	}
}

// over reports whether an instant was leapt over: the clock would not have shown it yet.
func (l *leap) over(at, nowMs int64) bool { return nowMs-l.by < at && at <= l.to }

// dueMs is from when on an entry may start, as Unix ms: when it is due, but for what a leap holds.
func (l *leap) dueMs(e *record.Entry, nowMs int64) int64 {
	due := dueMs(e, nowMs)
	if l.by == 0 {
		return due
	}
	until := l.until.UnixMilli()
	if l.over(due, nowMs) && uint64(due) != e.ID.Time() { //nolint:gosec // not negative
		due = min(due+l.by, until)
	}
	if e.Expires != 0 && nowMs-l.by < e.Expires && e.Expires <= nowMs {
		due = max(due, until)
	}
	return due
}

// holds reports whether a leap holds an entry.
func (l *leap) holds(e *record.Entry, nowMs int64) bool {
	return l.by != 0 && l.dueMs(e, nowMs) > dueMs(e, nowMs)
}
