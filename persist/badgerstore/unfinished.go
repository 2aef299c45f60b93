package badgerstore

import (
	"bytes"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist/record"
)

// discardUnfinished deletes, at opening, what an earlier release left of large groups: it put their payloads first, below a
// marker that names the range of their ids, and their entries with one last transaction. Where that never came, nobody was
// told of the group.
func (s *Store) discardUnfinished() error {
	var dead [][]byte
	groups := 0
	err := s.db.View(func(txn *badger.Txn) error {
		markers := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{kindGroup}, PrefetchValues: true, PrefetchSize: 1})
		defer markers.Close()
		payloads := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{kindPayload}})
		defer payloads.Close()
		for markers.Rewind(); markers.Valid(); markers.Next() {
			key := markers.Item().KeyCopy(nil)
			value, err := markers.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			last, err := readGroupRow(value)
			if err == nil && len(key) != 1+idSize {
				err = fmt.Errorf("%w: a key of %d bytes, want %d", record.ErrFormat, len(key), 1+idSize)
			}
			if err != nil {
				return fmt.Errorf("marker %x: %w", key, err)
			}
			end := idKey(kindPayload, last)
			payloads.Seek(append([]byte{kindPayload}, key[1:]...))
			for ; payloads.Valid() && bytes.Compare(payloads.Item().Key(), end) <= 0; payloads.Next() {
				dead = append(dead, payloads.Item().KeyCopy(nil))
			}
			dead = append(dead, key) // after its payloads: a crash here starts over
			groups++
		}
		return nil
	})
	if err == nil && groups > 0 {
		s.log.Info().Int("groups", groups).Int("rows", len(dead)).Msg("discarding groups that were never accepted")
		err = s.deleteAll(dead)
	}
	if err != nil {
		return fmt.Errorf("discarding unfinished groups: %w", err)
	}
	return nil
}

// deleteAll deletes rows in as many transactions as it takes; for opening only.
func (s *Store) deleteAll(keys [][]byte) error {
	batch := s.db.NewWriteBatch()
	defer batch.Cancel()
	for _, key := range keys {
		if err := batch.Delete(key); err != nil {
			return err
		}
	}
	return batch.Flush()
}
