package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// host is what lanes of one destination share.
type host struct {
	name    string
	breaker *circuit.Breaker // nil: it would be as a new one is, see warm.go
	dialect *limiter.Dialect // how its headers are to be read, as learned; nil: nothing was
	lanes   lanes
	// barred are lanes that wait for what another lane of the host may set free: a probe's permit, a slot.
	barred    fifo[*lane]
	inFlight  int
	residence *residence // nil: no call was measured
	leap      *leap      // Schedule.leap
	heldSince time.Time  // zero: it is not, or by a release that did not say
	since     int64      // when it was first looked at, to be forgotten; Unix ms

	presence presence // in memory; away.go
	answers  bool     // its calls end soon, as far as is known; not when slow
	slow     bool     // they do not; its slots are counted in Schedule.slow
	outside  bool     // in Schedule.outside or outsideSlow
	held     bool     // by an operator
	dirty    bool
	kept     bool // the store may have something of it
	warm     bool // in Schedule.warm
	used     bool // since it was looked at there
}

// lane is one unit of a destination's limit, with the flows that want to use it.
//
// Invariant: a queue with something in its window is in exactly one of three places: among its share's ready queues
// (its head is due), in later (its head is due later), or in neither (an ordered queue with one in flight, or one whose
// window is being searched for what was cancelled).
type lane struct {
	id      record.Lane
	host    *host
	budget  *limiter.Budget // nil: it would be as a new one is, see warm.go
	shares  shares
	classes [3]*class        // by priority: high, normal, low; nil: no share of it ever waited
	seated  uint64           // shares seated, ever
	later   *indexed[*queue] // by when their head is due; nil: none ever waited for that

	inFlight int
	saved    uint64 // the budget's revision that was saved last

	pace  *circuit.Pace // while the host comes back; nil: it did not yet
	aside *asideShares  // nil: none ever was
	begun *tally        // nil: no call
	at    time.Time     // when to look again, while blocked for a time
	index int           // in Schedule.asleep

	passedOver int32 // places in Schedule.runnable that it has left
	wentOn     uint8 // webhooks that it started in its last turn after the first

	place   place
	blocked Reason // why the last visit ended
	dirty   bool   // its budget's state has to be saved
	barred  bool   // in host.barred
}

// place says which of the schedule's structures holds a lane.
type place uint8

const (
	nowhere place = iota
	inRunnable
	inAsleep
)

// bar lets the lane wait for the host.
func (l *lane) bar() {
	if !l.barred {
		l.barred = true
		l.host.barred.push(l)
	}
}

// next returns the queue whose turn it is, nil when nothing is due. It changes nothing that a second call would see.
func (l *lane) next(nowMs int64, floor float64) *queue {
	for {
		c := l.turnOf(floor)
		if c == nil {
			return nil
		}
		sh := c.shares.first()
		q := sh.ready.front()
		if q.window.len() > 0 && l.host.leap.dueMs(q.window.first(), nowMs) <= nowMs && !q.searched() && !(q.ordered && q.flying > 0) {
			return q
		}
		// Its head expired, was cancelled or taken out of turn; or one of an earlier rank with a later due time took its
		// place, which takes a clock set back.
		sh.ready.pop()
		if sh.ready.len() == 0 {
			l.withdraw(sh)
		}
		q.place = qNowhere
		l.seat(q, nowMs)
	}
}

// seat puts a queue where its head belongs.
func (l *lane) seat(q *queue, nowMs int64) {
	if q.place == qReady {
		return
	}
	if q.window.len() == 0 || (q.ordered && q.flying > 0) || q.searched() {
		l.unwait(q)
		return
	}
	q.headDue = l.host.leap.dueMs(q.window.first(), nowMs)
	if q.headDue > nowMs {
		if q.place == qLater {
			l.later.moved(q)
			return
		}
		q.place = qLater
		if l.later == nil {
			h := newIndexed(headsBefore, func(q *queue) *int { return &q.index })
			l.later = &h
		}
		l.later.push(q)
		return
	}
	l.unwait(q)
	q.place = qReady
	q.share.ready.push(q)
	l.enter(q.share)
}

func (l *lane) unwait(q *queue) {
	if q.place == qLater {
		l.later.remove(q)
		q.place = qNowhere
	}
}

// promote moves queues whose head has become due among the ready ones.
func (l *lane) promote(nowMs int64) {
	for q := l.firstLater(); q != nil && q.headDue <= nowMs; q = l.firstLater() {
		l.seat(q, nowMs)
	}
}

// firstLater returns the queue whose head is due first of those whose head is due later; nil: there is none.
func (l *lane) firstLater() *queue {
	if l.later == nil {
		return nil
	}
	return l.later.first()
}

// nextDue returns when the next head of the lane becomes due.
func (l *lane) nextDue() (time.Time, bool) {
	q := l.firstLater()
	if q == nil {
		return time.Time{}, false
	}
	return time.UnixMilli(q.headDue), true
}

// heldBack reports whether only time, or the end of an attempt, can let the lane go on: new work changes nothing.
func (l *lane) heldBack() bool {
	if l.host.absent() {
		return true
	}
	switch l.blocked {
	case Limit, Pause, Breaker:
		return l.place == inAsleep
	case Concurrency:
		return l.inFlight > 0
	case Held:
		return l.host.held
	}
	return false
}

// hasWork reports whether any share of the lane has something due, or will.
func (l *lane) hasWork() bool {
	if l.firstLater() != nil {
		return true
	}
	for _, c := range l.classes {
		if c.waits() {
			return true
		}
	}
	return false
}
