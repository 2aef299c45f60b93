package badgerstore

import (
	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist/seal"
)

// largeGroup is a group of more rows than a transaction takes. It goes into the journal whatever it holds, for a frame takes
// any group whole. What it needs in the live database goes there in as many transactions as it takes: the rows of its queues
// before the frame, as a queue without entries is harmless; those of its idempotency keys and events behind it. The frame
// carries these: until they are all there, readers have them from memory with the rest of the group (fresh.row), and opening
// puts them where a crash came before (putCarried).
type largeGroup struct{ *group }

func (g largeGroup) writeSplit(c *committer) (*writer, error) {
	if err := c.catchUp(); err != nil {
		return c.begin(), err
	}
	first := c.begin()
	defer func() { first.discard() }()
	first.carried = map[string]*badger.Entry{}
	if err := g.assign(first); err != nil {
		return first, err
	}
	last := c.begin()
	defer last.discard()
	last.carried, last.aside = first.carried, first.aside
	first, err := g.saveQueues(c, first)
	if err != nil {
		return last, err
	}

	if len(g.new)+len(last.carried) == 0 { // all were known
		return last, nil
	}
	g.journal = true
	last.frame = beginFrame(make([]byte, 0, g.frameSize(last.carried)))
	for n := range g.new {
		e, q := &g.new[n].Entry, &g.queues[g.queueOf[g.newDeposit[n]]]
		last.accept(q.ref, e, g.new[n].Payload)
		c.registry.enter(last, q, e.ID)
	}
	last.carry()
	c.beforeStep()
	if err := last.commitJournal(); err != nil {
		return last, err
	}
	return last, c.putCarried(last)
}

// frameSize bounds the bytes of the group's frame: it is made once, not grown.
func (g largeGroup) frameSize(carried map[string]*badger.Entry) int {
	n := frameLead + clockRowSize + int(g.size) + len(g.new)*(putHead+seal.Overhead)
	for key, e := range carried {
		n += rowHeadSize + len(key) + len(e.Value) + seal.Overhead
	}
	return n
}

// saveQueues commits the rows of queues that have none, with what assigning the group set aside. It returns the last writer.
func (g largeGroup) saveQueues(c *committer, w *writer) (*writer, error) {
	commit := func() error {
		c.beforeStep()
		if err := w.commit(); err != nil {
			return err
		}
		w.rowsSaved()
		return nil
	}
	for n := range g.new {
		q := &g.queues[g.queueOf[g.newDeposit[n]]]
		if !w.count.plus(rowCost(queueKeySize, len(q.descriptor)+positionSize)).within(c.limit) {
			if err := commit(); err != nil {
				return w, err
			}
			w = c.begin()
		}
		c.registry.announce(w, q, g.new[n].Entry.ID)
	}
	return w, commit()
}

// carry has the frame carry rows.
func (w *writer) carry() {
	s := w.c.store.fresh.sealer
	for _, e := range w.carried {
		w.frame = appendRow(w.records(), e, s)
	}
}

// putCarried puts the rows that a durable frame carries. Where it fails the group is accepted all the same, and nothing is
// written until opening puts them.
func (c *committer) putCarried(by *writer) error {
	w := c.begin()
	defer func() { w.discard() }()
	for _, e := range by.carried {
		if !w.count.plus(rowCost(len(e.Key), len(e.Value))).within(c.limit) {
			c.beforeStep()
			if err := w.commit(); err != nil {
				return err
			}
			w = c.begin()
		}
		w.put(e)
	}
	c.beforeStep()
	if err := w.commit(); err != nil {
		return err
	}
	c.store.fresh.rowsMoved()
	return nil
}

// beforeStep is where a crash leaves a large group half written.
func (c *committer) beforeStep() {
	if c.between != nil {
		c.between()
	}
}
