package badgerstore

import (
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

const (
	maxKnown   = 1 << 17     // queues remembered in memory
	idleAfter  = 10 * 60_000 // ms without use until an empty queue's row is deleted
	sweepEvery = 60_000      // ms
	sweepRows  = 1024        // deleted at most in one transaction
)

// knownQueue is what the committer remembers of a queue whose row it read or wrote.
type knownQueue struct {
	ref        persist.QueueRef
	descriptor []byte // as in its row; nil once that is on disk: queues are many, and few rows are written twice
	ordered    bool   // it has an ordering key: ids lead
	mark       record.Position
	saved      bool    // the row is on disk
	savedBy    *writer // puts the row, if not committed yet
	exact      bool    // live counts all its entries: it had none when it became known
	live       int     // entries more than when it became known
	used       int64   // Unix ms
}

// registry is the committer's memory of queues; it alone uses it. It says when a queue's row must be written and when
// it may go. Forgetting a queue is harmless: its row is read again.
type registry struct {
	known map[record.QueueID]*knownQueue
	limit int   // of known
	swept int64 // Unix ms
}

func newRegistry() *registry {
	return &registry{known: make(map[record.QueueID]*knownQueue), limit: maxKnown}
}

// find returns what is known of a queue, reading its row where nothing is; nil where it has none.
func (r *registry) find(w *writer, ref persist.QueueRef) *knownQueue {
	if q := r.known[ref.ID]; q != nil {
		return q
	}
	row := w.get(appendQueueKey(nil, kindQueue, ref))
	if row == nil {
		return nil
	}
	if d, mark, err := readQueueRow(row); err == nil {
		return r.add(&knownQueue{ref: ref, ordered: d.Ordered(), mark: mark, saved: true})
	}
	w.c.store.aside(w, appendQueueKey(nil, kindQueue, ref), row)
	return nil
}

// enter notes a deposit for a queue and puts the queue's row where it has none.
func (r *registry) enter(w *writer, q *groupQueue, id record.ID) {
	w.change(r.announce(w, q, id), 1)
}

// announce puts a queue's row where it has none. The id is of the first deposit that is written to it.
func (r *registry) announce(w *writer, g *groupQueue, id record.ID) *knownQueue {
	q := r.find(w, g.ref)
	if q == nil {
		// It has no live entry, and none will be written before the mark: what was deleted there is never read over.
		mark := highestMark(int64(id.Time()), g.ordered) //nolint:gosec // 48 bits
		q = r.add(&knownQueue{ref: g.ref, descriptor: g.descriptor, ordered: g.ordered, mark: mark, exact: true})
	}
	q.used = w.c.clock.now()
	if !q.saved && q.savedBy != w {
		w.save(q)
	}
	return q
}

// leave notes that an entry of a queue is gone.
func (r *registry) leave(w *writer, ref persist.QueueRef) {
	if q := r.known[ref.ID]; q != nil {
		q.used = w.c.clock.now()
		w.change(q, -1)
	}
}

// raise saves a mark as far as it is safe: a rank that may still be written lies behind it.
func (r *registry) raise(w *writer, m persist.Mark) {
	q := r.find(w, m.Queue)
	if q == nil {
		return
	}
	at := m.At
	if bound := highestMark(w.c.clock.now(), q.ordered); at.Compare(bound) > 0 {
		at = bound
	}
	if q.mark.Compare(at) < 0 {
		q.mark = at
		w.save(q)
	}
}

// highestMark is the highest position that a mark may have at this instant: whatever is still to be written lies
// behind it.
func highestMark(now int64, ordered bool) record.Position {
	p := record.Position{Rank: max(0, now-markLag)}
	if ordered {
		_ = p.ID.SetTime(uint64(p.Rank)) //nolint:gosec // not negative; fails after the year 10889 only
		p.Rank = 0
	}
	return p
}

func (r *registry) add(q *knownQueue) *knownQueue {
	if len(r.known) >= r.limit {
		for id := range r.known { // any one: its row has all that matters but the count
			delete(r.known, id)
			break
		}
	}
	r.known[q.ref.ID] = q
	return q
}

// sweep deletes rows of queues that are empty and idle, now and then.
func (r *registry) sweep(w *writer) {
	now := w.c.clock.now()
	if now < r.swept+sweepEvery {
		return
	}
	r.swept = now
	for _, q := range r.known {
		if _, changing := w.delta[q]; changing { // the clock may have leapt since
			continue
		}
		if q.exact && q.saved && q.live == 0 && q.used+idleAfter <= now && len(w.dropped) < sweepRows {
			w.del(appendQueueKey(nil, kindQueue, q.ref))
			w.dropped = append(w.dropped, q)
		}
	}
}

// apply makes what a committed transaction did the registry's truth.
func (r *registry) apply(w *writer) {
	w.rowsSaved()
	w.c.store.setAside.Add(uint64(w.aside)) //nolint:gosec // a count
	for q, n := range w.delta {
		q.live += n
	}
	for _, q := range w.dropped {
		delete(r.known, q.ref.ID)
	}
}

// rowsSaved notes that the queues' rows are on disk.
func (w *writer) rowsSaved() {
	for _, q := range w.touched {
		q.saved, q.savedBy, q.descriptor = true, nil, nil
	}
}

func (w *writer) save(q *knownQueue) {
	key, descriptor := appendQueueKey(nil, kindQueue, q.ref), q.descriptor
	if descriptor == nil {
		row := w.get(key)
		if _, _, err := readQueueRow(row); err != nil {
			return // who reads it next sets it aside; a mark only saves work
		}
		descriptor = row[:len(row)-positionSize]
	}
	w.set(key, queueRow(descriptor, q.mark))
	w.touched = append(w.touched, q)
	q.savedBy = w
}

func (w *writer) change(q *knownQueue, n int) {
	if w.delta == nil {
		w.delta = make(map[*knownQueue]int)
	}
	w.delta[q] += n
}
