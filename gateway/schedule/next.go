package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Plan is Next's answer; its slices are valid until Next is called again.
type Plan struct {
	Start   []Start // send these now
	Expired []Start // past their deadline: settle these without an attempt; they have no Permit
	// Passed are calls of those who stand in line: they begin now, and PassEnded says how they ended.
	Passed []Start
	// Cancelled were taken by a CancelFlow: settle these without an attempt; they have no Permit.
	Cancelled []Start
	Read      []Read    // fetch these windows and answer with ReadDone
	Recall    []string  // take up what is saved of these hosts and answer with Recalled
	Wake      time.Time // ask again then, unless something else happens first; zero: only when something happens
	Clock     ClockSet  // what is to be said of the clock
}

// Start is a webhook whose attempt begins now: in flight until Ended or Abandon, and live until Settled.
type Start struct {
	Queue   record.QueueID
	Lane    record.Lane
	Entry   record.Entry
	Content Content
	Permit  circuit.Permit
}

// Read asks for the next entries of a queue behind a position.
type Read struct {
	Host  string
	Queue record.QueueID
	After record.Position
	Limit int
}

// Next returns what may start now. It never returns more than fits the slots that are free.
func (s *Schedule) Next(now time.Time) *Plan { return s.NextOf(now, s.set.MaxInFlight) }

// NextOf returns what may start now as Next does, and starts at most so many webhooks, callers' calls included, and perhaps the
// rest of one lane's turn. What it leaves has its turn when it is asked again, for which there is no Wake.
func (s *Schedule) NextOf(now time.Time, most int) *Plan {
	p := &s.plan
	clear(p.Start) // let go of the payloads
	clear(p.Expired)
	clear(p.Cancelled)
	p.Passed = p.Passed[:0]
	p.Start, p.Expired, p.Cancelled = p.Start[:0], p.Expired[:0], p.Cancelled[:0]
	p.Read = p.Read[:0]
	p.Clock = s.lookAtClock(now)
	s.seen = now

	s.cancel(now, p)
	s.expire(now, p)
	s.endHopelessQueues(now, p)
	s.letHostsIn()
	s.forgetIdle(now)
	looking := s.evict(now)
	for l := s.asleep.first(); l != nil && !l.at.After(now); l = s.asleep.first() {
		s.giveTurn(l)
	}
	room := func() bool { return len(p.Start)+len(p.Passed) < most && s.free() > 0 }
	for room() && s.connected.len() > 0 {
		s.goOn(s.connected.pop(), now, p)
	}
	for room() && (s.runnable.len() > 0 || s.letIn(now)) {
		if l := s.nextInLine(); l != nil && s.visit(l, s.quantum(), now, p) {
			s.giveTurn(l)
		}
	}
	s.planReads(p)
	p.Recall = append(p.Recall[:0], s.toRecall...)
	s.toRecall = s.toRecall[:0]
	p.Wake = s.nextWake(now, looking)
	return p
}

// nextWake is the first instant at which there is something to do, as far as that is known; looking: evict has more to look at.
func (s *Schedule) nextWake(now time.Time, looking bool) (at time.Time) {
	room := s.free() > 0 // without it, what is to end waits for the end of a call
	if room && s.condemned.len() > 0 {
		return now
	}
	by := func(instant time.Time) {
		if at.IsZero() || instant.Before(at) {
			at = instant
		}
	}
	if l := s.asleep.first(); l != nil {
		by(l.at)
	}
	if g := s.shut.first(); g != nil {
		by(g.next)
	}
	if looking {
		by(now.Add(lookAgain))
	}
	if room && len(s.deadlines) > 0 {
		by(time.UnixMilli(s.deadlines[0].at + s.leap.by))
	}
	if s.leap.by != 0 {
		by(s.leap.until)
	} else if j := s.judged.first(); room && j != nil {
		by(j.at)
	}
	return at
}

// visit lets a lane start what it may, so many webhooks at most. It reports whether the lane wants another turn.
func (s *Schedule) visit(l *lane, most int, now time.Time, p *Plan) (again bool) {
	switch {
	case l.host.held:
		l.blocked, l.at = Held, time.Time{}
		return false
	case l.host.absent(): // Recalled wakes it
		l.blocked, l.at = Limit, time.Time{}
		return false
	}
	nowMs := now.UnixMilli()
	l.promote(nowMs)
	l.readmit(now)
	for range most {
		if s.free() <= 0 {
			return true
		}
		q := l.next(nowMs, s.set.Floor)
		if q == nil {
			s.rest(l, now)
			return false
		}
		if g := q.share.shutFor(now); g != nil {
			s.waitAt(g, q.share, now)
			continue
		}
		s.warmLane(l, now)
		if at, why := l.budget.ReadyAt(now); why != limiter.Ready {
			s.block(l, why, at, now)
			return false
		}
		if s.crowded(l.host, now) {
			s.keepOut(l, now)
			return false
		}
		permit, ok := l.allowed(q, now)
		if !ok {
			at, partial := l.allowedAt(q, now)
			if partial {
				l.setAside(q.share, at)
				continue
			}
			s.sleep(l, Breaker, at, now)
			l.bar()
			return false
		}
		l.budget.Start(now)
		start := s.take(l, q, now)
		start.Permit = permit
		if q.callers {
			delete(s.lined, start.Entry.ID)
			p.Passed = append(p.Passed, start)
			continue
		}
		p.Start = append(p.Start, start)
	}
	return true
}

// take moves the head of a queue from its window to the live webhooks.
func (s *Schedule) take(l *lane, q *queue, now time.Time) Start {
	e := q.window.pop()
	s.left(q, &e, inFlight)
	s.slotTaken(l.host, now)
	f := q.share.flow
	f.gate.pass(now)
	f.tenant.gate.pass(now)
	l.tookTurn(q, s.set.Floor, now.UnixMilli())
	s.letGo(q)
	s.refill(q)
	return Start{Queue: q.id, Lane: l.id, Entry: e.entry, Content: e.content}
}

// left notes that an entry has left its window: it is live until settled.
func (s *Schedule) left(q *queue, e *windowed, to itemState) {
	s.entries--
	s.handover -= e.content.size()
	s.newItem(q, &e.entry, to)
}

// block notes why a lane's budget holds it back.
func (s *Schedule) block(l *lane, why limiter.Reason, at, now time.Time) {
	switch why {
	case limiter.Pause:
		s.sleep(l, Pause, at, now)
	case limiter.Concurrency:
		l.blocked, l.at = Concurrency, time.Time{} // the end of an attempt wakes it
	default:
		s.sleep(l, Limit, at, now)
	}
}

// sleep puts a lane aside until an instant. Some instants are of the wall clock and some of the process's own; the
// latter is what all are compared by, so that setting the clock wakes nobody late.
func (s *Schedule) sleep(l *lane, why Reason, at, now time.Time) {
	l.blocked, l.at = why, now.Add(at.Sub(now))
	if l.place == inAsleep {
		s.asleep.moved(l)
		return
	}
	l.place = inAsleep
	s.asleep.push(l)
}
