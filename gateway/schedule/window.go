package schedule

import (
	"sort"

	"github.com/sluice-gateway/sluice/persist/record"
)

// queue is one queue of the store and the part of it that is in memory.
//
// Invariant: every live entry of the queue at or before cursor (all of them when !more) is in the window, or live in
// the schedule (in flight or unsettled). What stands behind the cursor is on disk only.
type queue struct {
	id      record.QueueID
	lane    *lane
	share   *share
	inShare int // its place in share.queues

	window window
	cursor record.Position
	read   *reading // the read that is under way; nil: none

	flying int // in flight or unsettled

	headDue int64
	index   int // in lane.later

	settledSinceMark int
	lastSettled      record.Position

	search search // for what was cancelled
	// retreat counts how often the cursor went back, and how often something behind it was settled: while it stands still,
	// what stands behind the cursor has stood there all the while.
	retreat uint64

	judgement *judgement // when it is looked at for what is hopeless; nil: it is not

	place   queuePlace
	ordered bool
	callers bool // of calls that others make, in memory only: see Line
	more    bool
	wanted  bool // in Schedule.unread
	busy    bool // it counts in its share's busy
	idle    bool // in Schedule.idle
}

// reading is a read of a queue that is under way, and what happened since it began. Queues are many and those that are read
// few, so that it is not part of them.
type reading struct {
	limit     int
	stale     bool                         // it began behind a cursor that has moved back since
	arrived   bool                         // entries were left on disk since: it may have missed them,
	arrivedAt record.Position              // and this is the first of them
	settled   map[record.Position]struct{} // where stood what was settled since: it may bring them back
	meanwhile []windowed                   // entries left on disk, and kept in memory too, since
}

// desc is what the queue is of, but for its ordering key.
func (q *queue) desc() record.Queue {
	f := q.share.flow.name
	return record.Queue{Lane: q.lane.id, Tenant: f.Tenant, Flow: f.Flow, Priority: q.share.priority}
}

type queuePlace uint8

const (
	qNowhere queuePlace = iota
	qReady
	qLater
)

// offer takes an entry that is durable: into the window where it belongs there, else it is left to the disk, and the
// cursor will come to it. It returns by how much the window's entries and payload bytes changed.
func (q *queue) offer(e windowed, capacity int) (entries int, payload int64) {
	if q.more && q.cursor.Compare(e.entry.Position) < 0 {
		r := q.read
		if r == nil {
			return 0, 0
		}
		if !r.arrived && len(r.meanwhile) < capacity {
			r.meanwhile = append(r.meanwhile, e)
			return 1, e.content.size()
		}
		if at := e.entry.Position; !r.arrived || at.Compare(r.arrivedAt) < 0 {
			r.arrived, r.arrivedAt = true, at
		}
		return 0, 0
	}
	if !q.window.insert(e) {
		return 0, 0
	}
	entries, payload = 1, e.content.size()
	for q.window.len() > capacity {
		last := q.window.dropLast()
		entries--
		payload -= last.content.size()
		q.more = true
		if q.read != nil {
			q.read.stale = true
		}
		q.cursor = q.window.last().entry.Position
		q.retreat++
	}
	return entries, payload
}

// headsBefore orders queues that wait by when their head is due.
func headsBefore(a, b *queue) bool {
	if a.headDue != b.headDue {
		return a.headDue < b.headDue
	}
	return a.window.first().entry.Compare(b.window.first().entry.Position) < 0
}

// done reports whether nothing of the queue is left to do.
func (q *queue) done() bool {
	return q.window.len() == 0 && !q.more && q.read == nil && q.flying == 0 && q.place == qNowhere && q.search.stage == noSearch
}

// windowed is an entry in a window, with what is to be sent when that was handed over.
type windowed struct {
	entry   record.Entry
	content Content
}

// window is a queue's entries in memory, in (rank, id) order.
type window struct {
	entries []windowed
	head    int
}

func (w *window) len() int         { return len(w.entries) - w.head }
func (w *window) first() *windowed { return &w.entries[w.head] }
func (w *window) last() *windowed  { return &w.entries[len(w.entries)-1] }

func (w *window) pop() windowed {
	e := w.entries[w.head]
	w.entries[w.head] = windowed{}
	w.head++
	if w.head == len(w.entries) {
		w.entries, w.head = w.entries[:0], 0
	}
	return e
}

// reserve makes room for so many more, and no more than that: windows are many.
func (w *window) reserve(n int) {
	if n <= cap(w.entries)-len(w.entries) {
		return
	}
	entries := make([]windowed, w.len(), w.len()+n)
	copy(entries, w.entries[w.head:])
	w.entries, w.head = entries, 0
}

// remove takes out the i-th entry.
func (w *window) remove(i int) windowed {
	if i == 0 {
		return w.pop()
	}
	e := w.entries[w.head+i]
	copy(w.entries[w.head+i:], w.entries[w.head+i+1:])
	w.dropLast()
	return e
}

func (w *window) dropLast() windowed {
	n := len(w.entries) - 1
	e := w.entries[n]
	w.entries[n] = windowed{}
	w.entries = w.entries[:n]
	return e
}

// insert puts an entry in its place, nearly always the end; false when it was there already.
func (w *window) insert(e windowed) bool {
	if w.head > 32 && w.head > len(w.entries)/2 {
		n := copy(w.entries, w.entries[w.head:])
		clear(w.entries[n:])
		w.entries, w.head = w.entries[:n], 0
	}
	if w.len() == 0 || w.last().entry.Compare(e.entry.Position) < 0 {
		w.entries = append(w.entries, e)
		return true
	}
	at := w.head + sort.Search(w.len(), func(i int) bool {
		return w.entries[w.head+i].entry.Compare(e.entry.Position) >= 0
	})
	if w.entries[at].entry.ID == e.entry.ID {
		return false
	}
	w.entries = append(w.entries, windowed{})
	copy(w.entries[at+1:], w.entries[at:])
	w.entries[at] = e
	return true
}

// at returns the entry at a position that the window holds.
func (w *window) at(p record.Position) *windowed {
	i, _ := w.find(p)
	return &w.entries[w.head+i]
}

// find returns the place of an entry in the window, from 0.
func (w *window) find(p record.Position) (int, bool) {
	i := sort.Search(w.len(), func(i int) bool { return w.entries[w.head+i].entry.Compare(p) >= 0 })
	return i, i < w.len() && w.entries[w.head+i].entry.ID == p.ID
}
