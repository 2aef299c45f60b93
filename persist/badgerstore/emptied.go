package badgerstore

import (
	"bytes"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// emptied is the search for queues that an earlier run left empty, whose rows go. It takes a seek for each queue, of which there
// may be very many, so it is not for opening to wait for: the committer does it after that, while nobody waits for anything. Until
// it comes to such a queue, that is listed, and read in vain.
type emptied struct {
	begun bool   // under committer.mu
	after []byte // key of the last row that was looked at
	done  bool
	tell  chan<- struct{} // in tests: closed when it is done
}

// seekAfter is how long after opening it begins: whoever opened the store has queues to list first, and webhooks to send.
const seekAfter = 10 * time.Second

// seekLater has the search begin.
func (c *committer) seekLater() *time.Timer {
	after := seekAfter
	if c.still {
		after = 0
	}
	return time.AfterFunc(after, func() {
		c.mu.Lock()
		c.emptied.begun = true
		c.mu.Unlock()
		c.wake.Broadcast()
	})
}

// soughtAtOnce is how many queues are looked at between two looks at whether somebody waits: about a millisecond's work.
const soughtAtOnce = 64

// seeks reports whether queues left empty are to be looked for while nobody waits. Called with the lock held.
func (c *committer) seeks() bool { return c.emptied.begun && !c.emptied.done && c.failed == nil }

// seek looks at some queues, and deletes the rows of those that are empty. It is the only writer, so none of them comes to hold
// something meanwhile.
func (c *committer) seek() {
	rows, err := c.emptyQueues()
	if err == nil && len(rows) > 0 {
		w := c.begin()
		defer w.discard()
		for _, key := range rows {
			w.del(key)
		}
		err = w.commit()
	}
	if err != nil {
		c.emptied.done = true // the next opening begins anew
		c.store.log.Error().Err(err).Msg("looking for queues that an earlier run left empty")
	}
	if c.emptied.done && c.emptied.tell != nil {
		close(c.emptied.tell)
	}
}

// emptyQueues returns the keys of the queues that hold nothing, of the next ones. Those that are used in this run are the
// registry's to sweep.
func (c *committer) emptyQueues() (empty [][]byte, err error) {
	err = c.store.view(func(txn *badger.Txn) error {
		rows := txn.NewIterator(underPrefix([]byte{kindQueue}))
		defer rows.Close()
		entries := txn.NewIterator(underPrefix([]byte{kindEntry}))
		defer entries.Close()
		if rows.Rewind(); c.emptied.after != nil {
			rows.Seek(append(c.emptied.after, 0))
		}
		for n := 0; n < soughtAtOnce; n++ {
			if !rows.Valid() {
				c.emptied.done = true
				return nil
			}
			key := rows.Item().KeyCopy(nil)
			c.emptied.after = key[:len(key):len(key)]
			value, err := rows.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			if c.leftEmpty(key, value, entries) {
				empty = append(empty, key)
			}
			rows.Next()
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading queues behind %x: %w", c.emptied.after, err)
	}
	return empty, nil
}

// leftEmpty reports whether a queue that was not used in this run holds nothing from its mark on.
func (c *committer) leftEmpty(key, row []byte, entries *badger.Iterator) bool {
	if len(key) != queueKeySize {
		return false
	}
	ref := persist.QueueRef{Part: record.Part(key[1]), ID: record.QueueID(key[2:])}
	_, mark, err := readQueueRow(row)
	if err != nil || c.registry.known[ref.ID] != nil || c.store.fresh.holds(ref) {
		return false // what is unreadable is set aside by whoever needs it
	}
	entries.Seek(entryKey(ref, mark))
	return !entries.Valid() || !bytes.HasPrefix(entries.Item().Key(), appendQueueKey(nil, kindEntry, ref))
}
