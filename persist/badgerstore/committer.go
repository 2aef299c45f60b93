package badgerstore

import (
	"errors"
	"fmt"
	"sync"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// operation is something to be written as part of a transaction, or as several when it says so.
type operation interface {
	// cost bounds what write puts.
	cost() cost
	// write puts the operation's rows. Where it fails, none of the round's are kept.
	write(w *writer) error
	// finish is told once, by the committer and in commit order, what became of it.
	finish(w *writer, err error)
}

// splitter is an operation that needs transactions of its own.
type splitter interface {
	operation
	writeSplit(c *committer) (*writer, error)
}

// round is the operations of one transaction.
type round struct {
	ops  []operation
	sum  cost
	done chan struct{} // closed when all its operations are finished
}

// committer is the only writer of the journal and of the live database.
type committer struct {
	store    *Store
	clock    *clock
	registry *registry
	journal  *journal
	departed []*freshEntry // what the live database has, and the journal is to be told of with its next frame
	frame    []byte        // the last one's memory
	limit    cost          // of one transaction
	between  func()        // told, by tests, before each transaction of a large group; else nil
	still    bool          // in tests: nothing is moved but beside what is written
	stuck    bool          // moving made no headway: see move
	stopped  chan struct{}

	mu      sync.Mutex
	wake    *sync.Cond
	rounds  []*round
	pending int64 // bytes of jobs in rounds and in the one being committed
	closing bool
	failed  error // of the first commit to the live database that did: see fail
}

func newCommitter(s *Store, clock *clock, j *journal) *committer {
	c := &committer{
		store: s, clock: clock, journal: j, registry: newRegistry(), stopped: make(chan struct{}), still: s.opt.still,
		// A tenth is left for the rows that no operation counts: the clock's, and empty queues swept.
		limit: cost{rows: s.db.MaxBatchCount() * 9 / 10, bytes: s.db.MaxBatchSize() * 9 / 10},
	}
	c.wake = sync.NewCond(&c.mu)
	return c
}

// submit hands an operation over and returns what is closed when it is finished. Jobs, as bytes, count against what
// may wait; settlements are never refused, they are what makes room.
func (c *committer) submit(op operation, jobs int64) (<-chan struct{}, error) {
	_, split := op.(splitter)
	k := op.cost()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil, persist.ErrClosed
	}
	if c.failed != nil {
		return nil, c.failed
	}
	if jobs > 0 && c.pending+jobs > maxPending {
		return nil, persist.ErrBusy
	}
	c.pending += jobs
	n := len(c.rounds)
	if split || n == 0 || !c.rounds[n-1].sum.plus(k).within(c.limit) {
		c.rounds = append(c.rounds, &round{done: make(chan struct{})})
		n++
	}
	r := c.rounds[n-1]
	r.ops = append(r.ops, op)
	r.sum = r.sum.plus(k)
	if split {
		r.sum = c.limit // nothing joins it
	}
	c.wake.Signal()
	return r.done, nil
}

// written takes jobs' bytes out of what waits.
func (c *committer) written(jobs int64) {
	c.mu.Lock()
	c.pending -= jobs
	c.mu.Unlock()
}

// fail ends all writing. After a failed sync the kernel may take for written what is not, and Badger goes on behind
// the gap: what it would commit next, a power cut could take with the gap. Opening again writes all of it anew.
func (c *committer) fail(err error) {
	c.store.log.Error().Err(err).Msg("the live database cannot be written: nothing is accepted or settled until a restart")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = fmt.Errorf("the live database could not be written, a restart opens it anew: %w", err)
}

// failure returns why nothing is written any more; nil while all is well.
func (c *committer) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

func (c *committer) run() {
	defer close(c.stopped)
	for {
		c.mu.Lock()
		for len(c.rounds) == 0 && !c.closing {
			if !c.moves() {
				c.wake.Wait()
				continue
			}
			c.mu.Unlock()
			c.move()
			c.mu.Lock()
		}
		if len(c.rounds) == 0 {
			c.mu.Unlock()
			return
		}
		r := c.rounds[0]
		c.rounds[0] = nil
		c.rounds = c.rounds[1:]
		c.mu.Unlock()
		c.commit(r)
	}
}

// stop finishes what was handed over and returns when the goroutine has ended.
func (c *committer) stop() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.wake.Broadcast()
	<-c.stopped
}

func (c *committer) commit(r *round) {
	defer close(r.done)
	c.store.space.look()
	c.stuck = false
	w, err := c.write(r)
	c.clock.tell()
	for _, op := range r.ops {
		op.finish(w, err)
	}
	if err == nil {
		c.registry.apply(w)
	}
}

// write writes a round: first to the journal, then to the live database. What the journal tells of as gone that the
// database deletes or has taken is told after that is durable; so whatever comes between leaves a webhook in one of
// them, and the journal's word that it is live counts only where the database has nothing of it.
func (c *committer) write(r *round) (*writer, error) {
	if err := c.failure(); err != nil {
		return c.begin(), err
	}
	if len(r.ops) == 1 {
		if s, ok := r.ops[0].(splitter); ok {
			return s.writeSplit(c)
		}
	}
	w := c.begin()
	defer w.discard()
	for _, op := range r.ops {
		if err := op.write(w); err != nil {
			return w, err
		}
	}
	c.spill(w)
	c.registry.sweep(w)
	if w.count.rows > 0 {
		w.set([]byte{kindClock}, c.clock.row())
	}
	if err := w.commitJournal(); err != nil {
		return w, err
	}
	return w, w.commit()
}

