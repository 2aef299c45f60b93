package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// A cancellation ends all that was accepted of a flow up to an id, without an attempt, and takes what it is to end from
// wherever that is: from windows, from disk, out of the hands of commits and retries. It is not paced, but one Next gives
// out a bounded number, and no more are held in memory than a few reads bring.

// cancellation is what of a flow is to end.
type cancellation struct {
	upTo  record.ID // everything at or before it; zero: nothing
	done  int       // ended so, since it began
	found int       // taken and not yet durably ended, and those that were in flight when it began
	// searching counts the queues of the flow that may still have something to be cancelled.
	searching int
}

func (c *cancellation) running() bool { return c.upTo != record.ID{} }

// takes reports whether a webhook is to be cancelled.
func (c *cancellation) takes(id record.ID) bool { return c.running() && id.Compare(c.upTo) <= 0 }

// search is how far a queue has been searched for what is to be cancelled.
type search struct {
	stage   searchStage
	queued  bool // in Schedule.searching
	reading bool // the queue's read under way is the search's
}

type searchStage uint8

const (
	noSearch searchStage = iota
	searchWindow
	searchDisk
)

// searched reports whether the queue's window is yet to be searched: until then nothing of it starts.
func (q *queue) searched() bool { return q.search.stage == searchWindow }

const (
	cancelledAtOnce = 256  // given out by one Next: each is read and settled like any other
	maxCondemned    = 1024 // beyond so many that wait to be given out nothing more is searched
	searchedAtOnce  = 1024 // entries of one read
)

// condemned is an entry that was taken to be cancelled.
type condemned struct {
	item *item
	held windowed
}

// CancelFlow ends everything of a flow that was accepted at or before upTo and is not in flight, waiting in memory or on
// disk, as Plan.Cancelled; what is in flight ends so too unless its attempt ends it. What was accepted later goes on. It
// goes on over a restart (see Changed), and is seen in Flow until it is done.
func (s *Schedule) CancelFlow(_ time.Time, name FlowName, upTo record.ID) {
	f := s.flow(name)
	if upTo.Compare(f.cancel.upTo) <= 0 {
		return
	}
	if !f.cancel.running() {
		f.cancel.done = 0
	}
	f.cancel.upTo = upTo
	for id, it := range s.live {
		if it.queue.share.flow == f && !it.doomed && f.cancel.takes(id) {
			it.doomed = true
			f.cancel.found++
		}
	}
	for _, sh := range f.shares {
		for _, q := range sh.queues {
			s.search(q)
		}
	}
	s.touchFlow(f)
	s.maybeCancelled(f)
}

// search has a queue searched, from its beginning.
func (s *Schedule) search(q *queue) {
	if q.search.stage == noSearch {
		q.share.flow.cancel.searching++
	}
	q.search.stage = searchWindow
	if !q.search.queued && q.read == nil { // else the read's end continues it
		q.search.queued = true
		s.searching.push(q)
	}
}

// cancel takes what is to be cancelled and gives out as much as there is room for.
func (s *Schedule) cancel(now time.Time, p *Plan) {
	for s.searching.len() > 0 && s.condemned.len() < maxCondemned {
		q := s.searching.front()
		if q.search.stage == searchDisk && s.reading >= maxReading {
			break
		}
		s.searching.pop()
		q.search.queued = false
		s.searchOn(q, now, p)
	}
	for len(p.Cancelled) < cancelledAtOnce && s.free() > 0 && s.condemned.len() > 0 {
		c := s.condemned.pop()
		s.move(c.item, unsettled)
		q := c.item.queue
		p.Cancelled = append(p.Cancelled, Start{Queue: q.id, Lane: q.lane.id, Entry: c.held.entry, Content: c.held.content})
	}
}

// searchOn searches the window of a queue, or has the next part of it read.
func (s *Schedule) searchOn(q *queue, now time.Time, p *Plan) {
	if q.search.stage == searchDisk {
		q.read, q.search.reading = new(reading), true
		s.reading++
		p.Read = append(p.Read, Read{Host: q.lane.id.Host, Queue: q.id, After: *q.searchedTo, Limit: searchedAtOnce})
		return
	}
	for i := 0; i < q.window.len(); {
		if !q.share.flow.cancel.takes(q.window.entry(i).ID) {
			i++
			continue
		}
		e := q.window.remove(i)
		s.entries--
		s.handover -= e.content.size()
		s.condemn(q, e)
	}
	switch {
	case q.read != nil: // it may bring more; ReadDone has the window searched again
		return
	case !q.more:
		s.searchedAll(q, now)
		return
	}
	after := q.cursor
	q.search.stage, q.searchedTo, q.search.queued = searchDisk, &after, true
	s.searching.push(q)
	s.reseat(q, now)
}

// searchRead takes what a search's read brought.
func (s *Schedule) searchRead(q *queue, now time.Time, entries []record.Entry, settled map[record.Position]struct{}, failed bool) {
	q.search.reading = false
	if q.search.stage == searchDisk && !failed {
		for i := range entries {
			e := &entries[i]
			if _, gone := settled[e.Position]; gone || s.live[e.ID] != nil {
				continue
			}
			if q.share.flow.cancel.takes(e.ID) {
				s.condemn(q, windowed{entry: *e})
			}
		}
		if len(entries) < searchedAtOnce {
			s.searchedAll(q, now)
			return
		}
		*q.searchedTo = entries[len(entries)-1].Position
	}
	q.search.queued = true
	s.searching.push(q)
}

// searchedAll notes that nothing that is to be cancelled is left in a queue but what was taken.
func (s *Schedule) searchedAll(q *queue, now time.Time) {
	q.search.stage, q.searchedTo = noSearch, nil
	s.reseat(q, now)
	s.refill(q)
	s.maybeIdle(q, now)
	f := q.share.flow
	f.cancel.searching--
	s.maybeCancelled(f)
}

// condemn takes an entry that is neither live nor in its window any more.
func (s *Schedule) condemn(q *queue, e windowed) {
	s.condemned.push(condemned{s.newItem(q, &e.entry, waitsToEnd), e})
}

// doomedSettled notes that what a cancellation waited for is durable; over: its life is.
func (s *Schedule) doomedSettled(it *item, over bool) {
	f := it.queue.share.flow
	f.cancel.found--
	if !over {
		return // it comes back, and is taken
	}
	if it.ending {
		f.cancel.done++
		s.touchFlow(f)
	}
	s.maybeCancelled(f)
}

// maybeCancelled ends a cancellation when nothing is left of it to do.
func (s *Schedule) maybeCancelled(f *flow) {
	if f.cancel.running() && f.cancel.searching == 0 && f.cancel.found == 0 && !s.listing {
		f.cancel.upTo = record.ID{}
		s.touchFlow(f)
	}
}

// AllFound says that every queue that has something waiting was Found, or will be Committed to.
func (s *Schedule) AllFound() {
	s.listing = false
	for _, f := range s.flows {
		s.maybeCancelled(f)
	}
}
