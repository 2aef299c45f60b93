package badgerstore

import (
	"cmp"
	"context"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Known implements persist.Store.
func (s *Store) Known(_ context.Context, k persist.Idempotency) (persist.Receipt, error) {
	key := idempotencyKey(&k)
	row, err := s.keptRow(key)
	if err != nil {
		return persist.Receipt{}, fmt.Errorf("badgerstore: looking an idempotency key up: %w", err)
	}
	if row == nil {
		return persist.Receipt{}, nil
	}
	r, err := readRemembered(row)
	if err != nil {
		s.reportUnreadable(key, row)
		return persist.Receipt{}, nil //nolint:nilerr // it stands for nothing any more, as when it is met by Enqueue
	}
	return r.answer(&k), nil
}

// keptRow returns a copy of a row that is kept for a time, an idempotency key's or an event's; nil: there is none. That of a
// large group may be in the journal only: see fresh.row.
func (s *Store) keptRow(key []byte) (row []byte, err error) {
	if row = s.fresh.row(key); row != nil {
		return row, nil
	}
	err = s.read(func(txn *badger.Txn) error {
		item, err := txn.Get(key)
		if err != nil {
			return notFoundIsNil(err)
		}
		row, err = item.ValueCopy(nil)
		return err
	})
	return row, err
}

// Remember implements persist.Store.
func (s *Store) Remember(ctx context.Context, k persist.Idempotency, id record.ID) (persist.Receipt, error) {
	if err := s.space.exhausted(); err != nil {
		return persist.Receipt{}, fmt.Errorf("badgerstore: remembering a key for %s: %w", id, err)
	}
	op := &rememberOp{key: &k, id: id}
	done, err := s.committer.submit(op, 0)
	if err == nil {
		select {
		case <-done:
			err = op.err
		case <-ctx.Done():
			err = fmt.Errorf("it may be all the same: %w", ctx.Err())
		}
	}
	if err != nil {
		return persist.Receipt{}, fmt.Errorf("badgerstore: remembering a key for %s: %w", id, err)
	}
	return op.receipt, nil
}

// rememberOp puts an idempotency row for a webhook that is there.
type rememberOp struct {
	key     *persist.Idempotency
	id      record.ID
	receipt persist.Receipt
	err     error
}

func (op *rememberOp) cost() cost { return rowCost(idemKeySize, idemSize) }

func (op *rememberOp) write(w *writer) error {
	known, ok := w.known(op.key)
	if op.receipt = known; !ok {
		op.receipt = persist.Receipt{ID: op.id, Verdict: persist.New}
		w.stands(op.key, op.id)
	}
	return w.err
}

func (op *rememberOp) finish(_ *writer, err error) { op.err = err }

// stands has a key stand for a webhook.
func (w *writer) stands(k *persist.Idempotency, id record.ID) {
	value := remembered{id, k.Fingerprint}.append(make([]byte, 0, idemSize))
	w.keep(badger.NewEntry(idempotencyKey(k), value).WithTTL(cmp.Or(max(k.Keep, 0), idempotencyTTL)))
}

// known is what a key stands for; false: for nothing.
func (w *writer) known(k *persist.Idempotency) (persist.Receipt, bool) {
	r, ok := w.remembered(idempotencyKey(k))
	if !ok {
		return persist.Receipt{}, false
	}
	return r.answer(k), true
}

// answer is what becomes of a deposit whose key is known.
func (r remembered) answer(k *persist.Idempotency) persist.Receipt {
	if r.fingerprint != k.Fingerprint {
		return persist.Receipt{ID: r.id, Verdict: persist.Conflict}
	}
	return persist.Receipt{ID: r.id, Verdict: persist.Existing}
}

func idempotencyKey(k *persist.Idempotency) []byte {
	return append(append(make([]byte, 0, idemKeySize), kindIdempotency), k.Key[:]...)
}

// remembered looks an idempotency key up.
func (w *writer) remembered(key []byte) (remembered, bool) {
	row := w.get(key)
	if row == nil {
		return remembered{}, false
	}
	r, err := readRemembered(row)
	if err != nil {
		w.c.store.aside(w, key, row)
		return remembered{}, false
	}
	return r, true
}
