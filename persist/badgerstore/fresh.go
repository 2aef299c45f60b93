package badgerstore

import (
	"container/heap"
	"errors"
	"slices"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// fresh is what memory knows of the webhooks whose entry is in the journal only, and where their payload is; and the rows
// that a frame carries while they are being put into the live database (large_group.go). The committer alone changes it,
// when the change is durable.
//
// A webhook is live where it is found here or in the live database. It moves from here to there, never back: whoever
// looks here first and there later, on a view begun later, misses none.
type fresh struct {
	sealer *seal.Sealer // of payloads in the journal; nil: they are there as they are
	mu     sync.RWMutex
	byID   map[record.ID]*freshEntry
	queues map[persist.QueueRef]*freshQueue
	slab   []freshEntry // what is left of it is given out next
	rows   map[string]*badger.Entry
}

// freshEntry is one webhook. It does not change but for leaving, which is the committer's.
type freshEntry struct {
	queue   persist.QueueRef
	entry   record.Entry
	file    *journalFile
	offset  int64   // of its payload in file
	gone    bool    // under fresh.mu; set by the committer
	leaving *writer // what takes it out of the journal; where that fails, it stays
}

// freshQueue is the entries of one queue, and some that are gone. They are put in order when somebody reads them.
type freshQueue struct {
	entries []*freshEntry
	sorted  bool
	gone    int
}

// acceptedDeposit is a webhook in a frame that is to be written.
type acceptedDeposit struct {
	queue  persist.QueueRef
	entry  record.Entry
	offset int64 // of its payload in the frame
}

// fewGone is how many entries that are gone a queue may keep however short it is: little, as queues may be many and each entry
// keeps all of its slab.
const fewGone = 2

// slabSize is how many entries are allocated at once.
const slabSize = 256

func (f *fresh) add(file *journalFile, at int64, accepted []acceptedDeposit, rows map[string]*badger.Entry) {
	if len(accepted)+len(rows) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if rows != nil {
		f.rows = rows
	}
	if f.byID == nil {
		f.byID, f.queues = map[record.ID]*freshEntry{}, map[persist.QueueRef]*freshQueue{}
	}
	for i := range accepted {
		a := &accepted[i]
		if len(f.slab) == 0 {
			f.slab = make([]freshEntry, slabSize)
		}
		e := &f.slab[0]
		f.slab = f.slab[1:]
		*e = freshEntry{queue: a.queue, entry: a.entry, file: file, offset: at + a.offset}
		f.byID[e.entry.ID] = e
		q := f.queues[e.queue]
		if q == nil {
			q = &freshQueue{sorted: true}
			f.queues[e.queue] = q
		}
		if n := len(q.entries); n > 0 && q.entries[n-1].entry.Compare(e.entry.Position) > 0 {
			q.sorted = false
		}
		q.entries = append(q.entries, e)
		file.entries = append(file.entries, e)
	}
}

// remove forgets entries that are over, or that the live database has.
func (f *fresh) remove(es []*freshEntry) {
	if len(es) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range es {
		e.gone, e.leaving = true, nil
		delete(f.byID, e.entry.ID)
		q := f.queues[e.queue]
		q.gone++
		for len(q.entries) > 0 && q.entries[0].gone { // they go about as they came
			q.entries[0] = nil
			q.entries, q.gone = q.entries[1:], q.gone-1
		}
		switch {
		case len(q.entries) == 0:
			delete(f.queues, e.queue)
		case q.gone > fewGone && q.gone > len(q.entries)/2:
			left := make([]*freshEntry, 0, len(q.entries)-q.gone+fewGone)
			for _, e := range q.entries {
				if !e.gone {
					left = append(left, e)
				}
			}
			q.entries, q.gone = left, 0
		}
	}
}

// row returns a row that is in the journal only; nil: it may be in the live database, in views begun from now on.
func (f *fresh) row(key []byte) []byte {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if e := f.rows[string(key)]; e != nil {
		return e.Value
	}
	return nil
}

// rowsMoved forgets the rows: the live database has them.
func (f *fresh) rowsMoved() {
	f.mu.Lock()
	f.rows = nil
	f.mu.Unlock()
}

// holds reports whether anything of a queue is here.
func (f *fresh) holds(queue persist.QueueRef) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.queues[queue] != nil
}

// find returns a webhook's entry, nil where it has none here.
func (f *fresh) find(id record.ID) *freshEntry {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.byID[id]
}

// at returns a webhook's entry if it stands at a place.
func (f *fresh) at(id record.ID, p entryPlace) *freshEntry {
	if e := f.find(id); e != nil && e.queue == p.queue && e.entry.Rank == p.rank {
		return e
	}
	return nil
}

// window returns the next entries of a queue behind a position, in their order, at most limit.
func (f *fresh) window(queue persist.QueueRef, after record.Position, limit int) []record.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	var es []record.Entry
	for _, e := range f.behind(queue, after) {
		if len(es) == limit {
			break
		}
		if !e.gone {
			es = append(es, e.entry)
		}
	}
	return es
}

// count returns how many entries of a queue are behind a position, at most so many.
func (f *fresh) count(queue persist.QueueRef, after record.Position, most int) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.behind(queue, after) {
		if n < most && !e.gone {
			n++
		}
	}
	return n
}

// behind returns the entries of a queue behind a position, in order, those that are gone among them. Called with the lock held.
func (f *fresh) behind(queue persist.QueueRef, after record.Position) []*freshEntry {
	q := f.queues[queue]
	if q == nil {
		return nil
	}
	if !q.sorted {
		slices.SortFunc(q.entries, func(a, b *freshEntry) int { return a.entry.Compare(b.entry.Position) })
		q.sorted = true
	}
	at, found := slices.BinarySearchFunc(q.entries, after, func(e *freshEntry, p record.Position) int {
		return e.entry.Compare(p)
	})
	if found {
		at++
	}
	return q.entries[at:]
}

// before returns the entries before an id.
func (f *fresh) before(id record.ID) *latestFirst {
	f.mu.RLock()
	l := &latestFirst{make([]datedEntry, 0, len(f.byID))}
	for at, e := range f.byID {
		if at.Compare(id) < 0 {
			l.all = append(l.all, datedEntry{at, e})
		}
	}
	f.mu.RUnlock()
	heap.Init(l)
	return l
}

// errMoved says that a webhook is over, or that the live database has it.
var errMoved = errors.New("no longer in the journal")

// payload reads a webhook's payload. Its file is written over only when all its webhooks are gone, so what was read
// counts if this one is not.
func (f *fresh) payload(e *freshEntry) ([]byte, error) {
	b, err := f.read(e)
	f.mu.RLock()
	defer f.mu.RUnlock()
	if e.gone {
		return nil, errMoved
	}
	return b, err
}

// read reads a webhook's payload for the committer, which alone writes over files.
func (f *fresh) read(e *freshEntry) ([]byte, error) {
	size := int(e.entry.Size)
	if f.sealer != nil {
		size += seal.Overhead
	}
	b := make([]byte, size)
	if _, err := e.file.file.ReadAt(b, e.offset); err != nil {
		return nil, err
	}
	if f.sealer == nil {
		return b, nil
	}
	place := appendPutHead(make([]byte, 0, putHead), recordSealed, e.queue, &e.entry)
	return f.sealer.Open(b, place)
}
