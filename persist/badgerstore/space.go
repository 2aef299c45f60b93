package badgerstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist"
)

const (
	// sightFor is how long a look at the disk counts.
	sightFor = time.Second
	// lookPatience is how long a look may take before the file system counts as one that does not answer.
	lookPatience = 3 * time.Second
)

// space watches how much of the disk is free, and whether the directory is still there, at most once a second, and keeps a ballast: a file whose release lets
// settling, which frees space, go on for a while when everything else has filled the disk. It looks on a goroutine of its own, while no
// lock is held: asking a file system may take for ever (a server of NFS that is gone, a disk that dies), and then nobody waits for it
// for longer than lookPatience, and only those who come in that time.
type space struct {
	dir     string
	lock    *os.File // the directory's
	minFree uint64
	log     zerolog.Logger
	ask     func(dir string) (room, error) // roomOf, but in tests

	last atomic.Pointer[sight]

	mu      sync.Mutex
	looking chan struct{} // closed when the look under way is over; nil: there is none
	since   time.Time     // when that began
	silent  bool          // it takes too long, and the log says so
	closed  bool

	ballast bool // of the goroutine that looks
}

// room is what a file system has left.
type room struct {
	free  uint64 // bytes, for an unprivileged process
	files uint64 // that can be made; noLimit where the file system has no table of them
}

const noLimit = 1<<64 - 1

// sight is what a look found.
type sight struct {
	at time.Time
	room
	gone error // persist.ErrUnwritable, while the directory is not where it was
}

func openSpace(dir string, lock *os.File, minFree uint64, log zerolog.Logger) (*space, error) {
	s := &space{dir: dir, lock: lock, minFree: minFree, log: log, ask: roomOf}
	r, err := s.ask(dir)
	if err != nil {
		return nil, fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
	now := &sight{at: time.Now(), room: r}
	s.tell(&sight{room: room{noLimit, noLimit}}, now)
	s.keepBallast(r.free)
	s.last.Store(now)
	return s, nil
}

// refuses returns why nothing more should be accepted: persist.ErrFull, persist.ErrNoFiles, persist.ErrSilent or
// persist.ErrUnwritable; nil: it may be.
func (s *space) refuses() error {
	now, err := s.look()
	switch {
	case err != nil:
		return err
	case now.gone != nil:
		return now.gone
	}
	return s.short(now.room)
}

// exhausted returns why nothing can be written safely: persist.ErrFull or persist.ErrSilent; nil: it can.
func (s *space) exhausted() error {
	now, err := s.look()
	if err == nil && now.free < exhaustedFloor {
		err = fmt.Errorf("%s has less than %d bytes free: %w", s.dir, exhaustedFloor, persist.ErrFull)
	}
	return err
}

// closes reports that there is room for what closing the live database writes, and that it is there at the next start.
func (s *space) closes() bool {
	now, err := s.look()
	return err == nil && now.gone == nil && now.free >= ballastFloor
}

// look returns what was found within the last second. Where it has to look for that and hears nothing, it returns
// persist.ErrSilent.
func (s *space) look() (*sight, error) {
	last := s.last.Load()
	if since := time.Since(last.at); since >= 0 && since < sightFor {
		return last, nil
	}
	s.mu.Lock()
	if s.looking == nil {
		s.looking, s.since = make(chan struct{}), time.Now()
		go s.lookNow(s.looking)
	}
	looking, since := s.looking, s.since
	s.mu.Unlock()
	patience := time.NewTimer(lookPatience - time.Since(since))
	defer patience.Stop()
	select {
	case <-looking:
		return s.last.Load(), nil
	case <-patience.C:
		return nil, s.hearsNothing(looking)
	}
}

// hearsNothing is told that a look takes too long, and says so once.
func (s *space) hearsNothing(look chan struct{}) error {
	err := fmt.Errorf("%s has not answered for %s: %w", s.dir, lookPatience, persist.ErrSilent)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.looking == look && !s.silent {
		s.silent = true
		s.log.Error().Err(err).Msg("accepting no more webhooks until it answers")
	}
	return err
}

// lookNow looks, and lets go of those who wait for that.
func (s *space) lookNow(over chan struct{}) {
	was := s.last.Load()
	now := &sight{room: was.room, gone: s.lookForDir()}
	if now.gone == nil {
		r, err := s.ask(s.dir)
		if err != nil { // what was known is the best guess there is
			s.log.Error().Err(err).Str("dir", s.dir).Msg("cannot ask for the free disk space")
			r = was.room
		}
		now.room = r
		s.keepBallast(r.free)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.looking = nil; !s.closed {
		if s.silent {
			s.log.Info().Str("dir", s.dir).Dur("after_ms", time.Since(s.since)).Msg("the file system answers again")
		}
		s.tell(was, now)
	}
	s.silent = false
	now.at = time.Now()
	s.last.Store(now)
	close(over)
}

// close has nothing more said, and waits for a look that is under way, but not for one that hangs.
func (s *space) close() {
	s.mu.Lock()
	s.closed = true
	looking, since := s.looking, s.since
	s.mu.Unlock()
	if looking == nil {
		return
	}
	select {
	case <-looking:
	case <-time.After(lookPatience - time.Since(since)):
	}
}

// lookForDir returns why the directory is not the one any more that was opened: it was deleted, moved or covered. What is written then goes
// to files that have no name any more, or another one, and the next start would not find it.
func (s *space) lookForDir() error {
	there, err := os.Stat(filepath.Join(s.dir, lockName))
	if err == nil {
		var ours os.FileInfo
		if ours, err = s.lock.Stat(); err == nil && !os.SameFile(there, ours) {
			err = errors.New("another is in its place")
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %s is not the directory any more that was opened: %w", persist.ErrUnwritable, s.dir, err)
	}
	return nil
}

// tell logs what has changed.
func (s *space) tell(was, now *sight) {
	switch {
	case was.gone == nil && now.gone != nil:
		s.log.Error().Err(now.gone).Msg("accepting no more webhooks: what was accepted is sent as far as it can be, and what of it waits is lost with this process unless the directory is put back")
	case was.gone != nil && now.gone == nil:
		s.log.Info().Str("dir", s.dir).Msg("the data directory is back: accepting webhooks")
	}
	before, short := s.short(was.room), s.short(now.room)
	switch {
	case short != nil && before == nil:
		s.log.Error().Err(short).Uint64("free", now.free).Msg("accepting no more webhooks")
	case short == nil && before != nil:
		s.log.Info().Str("dir", s.dir).Uint64("free", now.free).Msg("there is room on the disk again: accepting webhooks")
	}
}

// short returns what there is too little of; nil: there is enough.
func (s *space) short(r room) error {
	switch {
	case r.free < s.minFree:
		return fmt.Errorf("%s has less than %d bytes free: %w", s.dir, s.minFree, persist.ErrFull)
	case r.files < filesFloor:
		return fmt.Errorf("in %s less than %d files can be made: %w", s.dir, filesFloor, persist.ErrNoFiles)
	}
	return nil
}
