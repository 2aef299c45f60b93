package schedule

import (
	"sort"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Of every queue only a window is in memory. How large it may be falls as the room for entries runs out, which divides the room
// among however many queues want it (as slots.go does with slots): one queue alone has Settings.Window, ten thousand have
// some dozen entries each.

const (
	// windowPart is which part of the room that is left one window may be.
	windowPart = 16
	// minWindow is what each queue has however many there are: the reads of ever smaller windows would be most of the work.
	minWindow = 4
)

// windowOf is how many entries a queue may keep in memory just now.
func (s *Schedule) windowOf() int {
	return min(s.set.Window, max(minWindow, (s.set.MaxEntries-s.entries-s.toCome)/windowPart))
}

// windowFor is how many a certain queue may. Where room is short, what is held needs none for more than its first.
func (s *Schedule) windowFor(q *queue) int {
	n := s.windowOf()
	if n == minWindow && (q.lane.host.held || q.share.flow.stopped()) {
		return 1
	}
	return n
}

// refill asks for more of a queue when its window runs low.
func (s *Schedule) refill(q *queue) {
	if !q.more || q.read != nil || q.wanted || q.search.stage != noSearch || q.window.len() > s.windowFor(q)/4 {
		return
	}
	q.wanted = true
	s.unread.push(q)
}

// planReads asks for the windows of queues that ran low, a bounded number at a time.
func (s *Schedule) planReads(p *Plan) {
	for s.reading < maxReading && s.unread.len() > 0 {
		q := s.unread.pop()
		q.wanted = false
		if !q.more || q.read != nil || q.search.stage != noSearch {
			continue
		}
		limit := s.windowFor(q) - q.window.len()
		if limit <= 0 {
			continue
		}
		q.read = &reading{limit: limit}
		s.reading++
		s.toCome += limit
		p.Read = append(p.Read, Read{Host: q.lane.id.Host, Queue: q.id, After: q.cursor, Limit: limit})
	}
}

// ReadDone brings what a Read asked for. After a failed read the queue is read again.
func (s *Schedule) ReadDone(now time.Time, id record.QueueID, entries []record.Entry, failed bool) {
	q := s.queues[id]
	if q == nil || q.read == nil {
		return
	}
	r := q.read
	q.read = nil
	s.reading--
	missed := func(e *windowed) { // a meanwhile entry that the disk will bring again
		s.entries--
		s.handover -= e.content.size()
	}
	if q.search.reading {
		for i := range r.meanwhile {
			missed(&r.meanwhile[i])
		}
		s.searchRead(q, now, entries, r.settled, failed)
		return
	}
	s.toCome -= r.limit
	if q.search.stage == searchWindow && !q.search.queued {
		q.search.queued = true
		s.searching.push(q)
	}
	if failed || r.stale {
		for i := range r.meanwhile {
			missed(&r.meanwhile[i])
		}
	} else {
		full := len(entries) == r.limit
		if r.arrived { // what lies behind the first entry that the read may have missed is read again
			entries = entries[:sort.Search(len(entries), func(i int) bool {
				return entries[i].Compare(r.arrivedAt) >= 0
			})]
		}
		q.window.reserve(len(entries) + len(r.meanwhile))
		for i := range entries {
			e := &entries[i]
			if _, gone := r.settled[e.Position]; gone || s.live[e.ID] != nil {
				continue
			}
			if q.window.insert(windowed{entry: *e}) {
				s.entries++
				s.watch(q, e)
			}
		}
		if n := len(entries); n > 0 {
			q.cursor = entries[n-1].Position
		}
		q.more = r.arrived || full
		for i := range r.meanwhile {
			e := &r.meanwhile[i]
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

// letGo lets go of the memory of an empty window that grew when there was room.
func (s *Schedule) letGo(q *queue) {
	if q.window.len() == 0 && cap(q.window.entries) > s.windowOf() {
		q.window = window{}
	}
}
