package badgerstore

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	ballastSize = 16 << 20 // bytes
	// Below it the ballast goes: Badger writes through mapped files, where a full disk is not an error but a SIGBUS.
	ballastFloor = 64 << 20
	// Below it even settling is refused, for that reason.
	exhaustedFloor = 4 << 20
	// Below it nothing is accepted: the store makes files as it goes, of the journal, of history and of tables, and a live database
	// that cannot make one is done for.
	filesFloor = 64
)

// keepBallast makes the ballast, or gives it up, as there is room.
func (s *space) keepBallast(free uint64) {
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

// roomOf returns what an unprivileged process may still write on the file system of dir.
func roomOf(dir string) (room, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return room{}, err
	}
	r := room{free: st.Bavail * uint64(st.Bsize), files: noLimit} //nolint:gosec // a block size is positive
	if st.Files > 0 {                                             // others make room for a file as it comes
		r.files = st.Ffree
	}
	return r, nil
}
