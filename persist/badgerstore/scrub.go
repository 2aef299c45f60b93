package badgerstore

import (
	"crypto/cipher"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"
)

// Badger does not notice that a block of a table is damaged: what stands there may be nothing to who reads, and gone for good once
// it is compacted. So the tables are read again and again, one by one, as a file system is scrubbed, and the first that is not as
// it was written ends the store, by name, before that costs more.

const (
	// scrubEvery is the time between two tables: of at most some 5 MB each.
	scrubEvery = time.Second
	// scrubPause is how long after the last table the first one's turn comes.
	scrubPause = time.Minute
)

// scrub reads the tables until stop is closed.
type scrub struct {
	store *Store
	stop  chan struct{}
	ended chan struct{}
	left  []uint64 // of this round, the tables that are still to be read
}

func newScrub(s *Store) *scrub {
	return &scrub{store: s, stop: make(chan struct{}), ended: make(chan struct{})}
}

func (r *scrub) run() {
	defer close(r.ended)
	next := time.NewTimer(scrubPause)
	defer next.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-next.C:
		}
		if len(r.left) == 0 {
			r.left = r.store.tables()
		}
		if len(r.left) > 0 {
			if err := r.store.verify(r.left[0]); err != nil {
				_ = r.store.damaged(err) // which tells it
				return
			}
			r.left = r.left[1:]
		}
		if next.Reset(scrubEvery); len(r.left) == 0 {
			next.Reset(scrubPause)
		}
	}
}

func (r *scrub) close() {
	close(r.stop)
	<-r.ended
}

// tables are the numbers of the tables in use.
func (s *Store) tables() []uint64 {
	all := s.db.Tables()
	ids := make([]uint64, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	return ids
}

// verify reads a table whole and says how it is damaged; nil: it is not, or not in use any more.
func (s *Store) verify(id uint64) error {
	err := s.readWhole(id)
	if err != nil && !slices.Contains(s.tables(), id) { // it was being deleted
		return nil
	}
	return err
}

// readWhole is inspectTable of a file that may be going, and of a disk that may not be read.
func (s *Store) readWhole(id uint64) (err error) {
	dir := filepath.Join(s.dir, "live")
	path := filepath.Join(dir, fmt.Sprintf("%06d.sst", id))
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s, a table of the live database, cannot be read: %v", path, p)
		}
	}()
	var key cipher.Block
	if !s.opt.Key.IsZero() {
		var known bool
		if key, known = s.keyring(dir).ofTable(id); !known {
			return nil // it is going, or its turn comes again
		}
	}
	if _, err = inspectTable(path, key, true); os.IsNotExist(err) {
		return fmt.Errorf("%s is missing, a table of the live database", path)
	}
	return err
}
