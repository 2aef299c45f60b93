package schedule

import "github.com/sluice-gateway/sluice/persist/record"

// Behind is a queue of which the disk holds more than memory does.
type Behind struct {
	Host     string
	Queue    record.QueueID
	After    record.Position // what is on disk only stands behind it
	InMemory int
}

// Counts are how many webhooks wait in queues, in memory and on disk, where somebody counted them: what the schedule itself knows
// is what is in memory.
type Counts map[record.QueueID]int

// waiting is how many of a queue wait; more: there are, or may be, others on disk.
func (c Counts) waiting(q *queue) (n int, more bool) {
	if n, counted := c[q.id]; counted && q.more {
		return max(n, q.window.len()), false
	}
	return q.window.len(), q.more
}

// BehindOf returns the queues of a host of which the disk holds more, at most so many.
func (s *Schedule) BehindOf(host string, most int) (queues []Behind) {
	h := s.hosts[host]
	if h == nil {
		return nil
	}
	for _, l := range h.lanes.all {
		for q := range l.queues() {
			if q.more && len(queues) < most {
				queues = append(queues, q.behind())
			}
		}
	}
	return queues
}

// BehindOfFlow returns those of a flow, on all hosts.
func (s *Schedule) BehindOfFlow(name FlowName, most int) (queues []Behind) {
	f := s.flows[name]
	if f == nil {
		return nil
	}
	for _, sh := range f.shares {
		for _, q := range sh.queues {
			if q.more && len(queues) < most {
				queues = append(queues, q.behind())
			}
		}
	}
	return queues
}

func (q *queue) behind() Behind {
	b := Behind{Host: q.lane.id.Host, Queue: q.id, After: q.cursor, InMemory: q.window.len()}
	if q.search.stage == searchDisk {
		b.After = *q.searchedTo // what stands before it was taken to be cancelled, or is newer than that: the search is soon over
	}
	return b
}