// writer collects the rows of one transaction, and the records of one frame of the journal. Its first error stays, so
// that calls need no check of their own.
type writer struct {
	c     *committer
	txn   *badger.Txn // begun when there is something to read or to write: it waits for the commit before it
	count cost        // of the rows
	err   error

	frame    []byte // records for the journal, behind room for its head; nil: none yet
	accepted []acceptedJob
	ended    []*freshEntry // told as gone in frame
	spilt    []*freshEntry // put into the live database by txn
	kept     bool          // the frame is durable, whatever becomes of the rows

	touched []*knownQueue       // queues whose row is put here
	dropped []*knownQueue       // queues whose row is deleted here
	delta   map[*knownQueue]int // live entries more or less
	aside   int                 // rows set aside
}

func (c *committer) begin() *writer { return &writer{c: c} }

func (w *writer) rows() *badger.Txn {
	if w.txn == nil {
		w.txn = w.c.store.db.NewTransaction(true)
	}
	return w.txn
}

func (w *writer) discard() {
	if w.txn != nil {
		w.txn.Discard()
	}
}

func (w *writer) records() []byte {
	if w.frame == nil {
		w.frame = beginFrame(w.c.frame)
	}
	return w.frame
}

// accept puts a webhook into the journal.
func (w *writer) accept(q persist.QueueRef, e *record.Entry, payload []byte) {
	stored := len(payload)
	if s := w.c.store.fresh.sealer; s != nil {
		w.frame = appendSealed(w.records(), q, e, payload, s)
		stored += seal.Overhead
	} else {
		w.frame = appendPut(w.records(), q, e, payload)
	}
	w.accepted = append(w.accepted, acceptedJob{q, *e, int64(len(w.frame) - stored)})
}

// end tells in the journal that a webhook in it is over.
func (w *writer) end(e *freshEntry) {
	e.leaving = w
	w.frame = appendGone(w.records(), e.entry.ID)
	w.ended = append(w.ended, e)
}

// keptFrame is how much memory is kept for frames.
const keptFrame = 1 << 20

// commitJournal makes the frame durable, if there is anything to tell, and memory tell of it.
func (w *writer) commitJournal() error {
	c := w.c
	if w.err != nil {
		return w.err
	}
	for _, e := range c.departed {
		w.frame = appendGone(w.records(), e.entry.ID)
	}
	if w.frame == nil {
		return nil
	}
	file, at, err := c.journal.append(w.frame, c.clock.row())
	if c.frame = nil; cap(w.frame) <= keptFrame {
		c.frame = w.frame
	}
	if err != nil {
		w.err = err
		return err
	}
	w.kept = true
	c.departed = c.departed[:0]
	c.store.fresh.add(file, at, w.accepted)
	c.store.fresh.remove(w.ended)
	return nil
}

func (w *writer) put(e *badger.Entry) {
	if w.err == nil {
		w.count = w.count.plus(rowCost(len(e.Key), len(e.Value)))
		w.err = w.rows().SetEntry(e)
	}
}

func (w *writer) set(key, value []byte) { w.put(&badger.Entry{Key: key, Value: value}) }

func (w *writer) del(key []byte) {
	if w.err == nil {
		w.count = w.count.plus(rowCost(len(key), 0))
		w.err = w.rows().Delete(key)
	}
}

// get returns a copy of a row as this transaction sees it; nil where there is none.
func (w *writer) get(key []byte) []byte {
	if w.err != nil {
		return nil
	}
	item, err := w.rows().Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil
	}
	if err != nil {
		w.err = err
		return nil
	}
	value, err := item.ValueCopy(nil)
	w.err = err
	return value
}

// has reports whether this transaction sees a row.
func (w *writer) has(key []byte) bool {
	if w.err != nil {
		return false
	}
	_, err := w.rows().Get(key)
	if err != nil && !errors.Is(err, badger.ErrKeyNotFound) {
		w.err = err
	}
	return err == nil
}

// commit makes the rows durable.
func (w *writer) commit() error {
	if w.err == nil && w.count.rows > 0 {
		if w.err = w.txn.Commit(); w.err != nil {
			w.c.fail(w.err)
		}
	}
	if w.err != nil {
		return fmt.Errorf("committing %d rows of %d bytes: %w", w.count.rows, w.count.bytes, w.err)
	}
	w.c.store.fresh.remove(w.spilt)
	w.c.departed = append(w.c.departed, w.spilt...)
	return nil
}

// cost is what rows take of a transaction.
type cost struct{ rows, bytes int64 }

// rowCost counts as Badger does, with room for its own bytes beside key and value.
func rowCost(key, value int) cost { return cost{1, int64(key + value + 24)} }

func (k cost) plus(o cost) cost       { return cost{k.rows + o.rows, k.bytes + o.bytes} }
func (k cost) times(n int) cost       { return cost{k.rows * int64(n), k.bytes * int64(n)} }
func (k cost) within(limit cost) bool { return k.rows <= limit.rows && k.bytes <= limit.bytes }
