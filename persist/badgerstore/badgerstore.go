// Package badgerstore keeps webhooks on the local disk: persist.Store on an embedded Badger, for one process.
//
// One goroutine, the committer, is the only writer of the journal and of the live database. Everyone else hands it
// operations and waits; what arrives while it commits forms the next group, so that many callers share one sync without
// a timer. A webhook is accepted into the journal (journal.go, journal_frame.go), and most end there. What is tried again, or
// stays long, is moved to the live database (spill.go; replay.go, at opening): a webhook is live where it is in one of
// them, and fresh.go tells what is in the journal. In the database from the start is what must be written with rows of other
// kinds, a group with an idempotency key, of an event, or with the first of a queue, and what comes while the journal is behind
// (enqueue.go, write); but a group that is too large for one transaction is in the journal first whatever it holds
// (large_group.go).
//
// Finished webhooks are written to history (history.go), append-only files dropped whole when their time or the space is up,
// by a second goroutine in front of the committer: history first, then the live rows go.
//
// The live database, by the first byte of its keys (all numbers big-endian; rows.go has the layouts):
//
//	w id                      -> where it was queued first, and its payload; written once, when it comes here
//	j part queue rank id      -> record.Entry, all that a retry rewrites
//	a id slot                 -> record.Attempt of a live webhook, or where it was moved without one
//	q part queue              -> record.Queue and its mark
//	s part kind host 0 lane   -> a host's, a lane's or a flow's state
//	i key                     -> idempotency: id and fingerprint, for 24 hours
//	e key                     -> an event: its fingerprint, its webhooks' ids and its record, as long as it is kept
//	d kind key                -> a document
//	g first id                -> last id of a group that an earlier release did not finish writing (unfinished.go)
//	c                         -> the store's clock and the last id it gave
//	x key                     -> a row that could not be read, set aside as it was
//
// The package never decides when a webhook is sent, and it reads no clock but time.Now.
package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// The defaults of Options, and the bounds that have no option.
const (
	DefaultMinFree    = 2 << 30   // bytes
	DefaultMaxWebhook = 768 << 10 // bytes; a record of this size is stored inline, see engine.go

	maxPending     = 64 << 20 // bytes of deposits that wait for the committer; beyond it persist.ErrBusy
	idempotencyTTL = 24 * time.Hour
)

// Options say how a store behaves; the zero value is usable and keeps no history.
type Options struct {
	// Committed is told of every group's new deposits, in the order of their ids, after they are safe on disk and before
	// Enqueue returns. It is called by the committer: it must not block and must not call the store. Nil: nobody is.
	Committed func([]persist.Committed)
	// Failed is told once that the store cannot be written any more, or the live database not be read, as all calls that write
	// are from then on, with an error that is persist.ErrFailed. What it could not write is in the journal, or was never
	// accepted: close it, end the process, and open it in another. It is called by the committer, as Committed is, or by who
	// reads. Nil: nobody is.
	Failed func(error)
	// Retention says how long finished webhooks are kept.
	Retention Retention
	// Ahead is by how much the wall clock was set forward without that being believed yet: history does not go for it alone. It is
	// called by who removes history, and must not block. Nil: the clock is believed.
	Ahead func() time.Duration
	// MinFree is how many bytes must be free on the disk for Enqueue to accept more; 0: DefaultMinFree.
	MinFree uint64
	// MaxWebhook bounds one deposit's payload in bytes; 0: DefaultMaxWebhook. At most 1,000,000.
	MaxWebhook int
	// Key encrypts what is kept; the same for the directory's whole life. Zero: nothing is encrypted. Open refuses a
	// directory that was begun with another one, or the one without the other.
	Key seal.Key
	// NoCompaction leaves the live database as it is written: it grows, and stalls at some 240 MB. For tests in virtual
	// time only, where those who compact would wake 40 times in each of its seconds.
	NoCompaction bool
	// DespiteLoss has Open go on where something is missing that was written: what was in it is lost. It is an operator's word, for
	// one start.
	DespiteLoss bool
	Log         zerolog.Logger

	still  bool            // see committer
	hurry  bool            // tableTime is over from the beginning
	sought chan<- struct{} // see emptied
}

// Retention bounds the history of finished webhooks. Live ones are never subject to it. A settlement's Keep wins over the
// times.
type Retention struct {
	Metadata time.Duration // of record.Final, from FinishedAt on; 0: not kept
	Body     time.Duration // of payloads; 0: not kept
	MaxSize  int64         // bytes of both together, it wins over the times; 0: unbounded
}

// Store is a persist.Store in a directory of its own.
type Store struct {
	dir   string
	opt   Options
	log   zerolog.Logger
	lock  *os.File
	db    *badger.DB
	space *space

	meta, body *shelf // of history

	committer *committer
	historian *historian
	scrub     *scrub // nil where nothing is compacted
	recent    recent
	fresh     fresh

	pageTime time.Duration        // pageTime, but in tests
	remove   func(*segment) error // segment.remove, but in tests

	tally    *tally
	suspect  bool          // the process before crashed
	setAside atomic.Uint64 // rows moved below x, and damaged files of the journal

	// life is held for reading by every call that reads db, so that Close does not pull it from under them.
	life   sync.RWMutex
	closed bool
}

var _ persist.Store = (*Store)(nil)

