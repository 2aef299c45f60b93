package badgerstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/persist"
)

const (
	ballastSize = 16 << 20 // bytes
	// Below it the ballast goes: Badger writes through mapped files, where a full disk is not an error but a SIGBUS.
	ballastFloor = 64 << 20
	// Below it even settling is refused, for that reason.
	exhaustedFloor = 4 << 20
)

// space watches how much of the disk is free, and whether the directory is still there, at most once a second, and keeps a ballast: a file whose release lets
// settling, which frees space, go on for a while when everything else has filled the disk.
type space struct {
	dir     string
	lock    *os.File // the directory's
	minFree uint64
	log     zerolog.Logger
	statfs  func(dir string) (free uint64, err error)

	mu      sync.Mutex
	looked  time.Time
	free    uint64
	short   bool // free was below minFree
	ballast bool
	gone    error // persist.ErrUnwritable, while the directory is not where it was
}

func openSpace(dir string, lock *os.File, minFree uint64, log zerolog.Logger) (*space, error) {
	s := &space{dir: dir, lock: lock, minFree: minFree, log: log, statfs: freeBytes}
	free, err := s.statfs(dir)
	if err != nil {
		return nil, fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
	s.note(free)
	s.looked = time.Now()
	return s, nil
}

// refuses returns why nothing more should be accepted: persist.ErrFull or persist.ErrUnwritable; nil: it may be.
func (s *space) refuses() error {
	free := s.look()
	if err := s.away(); err != nil {
		return err
	}
	if free < s.minFree {
		return fmt.Errorf("%s has less than %d bytes free: %w", s.dir, s.minFree, persist.ErrFull)
	}
	return nil
}

// away returns why what is written may not be there at the next start, as of the last look; nil: it will be.
func (s *space) away() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

// lookForDir notices that the directory was deleted, moved or covered. What is written then goes to files that have no name any
// more, or another one, and the next start would not find it.
func (s *space) lookForDir() {
	there, err := os.Stat(filepath.Join(s.dir, lockName))
	if err == nil {
		var ours os.FileInfo
		if ours, err = s.lock.Stat(); err == nil && !os.SameFile(there, ours) {
			err = errors.New("another is in its place")
		}
	}
	was := s.gone
	if s.gone = nil; err != nil {
		s.gone = fmt.Errorf("%w: %s is not the directory any more that was opened: %w", persist.ErrUnwritable, s.dir, err)
	}
	switch {
	case was == nil && s.gone != nil:
		s.log.Error().Err(s.gone).Msg("accepting no more webhooks: what was accepted is sent as far as it can be, and what of it waits is lost with this process unless the directory is put back")
	case was != nil && s.gone == nil:
		s.log.Info().Str("dir", s.dir).Msg("the data directory is back: accepting webhooks")
	}
}

// exhausted reports that nothing can be written safely.
func (s *space) exhausted() bool { return s.look() < exhaustedFloor }

// look returns the free bytes as of the last second.
func (s *space) look() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if since := now.Sub(s.looked); since >= 0 && since < time.Second {
		return s.free
	}
	s.looked = now
	if s.lookForDir(); s.gone != nil {
		return s.free
	}
	free, err := s.statfs(s.dir)
	if err != nil { // what was known is the best guess there is
		s.log.Error().Err(err).Str("dir", s.dir).Msg("cannot ask for the free disk space")
		return s.free
	}
	s.note(free)
	return s.free
}

func (s *space) note(free uint64) {
	s.free = free
	if short := free < s.minFree; short != s.short {
		s.short = short
		if short {
			s.log.Error().Str("dir", s.dir).Uint64("free", free).Uint64("want", s.minFree).
				Msg("too little free disk space: accepting no more webhooks")
		} else {
			s.log.Info().Str("dir", s.dir).Uint64("free", free).Msg("enough free disk space: accepting webhooks")
		}
	}
	path := filepath.Join(s.dir, "ballast")
	var err error
	switch {
	case free < ballastFloor:
		s.ballast = false
		if err = os.Remove(path); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	case !s.ballast && free >= ballastFloor+2*ballastSize:
		s.ballast = true
		err = fillBallast(path)
	}
	if err != nil {
		s.log.Warn().Err(err).Msg("ballast file")
	}
}

// fillBallast makes the file take its bytes on disk; zeros do on all but compressing file systems.
func fillBallast(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Size() < ballastSize {
		_, err = f.WriteAt(make([]byte, ballastSize), 0)
	}
	return errors.Join(err, f.Close())
}

// freeBytes returns what an unprivileged process may still write on the file system of dir.
func freeBytes(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return st.Bavail * uint64(st.Bsize), nil //nolint:gosec // a block size is positive
}
