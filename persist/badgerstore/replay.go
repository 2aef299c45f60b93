package badgerstore

import (
	"errors"
	"fmt"
	"maps"
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
	if err := s.checkFiles(j, numbers); err != nil {
		return nil, err
	}
	if len(numbers) == 0 {
		return j, nil
	}
	left, damaged, err := s.replayJournal(j, numbers, c)
	if err != nil {
		return nil, err
	}
	if err := s.adoptJournal(left, c); err != nil {
		return nil, fmt.Errorf("moving %d webhooks and %d rows from the journal: %w", len(left.live), len(left.rows), err)
	}
	if err := s.tally.adopted(numbers[len(numbers)-1]); err != nil {
		return nil, err
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

// replayed is what an earlier run left in the journal.
type replayed struct {
	live map[record.ID]journaled
	rows []journaled // in the order of their frames
}

func (p *replayed) add(r journaled) {
	switch {
	case r.row != nil:
		p.rows = append(p.rows, r)
	case r.gone:
		delete(p.live, r.entry.ID)
	default:
		p.live[r.entry.ID] = r
	}
}

// replayJournal reads the journal's files: what is left in them, and which of them are damaged.
func (s *Store) replayJournal(j *journal, numbers []uint64, c *clock) (left *replayed, damaged []uint64, err error) {
	files := make([][]byte, len(numbers))
	for i, number := range numbers {
		if files[i], err = os.ReadFile(j.path(number)); err != nil {
			return nil, nil, err
		}
	}
	left = &replayed{live: map[record.ID]journaled{}}
	for i, number := range numbers {
		b, used := files[i], int64(-1) // of the last one nobody tells how much counts, but the tally how much at least
		if i+1 < len(files) && numbers[i+1] == number+1 {
			if h, ok := readFileHead(files[i+1], number+1); ok {
				used = h.before
				b = b[:min(used, int64(len(b)))] // what failed to be written may stand behind it
			}
		}
		if was := s.tally.was; used < 0 && number == was.latest {
			used = int64(was.size) //nolint:gosec // a file's
		}
		end, whole, err := replay(b, number, c, left)
		if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", j.path(number), err)
		}
		if !whole || end < used {
			damaged = append(damaged, number)
			s.log.Error().Str("file", j.path(number)).Int64("whole_to", end).Int64("of", max(used, int64(len(b)))).
				Msg("damaged file of the journal set aside: webhooks may be missing, or be sent again")
		}
	}
	return left, append(damaged, s.openSealed(left)...), nil
}

// openSealed opens what the journal has sealed, and returns the files of that which does not open: it is left out, others must
// not wait for it.
func (s *Store) openSealed(left *replayed) (damaged []uint64) {
	left.rows = slices.DeleteFunc(left.rows, func(r journaled) bool {
		if r.sealed == nil {
			return false
		}
		value, err := s.fresh.sealer.Open(r.row.Value, r.sealed)
		if r.row.Value = value; err != nil {
			damaged = append(damaged, r.file)
			s.log.Error().Err(err).Hex("key", r.row.Key).Uint64("file", r.file).
				Msg("a row in the journal does not open; its file is set aside")
		}
		return err != nil
	})
	for id, r := range left.live {
		if r.sealed == nil {
			continue
		}
		payload, err := s.fresh.sealer.Open(r.payload, r.sealed)
		if err != nil {
			damaged = append(damaged, r.file)
			s.log.Error().Err(err).Stringer("id", id).Uint64("file", r.file).
				Msg("a webhook in the journal does not open; its file is set aside")
			delete(left.live, id)
			continue
		}
		r.payload, r.sealed = payload, nil
		left.live[id] = r
	}
	return damaged
}

// replay reads a file's whole frames and returns where the last one ends. What follows it in the last file is what was
// being written when the process ended, and nobody was told of it. But a frame is begun only when the one before it is
// durable: what is not one between two others, or is not the head, is damage.
func replay(b []byte, number uint64, c *clock, left *replayed) (end int64, whole bool, err error) {
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
			r.file = number
			left.add(r)
		})
		if err != nil {
			return 0, false, err
		}
		c.advance(ms, last)
	}
}

// adoptJournal puts webhooks and rows into the live database that it does not have yet: a crash may have come between moving
// one there and telling so in the journal, and it may have been tried and moved on there; a row may be another group's by
// now, as its time was up. The clock that the journal told goes with them.
func (s *Store) adoptJournal(left *replayed, c *clock) error {
	a := adoption{db: s.db, txn: s.db.NewTransaction(true), clock: c}
	defer func() { a.txn.Discard() }()
	for _, id := range slices.SortedFunc(maps.Keys(left.live), record.ID.Compare) {
		r := left.live[id]
		if err := a.put(
			&badger.Entry{Key: idKey(kindPayload, id), Value: payloadRow(r.queue, r.entry.Rank, r.payload)},
			&badger.Entry{Key: entryKey(r.queue, r.entry.Position), Value: r.entry.Append(nil)},
		); err != nil {
			return err
		}
	}
	for _, r := range left.rows {
		if err := a.put(r.row); err != nil {
			return err
		}
	}
	if err := a.commit(); err != nil {
		return err
	}
	s.tally.committed(a.version)
	return nil
}

// adoption writes rows in as many transactions as it takes.
type adoption struct {
	db      *badger.DB
	txn     *badger.Txn
	count   cost
	clock   *clock
	version uint64 // of what was committed
}

// commit commits what was put since the last one, with the clock: see writer.commit.
func (a *adoption) commit() error {
	if err := a.txn.Set([]byte{kindClock}, a.clock.row()); err != nil {
		return err
	}
	a.version = a.txn.ReadTs() + 1
	return a.txn.Commit()
}

// put puts rows that belong together, where there is none yet with the key of the first.
func (a *adoption) put(rows ...*badger.Entry) error {
	var k cost
	for _, e := range rows {
		k = k.plus(rowCost(len(e.Key), len(e.Value)))
	}
	if a.count.rows > 0 && !a.count.plus(k).within(cost{adoptRows, spillBytes}) {
		if err := a.commit(); err != nil {
			return err
		}
		a.txn, a.count = a.db.NewTransaction(true), cost{}
	}
	if _, err := a.txn.Get(rows[0].Key); !errors.Is(err, badger.ErrKeyNotFound) {
		return err
	}
	for _, e := range rows {
		if err := a.txn.SetEntry(e); err != nil {
			return err
		}
	}
	a.count = a.count.plus(k)
	return nil
}

// adoptRows is how many rows go in one transaction at opening, beside spillBytes: both are below what one takes.
const adoptRows = 8192
