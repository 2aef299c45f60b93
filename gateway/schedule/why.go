package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Reason says why something waits; the words are part of the API.
type Reason string

// The reasons. Idle is a lane's that has nothing due and nothing waiting for a time.
const (
	Idle        Reason = ""
	Due         Reason = "due"         // not before an instant
	Limit       Reason = "limit"       // the destination's limit
	Pause       Reason = "pause"       // the destination asked to be left alone
	Breaker     Reason = "breaker"     // the host fails
	Concurrency Reason = "concurrency" // enough calls are under way
	Turn        Reason = "turn"        // others are before it
	Ordering    Reason = "ordering"    // the one before it under its ordering key
	Held        Reason = "held"        // an operator holds its flow or its host, or its flow is suspended
	InFlight    Reason = "sending"     // it does not wait
)

// Waiting is why one webhook waits.
type Waiting struct {
	Reason Reason
	Until  time.Time // zero: not known
	// Position is how many of its flow go before it in its lane, when it is in memory; else -1, and at least Before do.
	Position, Before int
	// About is when its turn comes if everything stays as it is: pace, pauses, weights and what waits; zero: that cannot be said.
	About time.Time
	// Budget is the lane's as it stands: its windows and pause say the details. Breaker is what the webhook meets of the
	// host's, which, with Partial, is that of its part of the host alone.
	Budget  limiter.View
	Breaker circuit.View
	Partial bool
	// Leap is by how much the clock was set forward, where Until is when that is believed, or the clock would have shown the instant
	// that it waits for.
	Leap time.Duration
	// Gate is the rule of its own flow or tenant that it waits for, where that is what Reason is about.
	Gate GateView
}

// Why says why a live webhook waits. An entry that is not in memory waits its turn behind those that are.
func (s *Schedule) Why(now time.Time, desc *record.Queue, e *record.Entry) Waiting {
	w := Waiting{Reason: Turn, Position: -1}
	if it := s.live[e.ID]; it != nil && it.state == inFlight {
		w.Reason = InFlight
		return w
	}
	l, f := s.findLane(desc.Lane), s.flows[FlowName{desc.Tenant, desc.Flow}]
	if l == nil {
		return w
	}
	s.warmLane(l, now)
	w.Budget = l.budget.View(now)
	w.Breaker, w.Partial = l.host.breaker.Holding(now, circuit.Part{Key: l.id.Key, Tenant: desc.Tenant})
	q := s.lined[e.ID]
	if q == nil {
		q = s.queues[desc.ID()]
	}
	place := -1 // in its queue
	if q != nil {
		if i, ok := q.window.find(e.Position); ok {
			place, w.Position = i, q.share.ahead(q, i)
		} else {
			w.Before, _ = q.share.waiting()
		}
	}
	if l.host.held || f != nil && f.stopped() {
		w.Reason = Held
		return w
	}
	if place >= 0 {
		w.About = s.eta(now, q, place)
	}
	w.Reason, w.Until = s.reason(now, l, q, place)
	if q != nil && q.share.gate != nil {
		w.Gate = q.share.shutBy()
	}
	nowMs := now.UnixMilli()
	if due := time.UnixMilli(s.leap.dueMs(e, nowMs)); due.After(now) && (w.Until.IsZero() || due.After(w.Until)) {
		w.Reason, w.Until = Due, due
		if s.leap.holds(e, nowMs) {
			w.Leap = time.Duration(s.leap.by) * time.Millisecond
		}
	}
	return w
}

// reason is why what is due waits in a lane that nobody holds: in a queue, nil where it is on disk alone, at a place of its
// window, -1 where it is in none.
func (s *Schedule) reason(now time.Time, l *lane, q *queue, place int) (why Reason, until time.Time) {
	switch {
	case q != nil && q.share.gate != nil:
		return q.share.gate.reason(now)
	case q != nil && q.ordered && (place != 0 || q.flying > 0):
		return Ordering, time.Time{}
	case q != nil && q.share.aside:
		return Breaker, l.aside.until
	case l.blocked == Limit && place != 0: // those behind the first wait for more than the lane's next call
		return Limit, time.Time{}
	case l.blocked == Limit || l.blocked == Pause || l.blocked == Breaker:
		return l.blocked, l.at
	case l.blocked == Concurrency || s.free() <= 0:
		return Concurrency, time.Time{}
	}
	return Turn, time.Time{}
}

// HostView is a host as it stands.
type HostView struct {
	Host string
	Held bool // by an operator
	// HeldSince is since when; zero: it is not held, or nobody knows.
	HeldSince time.Time
	Breaker   circuit.View
	Lanes     []LaneView
}

// LaneView is a lane as it stands. Waiting counts what is in memory, and what was counted on disk; More says that the disk holds
// more than that.
type LaneView struct {
	Key      record.Digest
	Budget   limiter.View
	Blocked  Reason
	Until    time.Time
	Gate     GateView // where it is idle because a flow's or a tenant's own rule keeps back what waits: the first one's
	InFlight int
	Waiting  int
	More     bool
	Oldest   record.ID // the first accepted of those next in their queues; zero: none
	Achieved float64   // calls a second, of the last seconds
	Drains   time.Time // about when nothing waits any more at the present pace; zero: that cannot be said
}

// HostNames calls back with every host that something is known of, in no order.
func (s *Schedule) HostNames(each func(string)) {
	for name := range s.hosts {
		each(name)
	}
}

// Host returns one host as it stands, by what is in memory; false when nothing is known of it.
func (s *Schedule) Host(now time.Time, name string) (HostView, bool) {
	return s.HostCounted(now, name, nil)
}

// HostCounted is Host, by what was counted on disk, too.
func (s *Schedule) HostCounted(now time.Time, name string, counted Counts) (HostView, bool) {
	h := s.hosts[name]
	if h == nil {
		return HostView{}, false
	}
	s.warmHost(h, now)
	for _, l := range h.lanes.all {
		s.warmLane(l, now)
	}
	return h.view(now, counted), true
}

func (h *host) view(now time.Time, counted Counts) HostView {
	v := HostView{Host: h.name, Held: h.held, HeldSince: h.heldSince, Breaker: h.breaker.View(now)}
	for _, l := range h.sorted() {
		v.Lanes = append(v.Lanes, l.view(now, counted))
	}
	return v
}

func (l *lane) view(now time.Time, counted Counts) LaneView {
	v := LaneView{Key: l.id.Key, Budget: l.budget.View(now), Blocked: l.blocked, InFlight: l.inFlight, Achieved: l.begun.rate(now)}
	if l.place == inAsleep {
		v.Until = l.at
	}
	for q := range l.queues() {
		n, more := counted.waiting(q)
		v.Waiting += n
		v.More = v.More || more
		if g := q.share.gate; g != nil && v.Blocked == Idle && v.Gate == (GateView{}) {
			v.Gate = q.share.shutBy()
			_, v.Until = g.reason(now)
		}
		if q.window.len() == 0 {
			continue
		}
		if id := q.window.first().ID; v.Oldest == (record.ID{}) || id.Compare(v.Oldest) < 0 {
			v.Oldest = id
		}
	}
	v.Drains, _ = l.drainsAt(now, v.Waiting, v.More, counted)
	return v
}

// InFlight returns how many attempts are under way.
func (s *Schedule) InFlight() int { return s.inFlight }

// Unsettled returns how many ended and are not durable yet.
func (s *Schedule) Unsettled() int { return s.unsettled }

// InMemory returns how many entries the windows hold.
func (s *Schedule) InMemory() int { return s.entries }
