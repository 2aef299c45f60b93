package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// One webhook may be taken out of turn, to be ended or to be tried at another time. Who wants it has read it from the
// store: between that and the taking it may have moved. What is in memory is seen here; what is on disk is where it was read
// if nothing of its queue can have been brought into memory and out again meanwhile, which is what a Sight is for.

// Sight is how a queue stood before something of it was read from the store. The zero value is of an unknown queue.
type Sight struct {
	queue   *queue
	retreat uint64
}

// Look returns how a queue stands; to be asked before what is to be taken is read.
func (s *Schedule) Look(id record.QueueID) Sight {
	q := s.queues[id]
	if q == nil {
		return Sight{}
	}
	return Sight{q, q.retreat}
}

// Taking is what came of wanting a webhook.
type Taking uint8

// What comes of it.
const (
	Taken    Taking = iota // it is out of the queue, unsettled: settle it without an attempt
	InFlying               // an attempt is under way
	Settling               // what became of it is on its way to the store
	Moved                  // it is not where it was read, or may not be: read it again
)

// Sending reports whether an attempt for a webhook is under way.
func (s *Schedule) Sending(id record.ID) bool {
	it := s.live[id]
	return it != nil && it.state == inFlight
}

// Live reports whether an attempt for a webhook is under way, or what became of it is on its way to the store.
func (s *Schedule) Live(id record.ID) bool { return s.live[id] != nil }

// Take takes a webhook that the store has live as e, read after Look, out of its turn: from its queue's window, or from
// disk behind it. Taken, it is like one that expired: it has no permit, holds no slot, and is live until Settled.
func (s *Schedule) Take(now time.Time, id record.QueueID, e *record.Entry, before Sight) (Start, Taking) {
	if it := s.live[e.ID]; it != nil {
		if it.state == inFlight {
			return Start{}, InFlying
		}
		return Start{}, Settling
	}
	q := s.queues[id]
	if q == nil {
		return Start{}, Moved // it was accepted, or was settled, and that is yet to be heard of
	}
	if i, ok := q.window.find(e.Position); ok {
		h := q.window.remove(i)
		s.left(q, &h, unsettled)
		s.reseat(q, now)
		s.refill(q)
		return Start{Queue: q.id, Lane: q.lane.id, Entry: h.entry, Content: h.content}, Taken
	}
	onDisk := q.more && q.cursor.Compare(e.Position) < 0
	if !onDisk || before != s.Look(id) {
		return Start{}, Moved
	}
	s.dropMeanwhile(q, e.ID)
	s.newItem(q, e, unsettled)
	return Start{Queue: q.id, Lane: q.lane.id, Entry: *e}, Taken
}

// dropMeanwhile forgets an entry that is kept for when the read under way ends.
func (s *Schedule) dropMeanwhile(q *queue, id record.ID) {
	r := q.read
	if r == nil {
		return
	}
	for i := range r.meanwhile {
		if h := &r.meanwhile[i]; h.entry.ID == id {
			s.entries--
			s.handover -= h.content.size()
			r.meanwhile = append(r.meanwhile[:i], r.meanwhile[i+1:]...)
			return
		}
	}
}
