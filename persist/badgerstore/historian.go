package badgerstore

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// historian writes finished webhooks to history and syncs it, and only then passes their settlements on to the
// committer. Enqueueing never waits for it, nor does a batch that ends no webhook.
type historian struct {
	store   *Store
	stopped chan struct{}
	trim    chan struct{} // holds one; closed by run
	trimmed chan struct{} // closed when nothing is removed any more

	mu      sync.Mutex
	ops     []*settleOp
	wake    chan struct{} // holds one
	closing bool

	// Those written last, for their memory; run alone uses them.
	finals, bodies []historic
	values         []byte // of finals
}

func newHistorian(s *Store) *historian {
	return &historian{
		store: s, wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		trim: make(chan struct{}, 1), trimmed: make(chan struct{}),
	}
}

// submit takes a part of a batch. All parts of a batch with finals go this way, so that none overtakes another.
func (h *historian) submit(op *settleOp, finals bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return persist.ErrClosed
	}
	if !finals {
		_, err := h.store.committer.submit(op, 0)
		return err
	}
	h.ops = append(h.ops, op)
	h.signal()
	return nil
}

func (h *historian) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *historian) run() {
	defer close(h.stopped)
	defer close(h.trim)
	go h.trimOn()
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-h.wake:
		case <-tick.C:
		}
		h.mu.Lock()
		ops, closing := h.ops, h.closing
		h.ops = nil
		h.mu.Unlock()
		if len(ops) > 0 {
			h.record(ops)
		}
		if closing {
			return
		}
		select {
		case h.trim <- struct{}{}:
		default:
		}
	}
}

// trimOn removes old history whenever some was written, and each minute. It has a goroutine of its own: files that go, many of
// them after a stop or a change of the retention, hold up no settlement.
func (h *historian) trimOn() {
	defer close(h.trimmed)
	for range h.trim {
		h.store.trimHistory(time.Now().Add(-h.store.opt.Ahead()).UnixMilli())
	}
}

// stop records what was handed over and returns when the goroutine has ended.
func (h *historian) stop() {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	h.signal()
	<-h.stopped
	<-h.trimmed
}

func (h *historian) record(ops []*settleOp) {
	err := h.write(ops)
	for _, op := range ops {
		if err == nil {
			_, err = h.store.committer.submit(op, 0)
		}
		if err != nil {
			op.finish(nil, err)
		}
	}
}

func (h *historian) write(ops []*settleOp) error {
	s := h.store
	ends := 0
	for _, op := range ops {
		for i := range op.settlements {
			if t := &op.settlements[i]; t.ended != nil {
				ends++
				t.look(s)
			}
		}
	}
	finals, bodies, values := slices.Grow(h.finals, ends), slices.Grow(h.bodies, ends), h.values
	defer func() {
		clear(finals) // let go of the payloads
		clear(bodies)
		if h.finals, h.bodies, h.values = nil, nil, nil; ends <= keptRecords && cap(values) <= keptFrame {
			h.finals, h.bodies, h.values = finals[:0], bodies[:0], values[:0]
		}
	}()
	var txn *badger.Txn // begun behind every look, and only if something is to be read: it waits for the commit under way
	for _, op := range ops {
		for i := range op.settlements {
			t := &op.settlements[i]
			if t.ended == nil {
				continue
			}
			e := t.ended
			if !e.atHand {
				if txn == nil {
					txn = s.db.NewTransaction(false)
					defer txn.Discard()
				}
				live, err := t.complete(s, txn)
				if err != nil {
					return fmt.Errorf("reading %s: %w", t.id, err)
				}
				if !live {
					continue // settled before; recorded again it would lack the attempts that are gone by now
				}
			}
			if e.keep.Metadata > 0 {
				final, at := *e.final, len(values)
				final.ID, final.Attempts = t.id, mergeAttempts(e.earlier, final.Attempts, e.attempt)
				values = final.Append(values)
				one := finalRecord(&final, values[at:], s.meta.sealer)
				one.keep = e.keep.Metadata
				finals = append(finals, one)
			}
			if e.keepsBody() && e.payload != nil {
				bodies = append(bodies, historic{id: t.id, finished: e.final.FinishedAt, value: e.payload, keep: e.keep.Body})
			}
		}
	}
	return s.appendHistory(finals, bodies)
}

// keptRecords is for how many webhooks the historian keeps memory: about a batch.
const keptRecords = 2048

// keepsBody reports whether its payload goes to history.
func (e *ending) keepsBody() bool { return e.keep.Body > 0 }

// look finds out whether a webhook that ended was live until now and nothing is to be read about it in the live
// database.
func (t *settlement) look(s *Store) {
	e := t.ended
	if f := s.fresh.at(t.id, t.place()); f != nil {
		var err error
		if e.keepsBody() && e.payload == nil { // where it cannot be read, the end is recorded without
			e.payload, err = s.fresh.payload(f)
		}
		e.atHand = !errors.Is(err, errMoved) // else the live database is asked
		return
	}
	e.atHand = t.firstTry() && (!e.keepsBody() || e.payload != nil) && s.recent.has(t.id, t.place(), true)
}

// complete adds to an ending what only the store has: earlier attempts, and the payload where it was not at hand. It
// reports whether the webhook was live until now.
func (t *settlement) complete(s *Store, txn *badger.Txn) (live bool, err error) {
	e := t.ended
	if _, err := txn.Get(entryKey(t.queue, t.was)); err != nil {
		if errors.Is(err, badger.ErrKeyNotFound) {
			err = nil
		}
		return false, err
	}
	if !t.firstTry() {
		rows, err := s.readAttemptRows(txn, t.id)
		if err != nil {
			return false, err
		}
		e.earlier, t.attemptKeys = rows.attempts, rows.keys
	}
	if !e.keepsBody() || e.payload != nil {
		return true, nil
	}
	item, err := txn.Get(idKey(kindPayload, t.id))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	row, err := item.ValueCopy(nil)
	if err != nil {
		return false, err
	}
	if _, e.payload, err = readPayload(row); err != nil {
		s.reportUnreadable(idKey(kindPayload, t.id), row)
	}
	return true, nil
}

// mergeAttempts joins attempts by number, the later source winning, and keeps the last ones, oldest first.
func mergeAttempts(stored, given []record.Attempt, last *record.Attempt) []record.Attempt {
	if len(stored)+len(given) == 0 && last != nil { // the common case
		return []record.Attempt{*last}
	}
	byN := make(map[int]record.Attempt, len(stored)+len(given)+1)
	for _, as := range [][]record.Attempt{stored, given} {
		for _, a := range as {
			byN[a.N] = a
		}
	}
	if last != nil {
		byN[last.N] = *last
	}
	all := slices.SortedFunc(maps.Values(byN), func(a, b record.Attempt) int { return cmp.Compare(a.N, b.N) })
	return all[max(0, len(all)-attemptSlots):]
}
