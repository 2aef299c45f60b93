package badgerstore

import (
	"fmt"
	"sync"

	"github.com/sluice-gateway/sluice/persist"
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
	move int           // webhooks that it moves at least, as far as there are any: see share
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
	between  func()        // told, by tests, before each step of writing a large group; else nil
	still    bool          // in tests: nothing is moved but beside what is written
	stuck    bool          // moving made no headway: see move
	emptied  emptied
	outage   outage
	stopped  chan struct{}

	mu      sync.Mutex
	wake    *sync.Cond
	rounds  []*round
	pending int64 // bytes of deposits in rounds and in the one being committed
	closing bool
	failed  error // of the first commit to the live database that did: see fail
}

func newCommitter(s *Store, clock *clock, j *journal) *committer {
	c := &committer{
		store: s, clock: clock, journal: j, registry: newRegistry(), stopped: make(chan struct{}), still: s.opt.still,
		// A tenth is left for the rows that no operation counts: the clock's, and empty queues swept.
		limit: cost{rows: s.db.MaxBatchCount() * 9 / 10, bytes: s.db.MaxBatchSize() * 9 / 10},
	}
	c.wake, c.emptied.tell = sync.NewCond(&c.mu), s.opt.sought
	return c
}

// submit hands an operation over and returns what is closed when it is finished. Deposits, as bytes, count against what
// may wait; settlements are never refused, they are what makes room.
func (c *committer) submit(op operation, deposits int64) (<-chan struct{}, error) {
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
	if deposits > 0 && c.outage.why != nil {
		return nil, c.outage.why
	}
	if deposits > 0 && c.pending+deposits > maxPending {
		return nil, persist.ErrBusy
	}
	c.pending += deposits
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

// written takes deposits' bytes out of what waits.
func (c *committer) written(deposits int64) {
	c.mu.Lock()
	c.pending -= deposits
	c.mu.Unlock()
}

// fail ends all writing. After a failed sync the kernel may take for written what is not, and Badger goes on behind
// the gap: what it would commit next, a power cut could take with the gap. Opening again writes all of it anew.
func (c *committer) fail(err error) error {
	return c.end(fmt.Errorf("the live database could not be written, a restart opens it anew: %w: %w", persist.ErrFailed, err))
}

// end ends all writing for a reason that is persist.ErrFailed, and returns it.
func (c *committer) end(err error) error {
	c.mu.Lock()
	first := c.failed == nil
	c.failed = err
	c.mu.Unlock()
	if first && c.store.opt.Failed != nil {
		c.store.opt.Failed(err)
	}
	return err
}

// failure returns why nothing is written any more; nil while all is well.
func (c *committer) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// writes reports whether the disk takes what closing the live database writes, and has it at the next start, as far as is known.
func (c *committer) writes() bool {
	c.mu.Lock()
	well := c.failed == nil && c.outage.why == nil
	c.mu.Unlock()
	return well && c.store.space.closes()
}

func (c *committer) run() {
	defer close(c.stopped)
	defer c.seekLater().Stop()
	for {
		c.mu.Lock()
		for len(c.rounds) == 0 && !c.closing {
			idly := c.move
			switch {
			case c.tries():
				idly = c.try
			case c.moves():
			case c.seeks():
				idly = c.seek
			default:
				c.wake.Wait()
				continue
			}
			c.mu.Unlock()
			idly()
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
	_ = c.store.space.exhausted() // has the ballast given up in time, whoever writes; each says for itself what it cannot
	c.stuck = false
	w, err := c.guarded(r)
	c.clock.tell()
	c.store.tally.write()
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
	w.move = r.move
	for _, op := range r.ops {
		if err := op.write(w); err != nil {
			return w, err
		}
	}
	c.spill(w)
	c.registry.sweep(w)
	if err := w.commitJournal(); err != nil {
		return w, err
	}
	return w, w.commit()
}
