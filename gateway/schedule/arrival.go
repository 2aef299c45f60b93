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

// decoded is about what a decoded webhook takes of memory besides its body.
const decoded = 600

// size is what it takes of memory, about.
func (c *Content) size() int64 {
	n := len(c.Payload)
	if c.Webhook != nil {
		n += len(c.Webhook.Body) + decoded
	}
	return int64(n)
}

// Committed takes a webhook straight from its commit, when its queue has nothing before it on disk; otherwise the queue is marked
// as having more, so that a fresh webhook never overtakes the backlog. What is held leaves its payload on disk.
//
// A read of the store may have brought it already: then there is nothing to do.
func (s *Schedule) Committed(now time.Time, f *Fresh) {
	if s.live[f.Entry.ID] != nil {
		return
	}
	q := s.queues[f.ID]
	if q == nil {
		q = s.addQueue(f.ID, &f.Queue, now)
	}
	w := held{entry: f.Entry, content: f.Content}
	dueAtOnce(&w.entry, now)
	if s.handover+w.content.size() > s.set.MaxHandover || q.share.flow.stopped() || q.lane.host.held {
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
	if q.share.flow.cancel.running() {
		s.search(q)
	}
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
	ended, meanwhile := q.settledMeanwhile, q.meanwhile
	q.settledMeanwhile, q.meanwhile = nil, nil
	missed := func(e *held) { // a meanwhile entry that the disk will bring again
		s.entries--
		s.handover -= e.content.size()
	}
	if q.search.reading {
		for i := range meanwhile {
			missed(&meanwhile[i])
		}
		s.searchRead(q, now, entries, ended, failed)
		return
	}
	s.toCome -= q.readLimit
	if q.search.stage == searchWindow && !q.search.queued {
		q.search.queued = true
		s.searching.push(q)
	}
	if failed || q.stale {
		for i := range meanwhile {
			missed(&meanwhile[i])
		}
	} else {
		full := len(entries) == q.readLimit
		if q.arrived { // what lies behind the first entry that the read may have missed is read again
			entries = entries[:sort.Search(len(entries), func(i int) bool {
				return entries[i].Compare(q.arrivedAt) >= 0
			})]
		}
		q.window.reserve(len(entries) + len(meanwhile))
		for i := range entries {
			e := &entries[i]
			if _, gone := ended[e.Position]; gone || s.live[e.ID] != nil {
				continue
			}
			if h := (held{entry: *e}); q.window.insert(h) {
				dueAtOnce(&q.window.at(e.Position).entry, now)
				s.entries++
				s.watch(q, e)
			}
		}
		if n := len(entries); n > 0 {
			q.cursor = entries[n-1].Position
		}
		q.more = q.arrived || full
		for i := range meanwhile {
			e := &meanwhile[i]
			if q.more && q.cursor.Compare(e.entry.Position) < 0 || s.live[e.entry.ID] != nil || !q.window.insert(*e) {
				missed(e)
				continue
			}
			s.watch(q, &e.entry)
		}
	}
	s.reseat(q, now)
	s.refill(q)
	s.maybeIdle(q, now)
}

// dueAtOnce makes an entry due that was to go at once. It was given the store's instant, which never goes back, when
// it was accepted; the clock may have been set back since.
func dueAtOnce(e *record.Entry, now time.Time) {
	if ms := now.UnixMilli(); e.Due > ms && uint64(e.Due) == e.ID.Time() { //nolint:gosec // above now, so not negative
		e.Due = ms
	}
}

// offer puts a durable entry where it belongs and wakes its lane when that may let something start.
func (s *Schedule) offer(q *queue, w held, now time.Time) {
	s.busy(q)
	if q.share.flow.cancel.takes(w.entry.ID) {
		if _, there := q.window.find(w.entry.Position); !there { // a read may have brought it: then its search finds it
			s.condemn(q, w)
		}
		return
	}
	entries, payload := q.offer(w, s.windowFor(q))
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

func (s *Schedule) host(name string) *host {
	h := s.hosts[name]
	if h == nil {
		h = &host{name: name}
		s.hosts[name] = h
		s.looks.push(look{host: h}) // at the next Next, which has an instant
		s.comeBack(h)
	}
	return h
}

func (s *Schedule) lane(id record.Lane) *lane {
	l := s.lanes[id]
	if l == nil {
		h := s.host(id.Host)
		l = &lane{
			id: id, host: h,
			later: newIndexed(headsBefore, func(q *queue) *int { return &q.index }),
		}
		s.lanes[id] = l
		h.lanes = append(h.lanes, l)
	}
	return l
}

func (s *Schedule) addQueue(id record.QueueID, desc *record.Queue, now time.Time) *queue {
	l := s.lane(desc.Lane)
	sh := s.share(l, FlowName{desc.Tenant, desc.Flow}, desc.Priority)
	q := &queue{id: id, desc: *desc, ordered: desc.Ordered(), lane: l, share: sh}
	q.desc.Lane.Host, q.desc.Tenant, q.desc.Flow = l.host.name, sh.flow.name.Tenant, sh.flow.name.Flow // kept once, not per queue
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
	if q.idleSince.IsZero() {
		q.idleSince = now
		s.idle.push(q)
	}
}

// forgetIdle forgets queues that had nothing to do for a while.
func (s *Schedule) forgetIdle(now time.Time) {
	for s.idle.len() > 0 && now.Sub(s.idle.front().idleSince) >= keepIdle {
		q := s.idle.pop()
		q.idleSince = time.Time{}
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
	ls := slices.Clone(h.lanes)
	slices.SortFunc(ls, func(a, b *lane) int { return slices.Compare(a.id.Key[:], b.id.Key[:]) })
	return ls
}
