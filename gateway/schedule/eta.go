package schedule

import (
	"math"
	"time"
)

// When a webhook's turn comes is reckoned from how the lane stands just now: what is known to wait, the pace, the weights. It is
// what a person is told, and no decision hangs on it.

// farthest is how far ahead an instant is worth telling.
const farthest = 366 * 24 * time.Hour

// eta is about when the i-th in a queue's window begins, from 0, if everything stays as it is; zero: that cannot be said.
func (s *Schedule) eta(now time.Time, q *queue, i int) time.Time {
	l, sh := q.lane, q.share
	ahead := sh.ahead(q, i)
	begin := now
	if l.place == inAsleep && l.blocked != Due && l.at.After(begin) {
		begin = l.at
	}
	at, ok := after(begin, float64(l.turnsBefore(sh, ahead, s.set.Floor)), l.drain(now))
	if !ok {
		return time.Time{}
	}
	for _, g := range []*flowGate{&sh.flow.gate, &sh.flow.tenant.gate} {
		if g.rate <= 0 {
			continue
		}
		opens := now
		if g.next.After(now) {
			opens = g.next
		}
		if gated, _ := after(opens, float64(ahead), g.rate); gated.After(at) {
			at = gated
		}
	}
	if due := time.UnixMilli(l.host.leap.dueMs(q.window.entry(i), now.UnixMilli())); due.After(at) {
		return due
	}
	return at
}

// after is when n calls have begun, so many a second, from an instant on; false: too far away to be told.
func after(begin time.Time, n, perSecond float64) (time.Time, bool) {
	if n == 0 {
		return begin, true
	}
	seconds := n / perSecond
	if !(seconds < farthest.Seconds()) || math.IsInf(perSecond, 1) { // NaN too
		return time.Time{}, false
	}
	return begin.Add(time.Duration(seconds * float64(time.Second))), true
}

// ahead is how many of a share go before the i-th of one of its queues: its queues take turns, a webhook each.
func (sh *share) ahead(q *queue, i int) int {
	n := i
	for _, other := range sh.queues {
		if other != q && other.place == qReady {
			n += min(other.window.len(), i)
		}
	}
	return n
}

// waiting is how many of a share are in memory; more: there are, or may be, others on disk.
func (sh *share) waiting() (n int, more bool) {
	for _, q := range sh.queues {
		n += q.window.len()
		more = more || q.more
	}
	return n, more
}

// turnsBefore is how many calls of a lane go before the one of a share that has so many of its own before it: the other shares
// of its class have turns by their weights as long as they have something waiting, and the other classes by the floor.
func (l *lane) turnsBefore(sh *share, ahead int, floor float64) int {
	n := float64(ahead)
	mine := l.class(sh.priority)
	total := n
	for _, other := range mine.shares.all {
		if other != sh {
			total += other.upTo((n + 0.5) * other.flow.weight / sh.flow.weight) // whose turn it is just now is half a turn, about
		}
	}
	own := total
	higher := true
	for _, c := range l.classes {
		switch c {
		case nil:
			continue
		case mine:
			higher = false
			continue
		}
		each := own * floor / (1 - floor)
		if higher {
			each = (own + 1) * (1 - floor) / floor // the first has to wait for the floor to add up to a turn
		}
		waiting := 0.0
		for _, other := range c.shares.all {
			if waiting += other.upTo(each); waiting >= each {
				break
			}
		}
		total += math.Min(waiting, each)
	}
	return int(math.Min(math.Ceil(total-rounding), math.MaxInt32))
}

// upTo is how many calls a share has for so many turns.
func (sh *share) upTo(turns float64) float64 {
	n, more := sh.waiting()
	if more {
		return turns
	}
	return math.Min(turns, float64(n))
}

// drain is how many calls a second a lane begins while it has something due: at its pace, or where that is more, as calls end.
// +Inf where neither is known.
func (l *lane) drain(now time.Time) float64 {
	perSecond := l.budget.Rate(now)
	if r := l.host.residence; r != nil && r.ended >= 1 && r.seconds+r.recent > 0 {
		perSecond = math.Min(perSecond, float64(l.budget.View(now).Concurrency)*r.ended/(r.seconds+r.recent))
	}
	return perSecond
}

// drainsAt is about when nothing of a lane waits any more, at its present pace and its flows' own rates; false where that cannot be said: the disk holds
// more than is counted, or no pace is known.
func (l *lane) drainsAt(now time.Time, waiting int, more bool, counted Counts) (time.Time, bool) {
	if waiting == 0 && !more {
		return now, true
	}
	if more {
		return time.Time{}, false
	}
	begin := now
	if l.place == inAsleep && l.at.After(begin) {
		begin = l.at
	}
	at, ok := after(begin, float64(waiting), l.drain(now))
	for q := range l.queues() {
		n := 0
		for _, of := range q.share.queues {
			here, _ := counted.waiting(of)
			n += here
		}
		for _, g := range [...]*flowGate{&q.share.flow.gate, &q.share.flow.tenant.gate} {
			if g.rate <= 0 || !ok {
				continue
			}
			var gated time.Time
			if gated, ok = after(now, float64(n), g.rate); gated.After(at) {
				at = gated
			}
		}
	}
	return at, ok
}
