package schedule

import (
	"time"

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
		q = s.addQueue(f.ID, &f.Queue)
	}
	w := windowed{entry: f.Entry, content: f.Content}
	if s.handover+w.content.size() > s.set.MaxHandover || q.share.flow.stopped() || q.lane.host.held {
		w.content = Content{}
	}
	s.offer(q, w, now)
}

// Found registers a queue that the store lists: all of it is on disk, behind mark.
func (s *Schedule) Found(id record.QueueID, desc *record.Queue, mark record.Position) {
	if s.queues[id] != nil {
		return
	}
	q := s.addQueue(id, desc)
	q.more, q.cursor = true, mark
	if q.share.flow.cancel.running() {
		s.search(q)
	}
	s.refill(q)
}

// dueMs is from when on an entry may start, as Unix ms. One that was to go at once may already: it was given the store's instant,
// which never goes back, when it was accepted, and the clock may have been set back since, once or again and again.
func dueMs(e *record.Entry, nowMs int64) int64 {
	if e.Due > nowMs && uint64(e.Due) == e.ID.Time() { //nolint:gosec // above now, so not negative
		return nowMs
	}
	return e.Due
}

// offer puts a durable entry where it belongs and wakes its lane when that may let something start.
func (s *Schedule) offer(q *queue, w windowed, now time.Time) {
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
