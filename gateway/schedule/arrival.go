package schedule

import (
	"slices"
	"sort"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Fresh is a webhook that was just committed.
type Fresh struct {
	Queue   record.Queue
	ID      record.QueueID
	Entry   record.Entry
	Content Content
}

// Content is what is sent, where memory has it. The schedule carries it and looks at its size only.
type Content struct {
	Payload []byte          // as stored; nil: read it from the store
	Webhook *record.Webhook // what it encodes; nil: decode it
}

// size is what it takes of memory, about.
func (c *Content) size() int64 {
	n := len(c.Payload)
	if c.Webhook != nil {
		n += len(c.Webhook.Body)
	}
	return int64(n)
}

// Committed takes a webhook straight from its commit, payload and all, when its queue has nothing before it on disk;
// otherwise the queue is marked as having more, so that a fresh webhook never overtakes the backlog.
func (s *Schedule) Committed(now time.Time, f *Fresh) {
	q := s.queues[f.ID]
	if q == nil {
		q = s.addQueue(f.ID, &f.Queue, now)
	}
	w := held{entry: f.Entry, content: f.Content}
	if s.handover+w.content.size() > s.set.MaxHandover {
		w.content = Content{}
	}
	s.offer(q, w, now)
}

// Found registers a queue that the store lists: all of it is on disk, behind mark.
func (s *Schedule) Found(now time.Time, id record.QueueID, desc *record.Queue, mark record.Position) {
	if s.queues[id] != nil {
		return
	}
	q := s.addQueue(id, desc, now)
	q.more, q.cursor = true, mark
	s.refill(q)
}

// ReadDone brings what a Read asked for. After a failed read the queue is read again.
func (s *Schedule) ReadDone(now time.Time, id record.QueueID, entries []record.Entry, failed bool) {
	q := s.queues[id]
	if q == nil || !q.reading {
		return
	}
	q.reading = false
	s.reading--
	ended := q.settledMeanwhile
	q.settledMeanwhile = nil
	if !failed && !q.stale {
		full := len(entries) == q.readLimit
		if q.arrived { // what lies behind the first entry that the read may have missed is read again
			entries = entries[:sort.Search(len(entries), func(i int) bool {
				return entries[i].Compare(q.arrivedAt) >= 0
			})]
		}
		for i := range entries {
			e := &entries[i]
			if at, gone := ended[e.ID]; gone && at == e.Position || s.live[e.ID] != nil {
				continue
			}
			if q.window.insert(held{entry: *e}) {
				s.entries++
				s.watch(q, e)
			}
		}
		if n := len(entries); n > 0 {
			q.cursor = entries[n-1].Position
		}
		q.more = q.arrived || full
	}
	s.reseat(q, now)
	s.refill(q)
	s.drop(q)
}

// offer puts a durable entry where it belongs and wakes its lane when that may let something start.
func (s *Schedule) offer(q *queue, w held, now time.Time) {
	entries, payload := q.offer(w, s.windowOf())
	s.entries += entries
	s.handover += payload
	s.watch(q, &w.entry)
	s.reseat(q, now)
	s.refill(q)
}

// reseat seats a queue by the head it has now.
func (s *Schedule) reseat(q *queue, now time.Time) {
	l := q.lane
	l.seat(q, now.UnixMilli())
	if l.place != inRunnable && !l.heldBack() {
		s.giveTurn(l)
	}
}

// Budget returns a lane's budget, as when its saved state is to be restored.
func (s *Schedule) Budget(now time.Time, id record.Lane) *limiter.Budget {
	return s.lane(id, now).budget
}

// Breaker returns a host's breaker.
func (s *Schedule) Breaker(name string) *circuit.Breaker { return s.host(name).breaker }

// Dialect returns what was learned of reading a host's headers.
func (s *Schedule) Dialect(name string) *limiter.Dialect { return &s.host(name).dialect }

func (s *Schedule) host(name string) *host {
	h := s.hosts[name]
	if h == nil {
		h = &host{name: name, breaker: s.set.Breaker(name)}
		s.hosts[name] = h
	}
	return h
}

func (s *Schedule) lane(id record.Lane, now time.Time) *lane {
	l := s.lanes[id]
	if l == nil {
		h := s.host(id.Host)
		l = &lane{
			id: id, host: h, budget: s.set.Budget(id, now), flows: map[flowKey]*flow{},
			later: newIndexed(headsBefore, func(q *queue) *int { return &q.index }),
		}
		s.lanes[id] = l
		h.lanes = append(h.lanes, l)
	}
	return l
}

func (s *Schedule) addQueue(id record.QueueID, desc *record.Queue, now time.Time) *queue {
	l := s.lane(desc.Lane, now)
	key := flowKey{desc.Tenant, desc.Flow, desc.Priority}
	f := l.flows[key]
	if f == nil {
		f = &flow{key: key}
		l.flows[key] = f
	}
	f.queues++
	q := &queue{id: id, desc: *desc, ordered: desc.Ordered(), lane: l, flow: f}
	s.queues[id] = q
	return q
}

// drop forgets a queue that has nothing left, and its flow with its last queue.
func (s *Schedule) drop(q *queue) {
	if !q.done() || q.place != qNowhere {
		return
	}
	delete(s.queues, q.id)
	delete(s.toMark, q)
	if q.wanted { // it is in unread; planReads passes over a queue without more
		q.more = false
	}
	if q.flow.queues--; q.flow.queues == 0 && !q.flow.inRing {
		delete(q.lane.flows, q.flow.key)
	}
}

// sorted returns the lanes of a host, always in the same order.
func (h *host) sorted() []*lane {
	ls := slices.Clone(h.lanes)
	slices.SortFunc(ls, func(a, b *lane) int { return slices.Compare(a.id.Key[:], b.id.Key[:]) })
	return ls
}
