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
	breaker *circuit.Breaker
	dialect limiter.Dialect // how its headers are to be read, as learned
	lanes   []*lane
	// barred are lanes that wait for what another lane of the host may set free: a probe's permit, a slot.
	barred   fifo[*lane]
	inFlight int
	dirty    bool
}

// lane is one unit of a destination's limit, with the flows that want to use it.
//
// Invariant: a queue with something in its window is in exactly one of three places: among its flow's ready queues
// (its head is due), in later (its head is due later), or in neither (an ordered queue with one in flight).
type lane struct {
	id      record.Lane
	host    *host
	budget  *limiter.Budget
	flows   map[flowKey]*flow
	classes [3]class        // by priority: high, normal, low
	later   indexed[*queue] // by when their head is due

	inFlight int
	dirty    bool   // its budget's state has to be saved
	saved    uint64 // the budget's revision that was saved last
	barred   bool   // in host.barred
	queues   map[record.QueueID]*queue

	place   place
	at      time.Time // when to look again, while blocked for a time
	index   int       // in Schedule.due
	blocked Reason    // why the last visit ended
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

// flow is one caller's stream within a lane, at one priority.
type flow struct {
	key    flowKey
	queues int          // alive
	ready  fifo[*queue] // whose head is due
	inRing bool
}

type flowKey struct {
	tenant, flow string
	priority     record.Priority
}

// class holds the flows of one priority that have something due, in turn.
type class struct {
	ring fifo[*flow]
	// passed counts the turns that higher classes took while this one had something due.
	passed int
}

// floor is how many turns the classes above may take before a lower one that waits gets one: 10 % for it.
const floor = 9

func (l *lane) class(p record.Priority) *class { return &l.classes[p-record.High] }

// next returns the queue whose turn it is, nil when nothing is due. It changes nothing that a second call would see.
func (l *lane) next(nowMs int64) *queue {
	for {
		c := l.turnOf()
		if c == nil {
			return nil
		}
		f := c.ring.front()
		q := f.ready.front()
		if q.window.len() > 0 && q.window.first().entry.Due <= nowMs {
			return q
		}
		// Its head expired; or one of an earlier rank with a later due time took its place, which takes a clock set back.
		f.ready.pop()
		l.seatFlow(c)
		q.place = qNowhere
		l.seat(q, nowMs)
	}
}

// turnOf picks the class whose turn it is: the highest, unless a lower one was passed over too often.
func (l *lane) turnOf() *class {
	var top *class
	for i := range l.classes {
		c := &l.classes[i]
		if c.ring.len() == 0 {
			c.passed = 0
			continue
		}
		if top == nil {
			top = c
		} else if c.passed >= floor {
			return c
		}
	}
	return top
}

// tookTurn moves a queue whose head was taken, and its flow, behind the others.
func (l *lane) tookTurn(q *queue, nowMs int64) {
	f := q.flow
	c := l.class(f.key.priority)
	c.passed = 0
	for p := f.key.priority + 1; p <= record.Low; p++ {
		if below := l.class(p); below.ring.len() > 0 {
			below.passed++
		}
	}
	f.ready.pop()
	q.place = qNowhere
	l.seat(q, nowMs)
	l.seatFlow(c)
}

// seatFlow moves the flow at the front of a class's ring to its end, or out of it when nothing of it is due.
func (l *lane) seatFlow(c *class) {
	f := c.ring.pop()
	if f.ready.len() > 0 {
		c.ring.push(f)
		return
	}
	f.inRing = false
}

// seat puts a queue where its head belongs.
func (l *lane) seat(q *queue, nowMs int64) {
	if q.place == qReady {
		return
	}
	if q.window.len() == 0 || (q.ordered && q.flying > 0) {
		l.unwait(q)
		return
	}
	q.headDue = q.window.first().entry.Due
	if q.headDue > nowMs {
		if q.place == qLater {
			l.later.moved(q)
			return
		}
		q.place = qLater
		l.later.push(q)
		return
	}
	l.unwait(q)
	q.place = qReady
	q.flow.ready.push(q)
	if !q.flow.inRing {
		q.flow.inRing = true
		l.class(q.flow.key.priority).ring.push(q.flow)
	}
}

func (l *lane) unwait(q *queue) {
	if q.place == qLater {
		l.later.remove(q)
		q.place = qNowhere
	}
}

// promote moves queues whose head has become due among the ready ones.
func (l *lane) promote(nowMs int64) {
	for q := l.later.first(); q != nil && q.headDue <= nowMs; q = l.later.first() {
		l.seat(q, nowMs)
	}
}

// nextDue returns when the next head of the lane becomes due.
func (l *lane) nextDue() (time.Time, bool) {
	q := l.later.first()
	if q == nil {
		return time.Time{}, false
	}
	return time.UnixMilli(q.headDue), true
}

// heldBack reports whether only time, or the end of an attempt, can let the lane go on: new work changes nothing.
func (l *lane) heldBack() bool {
	switch l.blocked {
	case Limit, Pause, Breaker:
		return l.place == inAsleep
	case Concurrency:
		return l.inFlight > 0
	}
	return false
}
