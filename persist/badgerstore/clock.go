package badgerstore

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist/record"
)

// markLag is how far marks stay behind the clock, and so how long an operation may wait for the committer between
// being given a rank and being written: ranks written are never below clock - markLag, marks never above.
const markLag = 10_000 // ms

// clock gives instants that never go back and ids that only grow, whatever the wall clock does and over restarts:
// its state is a row of the database. Any goroutine may ask now; ids are the committer's.
type clock struct {
	ms   atomic.Int64 // the latest instant it gave, Unix ms
	last record.ID    // the committer's

	mu   sync.Mutex
	told record.ID // last, as of the latest round that was committed
}

// now returns the wall clock's Unix ms, or the latest instant given if that is later.
func (c *clock) now() int64 {
	wall := time.Now().UnixMilli()
	for {
		ms := c.ms.Load()
		if wall <= ms {
			return ms
		}
		if c.ms.CompareAndSwap(ms, wall) {
			return wall
		}
	}
}

// nextID returns the id after the last: random within a new millisecond, the next number within the same, as the
// ULID specification has it (https://github.com/ulid/spec#monotonicity).
func (c *clock) nextID() record.ID {
	ms := c.now()
	if uint64(ms) > c.last.Time() { //nolint:gosec // after 1970
		_ = c.last.SetTime(uint64(ms)) //nolint:gosec // fails after the year 10889 only
		_, _ = rand.Read(c.last[6:])   // never fails
		c.last[6] &= 0x7f              // room to count up
		return c.last
	}
	for i := idSize - 1; i >= 0; i-- { // an overflow of the counter carries into the time
		if c.last[i]++; c.last[i] != 0 {
			break
		}
	}
	c.ms.Store(max(c.ms.Load(), int64(c.last.Time()))) //nolint:gosec // 48 bits
	return c.last
}

// tell makes the ids given so far known to everybody, before anybody hears of what was accepted under them.
func (c *clock) tell() {
	c.mu.Lock()
	c.told = c.last
	c.mu.Unlock()
}

// LastID implements persist.Store. An id tells nothing of the wall clock: after that was set back, those given since are
// ahead of it.
func (s *Store) LastID() record.ID {
	c := s.committer.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told
}

// advance sets the clock to what another record of it tells, if that is later.
func (c *clock) advance(ms int64, last record.ID) {
	c.ms.Store(max(c.ms.Load(), ms))
	if last.Compare(c.last) > 0 {
		c.last = last
	}
}

func (c *clock) row() []byte { return clockRow(c.ms.Load(), c.last) }

// readClock sets the clock to where the last run left it.
func (s *Store) readClock() (*clock, error) {
	c := new(clock)
	err := s.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get([]byte{kindClock})
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return item.Value(func(b []byte) error {
			ms, last, err := readClockRow(b)
			if err != nil {
				return err
			}
			c.last = last
			c.ms.Store(ms)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading the clock: %w", err)
	}
	return c, nil
}
