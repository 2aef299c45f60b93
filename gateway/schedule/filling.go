package schedule

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
	if !q.more || q.reading || q.wanted || q.search.stage != noSearch || q.window.len() > s.windowFor(q)/4 {
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
		if !q.more || q.reading || q.search.stage != noSearch {
			continue
		}
		limit := s.windowFor(q) - q.window.len()
		if limit <= 0 {
			continue
		}
		q.reading, q.stale, q.arrived = true, false, false
		q.readLimit = limit
		s.reading++
		s.toCome += limit
		p.Read = append(p.Read, Read{Host: q.desc.Lane.Host, Queue: q.id, After: q.cursor, Limit: limit})
	}
}

// letGo lets go of the memory of an empty window that grew when there was room.
func (s *Schedule) letGo(q *queue) {
	if q.window.len() == 0 && cap(q.window.entries) > s.windowOf() {
		q.window = window{}
	}
}
