package schedule

import "github.com/sluice-gateway/sluice/persist/record"

// item is a webhook that was taken from its window. It stays known until what became of it is durable, so that a read
// of its queue does not bring it back and no mark passes over it.
type item struct {
	at    record.Position
	queue *queue
	size  int64 // bytes of its payload
	state itemState
}

type itemState uint8

const (
	taken     itemState = iota
	inFlight            // an attempt is under way: it holds a slot
	unsettled           // what became of it is on its way to the store
	abandoned           // its attempt was never made and never will be, by this process
	settled
)

// move takes an item to another state, and keeps every count of items.
func (s *Schedule) move(it *item, to itemState) {
	l := it.queue.lane
	switch it.state {
	case taken:
		s.bytes += it.size
		it.queue.flying++
	case inFlight:
		s.inFlight--
		l.inFlight--
		l.host.inFlight--
	case unsettled:
		s.unsettled--
	}
	switch to {
	case inFlight:
		s.inFlight++
		l.inFlight++
		l.host.inFlight++
	case unsettled:
		s.unsettled++
	case abandoned:
		s.bytes -= it.size
	case settled:
		s.bytes -= it.size
		it.queue.flying--
	}
	it.state = to
}

// free returns how many more webhooks may be taken from their windows.
func (s *Schedule) free() int {
	if s.bytes >= s.set.MaxBytes {
		return 0
	}
	return min(s.set.MaxInFlight-s.inFlight, s.set.MaxUnsettled-s.unsettled)
}

// crowded reports whether a host has its share of the slots: the last quarter is for hosts that hold less than one.
func (s *Schedule) crowded(h *host) bool {
	quarter := s.set.MaxInFlight / 4
	return h.inFlight >= quarter && s.set.MaxInFlight-s.inFlight <= quarter
}
