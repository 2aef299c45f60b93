package badgerstore

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// writer collects the rows of one transaction, and the records of one frame of the journal. Its first error stays, so
// that calls need no check of their own.
type writer struct {
	c     *committer
	txn   *badger.Txn // begun when there is something to read or to write: it waits for the commit before it
	count cost        // of the rows
	err   error

	frame    []byte // records for the journal, behind room for its head; nil: none yet
	accepted []acceptedDeposit
	ended    []*freshEntry // told as gone in frame
	spilt    []*freshEntry // put into the live database by txn
	kept     bool          // the frame is durable, whatever becomes of the rows

	// carried are the rows of a large group that its frame carries into the live database, by their keys; nil: it is none, and
	// they go with the others.
	carried map[string]*badger.Entry

	touched []*knownQueue       // queues whose row is put here
	dropped []*knownQueue       // queues whose row is deleted here
	delta   map[*knownQueue]int // live entries more or less
	aside   int                 // rows set aside
	move    int                 // webhooks that are moved with these rows at least: see share
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
	w.accepted = append(w.accepted, acceptedDeposit{q, *e, int64(len(w.frame) - stored)})
}

// end tells in the journal that a webhook in it is over.
func (w *writer) end(e *freshEntry) {
	e.leaving = w
	w.frame = appendGone(w.records(), e.entry.ID)
	w.ended = append(w.ended, e)
}

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
		c.notWritten(err)
		w.err = err
		return err
	}
	c.journalWrote(nil)
	c.store.tally.appended(c.journal)
	w.kept = true
	c.departed = c.departed[:0]
	c.store.fresh.add(file, at, w.accepted, w.carried)
	c.store.fresh.remove(w.ended)
	return nil
}

func (w *writer) put(e *badger.Entry) {
	if w.err == nil {
		w.count = w.count.plus(rowCost(len(e.Key), len(e.Value)))
		w.err = w.rows().SetEntry(e)
	}
}

// keep puts a row that is kept for a time, an idempotency key's or an event's.
func (w *writer) keep(e *badger.Entry) {
	if w.carried == nil {
		w.put(e)
		return
	}
	w.carried[string(e.Key)] = e
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
	if e := w.carried[string(key)]; e != nil {
		return e.Value
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

// commit makes the rows durable. The clock's is always among them, which is never deleted: so the latest transaction is in the
// database as long as that is whole, whatever becomes of the others.
func (w *writer) commit() error {
	if w.err == nil && w.count.rows > 0 {
		w.set([]byte{kindClock}, w.c.clock.row())
		version := w.txn.ReadTs() + 1 // there is no other writer
		if err := w.txn.Commit(); err != nil {
			w.err = w.c.fail(err)
		} else {
			w.c.store.tally.committed(version)
		}
	}
	if w.err != nil {
		return fmt.Errorf("committing %d rows of %d bytes: %w", w.count.rows, w.count.bytes, w.err)
	}
	w.c.store.fresh.remove(w.spilt)
	w.c.departed = append(w.c.departed, w.spilt...)
	return nil
}

// keptFrame is how much memory is kept for frames.
const keptFrame = 1 << 20

// cost is what rows take of a transaction.
type cost struct{ rows, bytes int64 }

// rowCost counts as Badger does, with room for its own bytes beside key and value.
func rowCost(key, value int) cost { return cost{1, int64(key + value + 24)} }

func (k cost) plus(o cost) cost { return cost{k.rows + o.rows, k.bytes + o.bytes} }

func (k cost) times(n int) cost { return cost{k.rows * int64(n), k.bytes * int64(n)} }

func (k cost) within(limit cost) bool { return k.rows <= limit.rows && k.bytes <= limit.bytes }
