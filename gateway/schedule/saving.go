package schedule

import (
	"bytes"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// markEvery is how many webhooks a queue settles before its mark is worth moving: reading over a few hundred deleted
// entries costs less than a write.
const markEvery = 512

func (s *Schedule) touch(l *lane) {
	if !l.dirty && l.budget != nil && l.budget.Revision() != l.saved {
		l.dirty = true
		s.changedLanes = append(s.changedLanes, l)
	}
}

func (s *Schedule) touchHost(h *host) {
	if !h.dirty {
		h.dirty = true
		s.changedHosts = append(s.changedHosts, h)
	}
}

// HostMemory is what outlives a host's time in memory.
type HostMemory struct {
	Breaker *circuit.Breaker
	Dialect *limiter.Dialect
	Held    bool // by an operator
	// HeldSince is zero where it is not held, or was by a release that did not say.
	HeldSince time.Time
}

// FlowMemory is what outlives a flow's time in memory; all zero: there is nothing to keep.
type FlowMemory struct {
	Held       bool      // by an operator
	HeldSince  time.Time // as of a HostMemory
	CancelUpTo record.ID // of a cancellation that is not done; zero: none
	Cancelled  int       // by it, so far
}

// Changed calls back for every lane, host and flow that may have something to save since the last call. With a nil Budget
// the lane, and with a nil Breaker the host, was forgotten, and what the store keeps of it is to be. Hosts that wait to leave do
// so then: what it calls back with is what Recalled is to find.
func (s *Schedule) Changed(
	lane func(record.Lane, *limiter.Budget), host func(string, HostMemory), flow func(FlowName, FlowMemory),
) {
	s.gone(lane, host)
	s.saveLanes(lane)
	s.saveHosts(host)
	for i, f := range s.changedFlows {
		f.dirty = false
		s.changedFlows[i] = nil
		m := FlowMemory{Held: f.held, HeldSince: f.heldSince}
		if f.cancel.running() {
			m.CancelUpTo, m.Cancelled = f.cancel.upTo, f.cancel.done
		}
		flow(f.name, m)
		s.forgetFlow(f)
	}
	s.changedFlows = s.changedFlows[:0]
}

// saveLanes calls back for the lanes that changed, but those of hosts of which what is saved is still to be read.
func (s *Schedule) saveLanes(each func(record.Lane, *limiter.Budget)) {
	s.changedLanes = slices.DeleteFunc(s.changedLanes, func(l *lane) bool {
		if l.host.absent() {
			return false
		}
		l.dirty, l.saved = false, l.budget.Revision()
		each(l.id, l.budget)
		return true
	})
}

// saveHosts does the same for hosts, after their lanes, and lets those leave that are to.
func (s *Schedule) saveHosts(each func(string, HostMemory)) {
	s.changedHosts = slices.DeleteFunc(s.changedHosts, func(h *host) bool {
		if h.absent() {
			return false
		}
		h.dirty, h.kept = false, true
		each(h.name, HostMemory{s.warmHost(h, s.seen).breaker, h.learned(), h.held, h.heldSince})
		if h.presence == leaving {
			s.depart(h)
		}
		return true
	})
}

// RestoreFlow brings back what Changed said of a flow. All flows are restored before the first queue is Found, and AllFound
// says that the last one was: only then can a cancellation be done.
func (s *Schedule) RestoreFlow(name FlowName, m FlowMemory) {
	f := s.flow(name)
	if m.Held && !f.held {
		s.hold(f, m.HeldSince)
	}
	if m.CancelUpTo != (record.ID{}) {
		f.cancel.upTo, f.cancel.done = m.CancelUpTo, m.Cancelled
		s.listing = true
	}
}

// Marks calls back for the queues that settled much since their last mark, with a position at or before which
// nothing of them is live.
func (s *Schedule) Marks(each func(host string, id record.QueueID, at record.Position)) {
	if len(s.toMark) == 0 {
		return
	}
	lowest := make(map[*queue]record.Position, len(s.toMark))
	for _, it := range s.live {
		q := it.queue
		if _, ok := s.toMark[q]; !ok {
			continue
		}
		if low, ok := lowest[q]; !ok || it.at.Compare(low) < 0 {
			lowest[q] = it.at
		}
	}
	for q := range s.toMark {
		delete(s.toMark, q)
		q.settledSinceMark = 0
		low, ok := lowest[q]
		if q.window.len() > 0 {
			if head := q.window.first().Position; !ok || head.Compare(low) < 0 {
				low, ok = head, true
			}
		}
		switch {
		case ok && q.more && q.cursor.Compare(low) < 0: // what is lowest was taken from the disk, behind others
			each(q.lane.id.Host, q.id, q.cursor)
		case ok:
			each(q.lane.id.Host, q.id, before(low))
		case q.more:
			each(q.lane.id.Host, q.id, q.cursor)
		default: // nothing is left of it
			each(q.lane.id.Host, q.id, q.lastSettled)
		}
	}
}

// before returns the greatest position below p.
func before(p record.Position) record.Position {
	if p.ID == (record.ID{}) {
		return record.Position{Rank: p.Rank - 1, ID: record.ID(bytes.Repeat([]byte{0xff}, len(p.ID)))}
	}
	for i := len(p.ID) - 1; i >= 0; i-- {
		p.ID[i]--
		if p.ID[i] != 0xff {
			break
		}
	}
	return p
}

// Dirty reports whether Changed or Marks would call back.
func (s *Schedule) Dirty() bool {
	return len(s.changedLanes)+len(s.changedHosts)+len(s.changedFlows)+len(s.goneLanes)+len(s.goneHosts)+len(s.toMark) > 0
}
