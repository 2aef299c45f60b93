package schedule

import (
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Budget returns a lane's budget, as when its saved state is to be restored.
func (s *Schedule) Budget(now time.Time, id record.Lane) *limiter.Budget {
	return s.warmLane(s.lane(id), now).budget
}

// Breaker returns a host's breaker, as when its saved state is to be restored.
func (s *Schedule) Breaker(name string) *circuit.Breaker {
	h := s.host(name)
	h.kept = true
	return s.warmHost(h, s.seen).breaker
}

// Dialect returns what was learned of reading a host's headers.
func (s *Schedule) Dialect(name string) *limiter.Dialect { return s.host(name).learned() }

// host returns a host, known or new.
func (s *Schedule) host(name string) *host {
	h := s.hosts[name]
	if h == nil {
		h = &host{name: name, leap: &s.leap}
		s.hosts[name] = h
		s.looks.push(look{host: h}) // at the next Next, which has an instant
		s.comeBack(h)
	}
	return h
}

// lane returns a lane, known or new.
func (s *Schedule) lane(id record.Lane) *lane {
	h := s.host(id.Host)
	l := h.lanes.find(id.Key)
	if l == nil {
		l = &lane{id: id, host: h}
		h.lanes.add(l)
	}
	return l
}

// addQueue makes a queue known that has something to do.
func (s *Schedule) addQueue(id record.QueueID, desc *record.Queue) *queue {
	l := s.lane(desc.Lane)
	sh := s.share(l, FlowName{desc.Tenant, desc.Flow}, desc.Priority)
	q := &queue{id: id, ordered: desc.Ordered(), lane: l, share: sh}
	sh.join(q)
	s.queues[id] = q
	s.busy(q)
	return q
}

// keepIdle is how long a queue with nothing to do is remembered: one that is used again and again is not made anew each
// time, and gets its marks.
const keepIdle = time.Minute

// maybeIdle notes that a queue may be forgotten after a while, if nothing is left to do for it.
func (s *Schedule) maybeIdle(q *queue, now time.Time) {
	if !q.done() {
		return
	}
	s.idleNow(q)
	if !q.idle {
		q.idle = true
		s.idle.push(idleQueue{q, now})
	}
}

// idleQueue is a queue that had nothing to do at an instant.
type idleQueue struct {
	queue *queue
	since time.Time
}

// forgetIdle forgets queues that had nothing to do for a while.
func (s *Schedule) forgetIdle(now time.Time) {
	for s.idle.len() > 0 && now.Sub(s.idle.front().since) >= keepIdle {
		q := s.idle.pop().queue
		q.idle = false
		if !q.done() {
			continue
		}
		if _, marked := s.toMark[q]; marked {
			s.maybeIdle(q, now) // its mark first
			continue
		}
		delete(s.queues, q.id)
		s.leave(q)
	}
}

// sorted returns the lanes of a host, always in the same order.
func (h *host) sorted() []*lane {
	ls := slices.Clone(h.lanes.all)
	slices.SortFunc(ls, func(a, b *lane) int { return slices.Compare(a.id.Key[:], b.id.Key[:]) })
	return ls
}
