package badgerstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist/record"
)

// openJournal moves what the last run left in the journal to the live database, and removes its files. It sets the
// clock behind all that they tell of. A file that is damaged is set aside for whoever looks into it, when what is whole
// of it is in the database.
func (s *Store) openJournal(c *clock) (*journal, error) {
	j := &journal{dir: filepath.Join(s.dir, "journal"), limit: journalSize}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return nil, err
	}
	numbers, aside, err := j.find()
	if err != nil {
		return nil, err
	}
	s.setAside.Add(uint64(aside)) //nolint:gosec // a count
	if len(numbers) == 0 {
		return j, nil
	}
	live, damaged, err := s.replayJournal(j, numbers, c)
	if err != nil {
		return nil, err
	}
	if err := s.adoptJournal(live, c); err != nil {
		return nil, fmt.Errorf("moving %d webhooks from the journal: %w", len(live), err)
	}
	for _, number := range numbers { // oldest first, each for good: see retireOldest
		path := j.path(number)
		if slices.Contains(damaged, number) {
			s.setAside.Add(1)
			err = os.Rename(path, path+damagedSuffix)
		} else {
			err = os.Remove(path)
		}
		if err = errors.Join(err, syncDir(j.dir)); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// replayJournal reads the journal's files: what is live in them, and which of them are damaged.
func (s *Store) replayJournal(j *journal, numbers []uint64, c *clock) (
	live map[record.ID]journaled, damaged []uint64, err error,
) {
	files := make([][]byte, len(numbers))
	for i, number := range numbers {
		if files[i], err = os.ReadFile(j.path(number)); err != nil {
			return nil, nil, err
		}
	}
	live = map[record.ID]journaled{}
	for i, number := range numbers {
		b, used := files[i], int64(-1) // of the last one nobody tells how much counts
		if i+1 < len(files) && numbers[i+1] == number+1 {
			if h, ok := readFileHead(files[i+1], number+1); ok {
				used = h.before
				b = b[:min(used, int64(len(b)))] // what failed to be written may stand behind it
			}
		}
		end, whole, err := replay(b, number, c, live)
		if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", j.path(number), err)
		}
		if !whole || used >= 0 && end != used {
			damaged = append(damaged, number)
			s.log.Error().Str("file", j.path(number)).Int64("whole_to", end).Int64("of", max(used, int64(len(b)))).
				Msg("damaged file of the journal set aside: webhooks may be missing, or be sent again")
		}
	}
	return live, append(damaged, s.openSealed(live)...), nil
}

// openSealed opens the payloads that the journal has sealed, and returns the files of those that do not open: these are
// left out of live, others must not wait for them.
func (s *Store) openSealed(live map[record.ID]journaled) (damaged []uint64) {
	for id, r := range live {
		if r.sealed == nil {
			continue
		}
		payload, err := s.fresh.sealer.Open(r.payload, r.sealed)
		if err != nil {
			damaged = append(damaged, r.file)
			s.log.Error().Err(err).Stringer("id", id).Uint64("file", r.file).
				Msg("a webhook in the journal does not open; its file is set aside")
			delete(live, id)
			continue
		}
		r.payload, r.sealed = payload, nil
		live[id] = r
	}
	return damaged
}

// replay reads a file's whole frames and returns where the last one ends. What follows it in the last file is what was
// being written when the process ended, and nobody was told of it. But a frame is begun only when the one before it is
// durable: what is not one between two others, or is not the head, is damage.
func replay(b []byte, number uint64, c *clock, live map[record.ID]journaled) (end int64, whole bool, err error) {
	h, whole := readFileHead(b, number)
	if !whole {
		return 0, false, nil
	}
	for at := fileHeadSize; ; {
		skipped, body := nextFrame(b[at:], h.salt)
		if body == nil {
			return int64(at), whole, nil
		}
		whole = whole && skipped == 0
		at += skipped + frameLead + len(body)
		ms, last, err := readFrameRecords(body, func(r journaled) {
			if r.gone {
				delete(live, r.entry.ID)
			} else {
				r.file = number
				live[r.entry.ID] = r
			}
		})
		if err != nil {
			return 0, false, err
		}
		c.advance(ms, last)
	}
}

// adoptJournal puts webhooks into the live database that it does not have yet: a crash may have come between moving one
// there and telling so in the journal, and it may have been tried and moved on there. The clock that the journal told
// goes with them.
func (s *Store) adoptJournal(live map[record.ID]journaled, c *clock) error {
	ids := make([]record.ID, 0, len(live))
	for id := range live {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, record.ID.Compare)
	txn := s.db.NewTransaction(true)
	defer func() { txn.Discard() }()
	pending := 0 // bytes
	for _, id := range ids {
		r := live[id]
		if _, err := txn.Get(idKey(kindPayload, id)); !errors.Is(err, badger.ErrKeyNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		err := txn.Set(idKey(kindPayload, id), payloadRow(r.queue, r.entry.Rank, r.payload))
		if err == nil {
			err = txn.Set(entryKey(r.queue, r.entry.Position), r.entry.Append(nil))
		}
		if err != nil {
			return err
		}
		if pending += len(r.payload) + 256; pending >= spillBytes { // both rows of a webhook, and far below a transaction's bounds
			if err := txn.Commit(); err != nil {
				return err
			}
			txn, pending = s.db.NewTransaction(true), 0
		}
	}
	if err := txn.Set([]byte{kindClock}, c.row()); err != nil {
		return err
	}
	return txn.Commit()
}