// Open opens the store in dir, or creates it where dir is empty or absent. Only one process can have it open. It
// refuses a directory that is not a store's and formats newer than it knows, and one of which something is missing
// (persist.ErrLost) or cannot be read; what a crash left half-written is discarded here.
func Open(dir string, o Options) (*Store, error) {
	if o.MinFree == 0 {
		o.MinFree = DefaultMinFree
	}
	if o.Ahead == nil {
		o.Ahead = func() time.Duration { return 0 }
	}
	if o.MaxWebhook == 0 {
		o.MaxWebhook = DefaultMaxWebhook
	}
	if o.MaxWebhook < 0 || o.MaxWebhook > LargestPayload {
		return nil, fmt.Errorf("badgerstore: MaxWebhook %d: want 1 to %d bytes", o.MaxWebhook, LargestPayload)
	}
	lock, err := claim(dir, o.Key)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, opt: o, log: o.Log, lock: lock, pageTime: pageTime, remove: (*segment).remove}
	s.fresh.sealer = o.Key.Sealer("journal")
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("badgerstore: opening %s: %w", dir, err), s.release())
	}
	return s, nil
}

func (s *Store) open() (err error) {
	if s.space, err = openSpace(s.dir, s.lock, s.opt.MinFree, s.log); err != nil {
		return err
	}
	if s.tally, err = openTally(s.dir, s.log); err != nil {
		return err
	}
	if s.suspect, err = s.crashed(); err != nil {
		return err
	}
	live := filepath.Join(s.dir, "live")
	aside, err := s.inspectEngine(live)
	if err != nil {
		return err
	}
	s.setAside.Add(uint64(aside)) //nolint:gosec // a count
	if s.db, err = openEngine(live, &s.opt); err != nil {
		return err
	}
	if err = s.checkVersion(live); err != nil {
		return err
	}
	if err = s.setCrashAside(); err != nil {
		return err
	}
	if err = s.openHistory(); err != nil {
		return err
	}
	if err = s.discardUnfinished(); err != nil {
		return err
	}
	if err = s.countAside(); err != nil {
		return err
	}
	clock, err := s.readClock()
	if err != nil {
		return err
	}
	journal, err := s.openJournal(clock)
	if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	if err = syncDir(s.dir); err != nil { // the names of what is in it
		return err
	}
	clock.tell()
	s.committer = newCommitter(s, clock, journal)
	s.historian = newHistorian(s)
	go s.committer.run()
	go s.historian.run()
	if !s.opt.NoCompaction { // which is for virtual time
		s.scrub = newScrub(s)
		go s.scrub.run()
	}
	return nil
}

// Close writes what was handed over, stops all goroutines and releases the directory. Calls made after it return
// persist.ErrClosed; so does a second Close.
func (s *Store) Close() error {
	s.life.Lock()
	if s.closed {
		s.life.Unlock()
		return fmt.Errorf("badgerstore: closing %s: %w", s.dir, persist.ErrClosed)
	}
	s.closed = true
	s.life.Unlock()

	if s.scrub != nil {
		s.scrub.close()
	}
	s.historian.stop() // first: it feeds the committer
	s.committer.stop()
	if err := s.release(); err != nil {
		return fmt.Errorf("badgerstore: closing %s: %w", s.dir, err)
	}
	return nil
}

// release gives back all that open took, also when it took only some. A live database that could not be written, or whose
// disk takes nothing now, is left as it is: closing has Badger write its memtables, which is a SIGBUS where the disk is full, and its logs have what is in them.
func (s *Store) release() error {
	var errs []error
	for _, h := range []*shelf{s.meta, s.body} {
		if h != nil {
			errs = append(errs, h.close())
		}
	}
	if s.committer != nil {
		errs = append(errs, s.committer.journal.close())
	}
	if s.db != nil && (s.committer == nil || s.committer.writes()) {
		errs = append(errs, closeEngine(s.db))
	}
	if s.tally != nil {
		errs = append(errs, s.tally.close())
	}
	if s.space != nil {
		s.space.close()
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// Tend gives the one process that has the store open every partition, for ever.
func (s *Store) Tend(context.Context, persist.Member, []record.Part, time.Duration) (persist.Tenure, error) {
	parts := make([]record.Part, record.Parts)
	for i := range parts {
		parts[i] = record.Part(i)
	}
	return persist.Tenure{Parts: parts}, nil
}

// Sizes are the bytes that a store takes on disk, and how much it could not read.
type Sizes struct {
	Live     int64  // the live database: as Badger last counted, once a minute
	Metadata int64  // history of finished webhooks
	Body     int64  // history of their payloads
	SetAside uint64 // rows, and files of the journal
}

// Sizes returns what the store takes; cheap enough for every scrape of metrics.
func (s *Store) Sizes() Sizes {
	var z Sizes
	if s.read(func(*badger.Txn) error {
		lsm, vlog := s.db.Size()
		z.Live = lsm + vlog + s.committer.journal.bytes.Load()
		return nil
	}) != nil {
		return z
	}
	z.Metadata, z.Body = s.meta.bytes(), s.body.bytes()
	z.SetAside = s.setAside.Load()
	return z
}

// read runs f on a consistent view of the live database.
func (s *Store) read(f func(*badger.Txn) error) error {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.closed {
		return persist.ErrClosed
	}
	return s.view(f)
}
