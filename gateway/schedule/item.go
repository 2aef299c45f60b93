package schedule

import "github.com/sluice-gateway/sluice/persist/record"

// item is a webhook that was taken from its window. It stays known until what became of it is durable, so that a read
// of its queue does not bring it back and no mark passes over it.
type item struct {
	at    record.Position
	queue *queue
	size  int64 // bytes of its payload
	state itemState
	// doomed: a cancellation of its flow takes it. ending: it was taken for that, and its end is the cancellation's doing.
	doomed, ending bool
}

type itemState uint8

const (
	taken      itemState = iota
	waitsToEnd           // it is to be cancelled: Next will give it out
	inFlight             // an attempt is under way: it holds a slot
	unsettled            // what became of it is on its way to the store
	abandoned            // its attempt was never made and never will be, by this process
	settled
)

// newItem notes an entry that was taken.
func (s *Schedule) newItem(q *queue, e *record.Entry, to itemState) *item {
	it := &item{at: e.Position, queue: q, size: int64(e.Size)}
	s.live[e.ID] = it
	if f := q.share.flow; f.cancel.takes(e.ID) {
		it.doomed, it.ending = true, to == waitsToEnd
		f.cancel.found++
	}
	s.move(it, to)
	return it
}

// move takes an item to another state, and keeps every count of items.
func (s *Schedule) move(it *item, to itemState) {
	if it.state == taken {
		it.queue.flying++
	}
	s.count(it, -1)
	it.state = to
	s.count(it, 1)
	if to == settled {
		it.queue.flying--
	}
}

// count adds n to the counts that an item in its state is part of.
func (s *Schedule) count(it *item, n int) {
	switch it.state {
	case inFlight:
		l := it.queue.lane
		s.inFlight += n
		l.inFlight += n
		l.host.inFlight += n
		if l.host.slow {
			s.slow += n
		}
		it.queue.share.flow.gate.inFlight += n
	case unsettled:
		s.unsettled += n
	default:
		return
	}
	s.bytes += int64(n) * it.size
}

// free returns how many more webhooks may be taken from their windows.
func (s *Schedule) free() int {
	if s.bytes >= s.set.MaxBytes {
		return 0
	}
	return min(s.set.MaxInFlight-s.inFlight, s.set.MaxUnsettled-s.unsettled)
}
