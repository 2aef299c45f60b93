package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Queues implements persist.Store.
func (s *Store) Queues(
	_ context.Context, part record.Part, after record.QueueID, limit int,
) (heads []persist.QueueHead, err error) {
	err = s.read(func(txn *badger.Txn) error {
		it := txn.NewIterator(underPrefix([]byte{kindQueue, byte(part)}))
		defer it.Close()
		start := appendQueueKey(nil, kindQueue, persist.QueueRef{Part: part, ID: after})
		if after != (record.QueueID{}) {
			start = append(start, 0) // behind it
		}
		for it.Seek(start); it.Valid() && len(heads) < limit; it.Next() {
			value, err := it.Item().ValueCopy(nil)
			if err != nil {
				return err
			}
			key := it.Item().KeyCopy(nil)
			q, mark, err := readQueueRow(value)
			if err != nil || len(key) != queueKeySize {
				s.reportUnreadable(key, value)
				continue
			}
			heads = append(heads, persist.QueueHead{Queue: q, ID: record.QueueID(key[2:]), Mark: mark})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("badgerstore: listing queues of partition %d: %w", part, err)
	}
	return heads, nil
}

// fewEntries is for how many there is room from the beginning: of a backlog for many hosts no window is larger.
const fewEntries = 8

// Window implements persist.Store.
func (s *Store) Window(
	_ context.Context, queue persist.QueueRef, after record.Position, limit int,
) (entries []record.Entry, err error) {
	young := s.fresh.window(queue, after, limit) // before the view of the others is begun: none is in neither
	err = s.read(func(txn *badger.Txn) error {
		prefix := appendQueueKey(nil, kindEntry, queue)
		it := txn.NewIterator(underPrefix(prefix))
		defer it.Close()
		entries = make([]record.Entry, 0, min(limit, fewEntries))
		for it.Seek(append(entryKey(queue, after), 0)); it.Valid() && len(entries) < limit; it.Next() {
			var e record.Entry
			key := it.Item().Key()
			err := it.Item().Value(func(value []byte) (err error) {
				if len(key) != entryKeySize {
					return record.ErrFormat
				}
				e, err = record.ReadEntry(readPosition(key[queueKeySize:]), value)
				return err
			})
			if errors.Is(err, record.ErrFormat) {
				value, err := it.Item().ValueCopy(nil)
				if err != nil {
					return err
				}
				s.reportUnreadable(slices.Clone(key), value)
				continue
			}
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("badgerstore: reading queue %x of partition %d: %w", queue.ID, queue.Part, err)
	}
	return merged(entries, young, limit), nil
}

// Count implements persist.Store.
func (s *Store) Count(ctx context.Context, queue persist.QueueRef, after record.Position, most int) (n int, err error) {
	n = s.fresh.count(queue, after, most)
	err = s.read(func(txn *badger.Txn) error {
		it := txn.NewIterator(underPrefix(appendQueueKey(nil, kindEntry, queue)))
		defer it.Close()
		for it.Seek(append(entryKey(queue, after), 0)); it.Valid() && n < most; it.Next() {
			if n++; n%countedAtOnce == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("badgerstore: counting queue %x of partition %d: %w", queue.ID, queue.Part, err)
	}
	return n, nil
}

// countedAtOnce is how many entries are counted before it is looked whether anybody still wants to know.
const countedAtOnce = 4096

// merged joins two parts of a queue, each in its order, up to limit entries: of the database and of the journal. One
// that moved meanwhile may be in both; then the database has it as it is now.
func merged(moved, young []record.Entry, limit int) []record.Entry {
	if len(young) == 0 {
		return moved
	}
	if len(moved) == 0 {
		return young
	}
	all := make([]record.Entry, 0, min(len(moved)+len(young), limit))
	for len(all) < limit && len(moved)+len(young) > 0 {
		switch {
		case len(moved) == 0 || len(young) > 0 && young[0].Compare(moved[0].Position) < 0:
			all, young = append(all, young[0]), young[1:]
		case len(young) > 0 && young[0].Position == moved[0].Position:
			young = young[1:]
		default:
			all, moved = append(all, moved[0]), moved[1:]
		}
	}
	return all
}

// Payload implements persist.Store.
func (s *Store) Payload(_ context.Context, id record.ID) (payload []byte, err error) {
	if e := s.fresh.find(id); e != nil {
		if payload, err = s.fresh.payload(e); !errors.Is(err, errMoved) {
			return payload, s.journalError(id, e, err)
		}
	}
	var first home
	turns := s.recent.now() // before the view is begun
	err = s.read(func(txn *badger.Txn) error {
		first, payload, err = s.livePayload(txn, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("badgerstore: payload of %s: %w", id, err)
	}
	s.recent.seen(id, entryPlace(first), turns)
	return payload, nil
}

// journalError says what reading a payload in the journal came to.
func (s *Store) journalError(id record.ID, e *freshEntry, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrClosed):
		err = persist.ErrClosed
	}
	return fmt.Errorf("badgerstore: payload of %s in %s: %w", id, e.file.path, err)
}

// livePayload reads a webhook's payload row; persist.ErrNotFound where it has none, or one that is unreadable.
func (s *Store) livePayload(txn *badger.Txn, id record.ID) (home, []byte, error) {
	key := idKey(kindPayload, id)
	item, err := txn.Get(key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return home{}, nil, persist.ErrNotFound
	}
	if err != nil {
		return home{}, nil, err
	}
	row, err := item.ValueCopy(nil)
	if err != nil {
		return home{}, nil, err
	}
	h, payload, err := readPayload(row)
	if err != nil {
		s.reportUnreadable(key, row)
		return home{}, nil, fmt.Errorf("%w: %w", persist.ErrNotFound, err)
	}
	return h, payload, nil
}

// Webhook implements persist.Store. What is live is preferred over history: after a crash between the two writes of
// a settlement it is in both.
func (s *Store) Webhook(_ context.Context, id record.ID) (*persist.View, error) {
	if e := s.fresh.find(id); e != nil {
		payload, err := s.fresh.payload(e)
		if err == nil {
			entry := e.entry
			return &persist.View{Payload: payload, Entry: &entry}, nil
		}
		if !errors.Is(err, errMoved) {
			return nil, s.journalError(id, e, err)
		}
	}
	var v *persist.View
	err := s.read(func(txn *badger.Txn) (err error) {
		if v, err = s.liveWebhook(txn, id); !errors.Is(err, persist.ErrNotFound) {
			return err
		}
		v, err = s.finishedWebhook(id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("badgerstore: webhook %s: %w", id, err)
	}
	return v, nil
}

func (s *Store) liveWebhook(txn *badger.Txn, id record.ID) (*persist.View, error) {
	h, payload, err := s.livePayload(txn, id)
	if err != nil {
		return nil, err
	}
	t, err := s.readAttemptRows(txn, id)
	if err != nil {
		return nil, err
	}
	at := record.Position{Rank: t.rank(h.rank), ID: id}
	item, err := txn.Get(entryKey(h.queue, at))
	if errors.Is(err, badger.ErrKeyNotFound) { // of a group that is not committed yet
		return nil, persist.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	var e record.Entry
	if err := item.Value(func(b []byte) (err error) { e, err = record.ReadEntry(at, b); return err }); err != nil {
		return nil, err
	}
	return &persist.View{Payload: payload, Entry: &e, Attempts: t.attempts}, nil
}

// finishedWebhook reads a webhook from history. What is damaged of it is as if its retention had passed.
func (s *Store) finishedWebhook(id record.ID) (*persist.View, error) {
	row, err := s.kept(s.meta, id)
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, persist.ErrNotFound
	}
	final, err := record.DecodeFinal(row)
	if err != nil {
		return nil, err
	}
	v := &persist.View{Final: final, Attempts: final.Attempts}
	v.Payload, err = s.kept(s.body, id)
	return v, err
}

// kept returns what is kept of a webhook; nil where nothing is, or what is damaged.
func (s *Store) kept(of *shelf, id record.ID) ([]byte, error) {
	value, err := of.find(id)
	if errors.Is(err, record.ErrFormat) {
		s.log.Error().Err(err).Stringer("id", id).Msg("a record of history is damaged")
		return nil, nil
	}
	return value, err
}
