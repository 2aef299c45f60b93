package schedule

import (
	"slices"
	"sort"

	"github.com/sluice-gateway/sluice/persist/record"
)

// queue is one queue of the store and the part of it that is in memory.
//
// Invariant: every live entry of the queue at or before cursor (all of them when !more) is in the window, or live in
// the schedule (in flight or unsettled). What stands behind the cursor is on disk only.
type queue struct {
	id    record.QueueID
	lane  *lane
	share *share

	window window
	cursor record.Position
	read   *reading // the read that is under way; nil: none

	headDue int64
	index   int // in lane.later

	lastSettled record.Position
	searchedTo  *record.Position // for what was cancelled, on disk; set by searchDisk
	// retreat counts how often the cursor went back, and how often something behind it was settled: while it stands still,
	// what stands behind the cursor has stood there all the while.
	retreat uint64

	judgement *judgement // when it is looked at for what is hopeless; nil: it is not

	inShare          int32 // its place in share.queues
	flying           int32 // in flight or unsettled
	settledSinceMark int32

	search  search // for what was cancelled
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
		q.cursor = q.window.last().Position
		q.retreat++
	}
	return entries, payload
}

// headsBefore orders queues that wait by when their head is due.
func headsBefore(a, b *queue) bool {
	if a.headDue != b.headDue {
		return a.headDue < b.headDue
	}
	return a.window.first().Compare(b.window.first().Position) < 0
}

// done reports whether nothing of the queue is left to do.
func (q *queue) done() bool {
	return q.window.len() == 0 && !q.more && q.read == nil && q.flying == 0 && q.place == qNowhere && q.search.stage == noSearch
}

// windowed is an entry of a window, with what is to be sent when that was handed over.
type windowed struct {
	entry   record.Entry
	content Content
}

// window is a queue's entries in memory, in (rank, id) order. Those that were read from disk, which are the many, take an entry
// each and no pointer.
type window struct {
	entries  []record.Entry
	contents []Content // of as many entries, in their order; empty while nothing of them was handed over
	head     int       // of both
}

func (w *window) len() int                  { return len(w.entries) - w.head }
func (w *window) first() *record.Entry      { return &w.entries[w.head] }
func (w *window) last() *record.Entry       { return &w.entries[len(w.entries)-1] }
func (w *window) entry(i int) *record.Entry { return &w.entries[w.head+i] }

// windowed returns the i-th entry of the slices, and lets go of its content there.
func (w *window) windowed(i int) windowed {
	e := windowed{entry: w.entries[i]}
	if len(w.contents) > 0 {
		e.content, w.contents[i] = w.contents[i], Content{}
	}
	return e
}

func (w *window) pop() windowed {
	e := w.windowed(w.head)
	w.head++
	if w.head == len(w.entries) {
		w.entries, w.contents, w.head = w.entries[:0], w.contents[:0], 0
	}
	return e
}

// reserve makes room for so many more, and no more than that: windows are many.
func (w *window) reserve(n int) {
	if n <= cap(w.entries)-len(w.entries) {
		return
	}
	entries := make([]record.Entry, w.len(), w.len()+n)
	copy(entries, w.entries[w.head:])
	if len(w.contents) > 0 {
		w.contents = append(make([]Content, 0, cap(entries)), w.contents[w.head:]...)
	}
	w.entries, w.head = entries, 0
}

// remove takes out the i-th entry.
func (w *window) remove(i int) windowed {
	if i == 0 {
		return w.pop()
	}
	i += w.head
	e := w.windowed(i)
	w.entries = slices.Delete(w.entries, i, i+1)
	if len(w.contents) > 0 {
		w.contents = slices.Delete(w.contents, i, i+1)
	}
	return e
}

func (w *window) dropLast() windowed {
	n := len(w.entries) - 1
	e := w.windowed(n)
	w.entries = w.entries[:n]
	if len(w.contents) > 0 {
		w.contents = w.contents[:n]
	}
	return e
}

// insert puts an entry in its place, nearly always the end; false when it was there already.
func (w *window) insert(e windowed) bool {
	w.closeUp()
	at := len(w.entries)
	if w.len() > 0 && w.last().Compare(e.entry.Position) >= 0 {
		i, there := w.find(e.entry.Position)
		if there {
			return false
		}
		at = w.head + i
	}
	switch {
	case len(w.contents) > 0:
		w.contents = slices.Insert(w.contents, at, e.content)
	case e.content.Payload != nil || e.content.Webhook != nil:
		w.contents = slices.Grow(w.contents, len(w.entries)+1)[:len(w.entries)]
		clear(w.contents)
		w.contents = slices.Insert(w.contents, at, e.content)
	}
	w.entries = slices.Insert(w.entries, at, e.entry)
	return true
}

// closeUp uses the room of entries that have left again, once they are most.
func (w *window) closeUp() {
	if w.head <= 32 || w.head <= len(w.entries)/2 {
		return
	}
	w.entries = slices.Delete(w.entries, 0, w.head)
	if len(w.contents) > 0 {
		w.contents = slices.Delete(w.contents, 0, w.head)
	}
	w.head = 0
}

// find returns the place of an entry in the window, from 0, or where it would be.
func (w *window) find(p record.Position) (int, bool) {
	i := sort.Search(w.len(), func(i int) bool { return w.entry(i).Compare(p) >= 0 })
	return i, i < w.len() && w.entry(i).ID == p.ID
}
