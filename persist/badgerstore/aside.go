package badgerstore

import (
	"bytes"

	"github.com/dgraph-io/badger/v4"
)

// aside moves a row that cannot be read out of the way, as it is: wiping it would make a defect a loss.
func (s *Store) aside(w *writer, key, value []byte) {
	w.set(append([]byte{kindAside}, key...), value)
	w.del(key)
	w.aside++
	s.log.Error().Hex("key", key).Int("bytes", len(value)).Msg("unreadable record set aside")
}

// reportUnreadable has a row moved aside that a reader came upon. Nobody waits for it: the reader goes on without.
func (s *Store) reportUnreadable(key, value []byte) {
	_, _ = s.committer.submit(&asideOp{store: s, key: key, value: value}, 0) // fails when closing: then the next run's turn
}

// asideOp moves one unreadable row aside, if it is still what was read.
type asideOp struct {
	store      *Store
	key, value []byte
}

func (o *asideOp) cost() cost {
	return rowCost(1+len(o.key), len(o.value)).plus(rowCost(len(o.key), 0))
}

func (o *asideOp) write(w *writer) error {
	if bytes.Equal(w.get(o.key), o.value) {
		o.store.aside(w, o.key, o.value)
	}
	return w.err
}

func (o *asideOp) finish(*writer, error) {}

// countAside says how many rows earlier runs set aside.
func (s *Store) countAside() error {
	return s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{kindAside}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			s.setAside.Add(1)
		}
		return nil
	})
}
