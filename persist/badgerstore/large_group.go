package badgerstore

import (
	"bytes"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist/record"
)

// largeGroup is a group of more rows than a transaction takes. Its payloads go first, below a marker that names the
// range of their ids; nothing points at them until the last transaction puts all entries and takes the marker away.
type largeGroup struct{ *group }

func (g largeGroup) writeSplit(c *committer) (*writer, error) {
	last := c.begin()
	defer last.discard()
	if err := g.assign(last); err != nil {
		return last, err
	}
	if len(g.new) == 0 { // all were known, but for events that made none
		return last, last.commit()
	}
	marker := idKey(kindGroup, g.new[0].Entry.ID)
	if err := g.writePayloads(c, marker); err != nil {
		return last, err
	}
	if c.between != nil {
		c.between()
	}
	for n := range g.new {
		g.putEntry(last, n)
	}
	last.del(marker)
	last.set([]byte{kindClock}, c.clock.row())
	return last, last.commit()
}

// writePayloads commits the marker and all payloads, and the rows of queues: a queue without entries is harmless.
func (g largeGroup) writePayloads(c *committer, marker []byte) error {
	w := c.begin()
	defer func() { w.discard() }()
	next := func() error {
		if c.between != nil {
			c.between()
		}
		if err := w.commit(); err != nil {
			return err
		}
		w.rowsSaved()
		w = c.begin()
		return nil
	}
	w.set(marker, groupRow(g.new[len(g.new)-1].Entry.ID))
	for i := range g.new {
		q := &g.queues[g.queueOf[g.newJob[i]]]
		more := rowCost(queueKeySize, len(q.descriptor)+positionSize).
			plus(rowCost(1+idSize, payloadHead+len(g.new[i].Payload)))
		if !w.count.plus(more).within(c.limit) {
			if err := next(); err != nil {
				return err
			}
		}
		c.registry.announce(w, q, g.new[i].Entry.ID)
		g.putPayload(w, i)
	}
	return next()
}

// discardUnfinished deletes, at opening, the payloads of large groups whose last transaction never came.
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
