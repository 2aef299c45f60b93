package badgerstore

import (
	"cmp"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist/record"
)

// attemptRows are what the live rows tell of a webhook's attempts so far.
type attemptRows struct {
	attempts []record.Attempt // oldest first
	moved    *moved
	keys     [][]byte // of all of it
}

func (s *Store) readAttemptRows(txn *badger.Txn, id record.ID) (attemptRows, error) {
	var t attemptRows
	it := txn.NewIterator(underPrefix(idKey(kindAttempt, id)))
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		key := it.Item().KeyCopy(nil)
		value, err := it.Item().ValueCopy(nil)
		if err != nil {
			return t, err
		}
		if err := t.add(key, value); err != nil {
			s.reportUnreadable(key, value)
			continue
		}
		t.keys = append(t.keys, key)
	}
	slices.SortFunc(t.attempts, func(a, b record.Attempt) int { return cmp.Compare(a.N, b.N) })
	return t, nil
}

func (t *attemptRows) add(key, value []byte) error {
	if slotOf(key) == moveSlot {
		m, err := readMoved(value)
		if err == nil {
			t.moved = &m
		}
		return err
	}
	a, err := record.DecodeAttempt(value)
	if err == nil {
		t.attempts = append(t.attempts, *a)
	}
	return err
}

// rank returns where the webhook stands now, given where it was queued first.
func (t *attemptRows) rank(first int64) int64 {
	if first == 0 { // a queue with an ordering key: it never moves
		return 0
	}
	if n := len(t.attempts); n > 0 {
		last := &t.attempts[n-1]
		if t.moved == nil || last.N > int(t.moved.attempts) {
			return last.NextRank
		}
	}
	if t.moved != nil {
		return t.moved.rank
	}
	return first
}
