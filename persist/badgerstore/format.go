package badgerstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	formatName   = "FORMAT"
	lockName     = "LOCK"
	formatNumber = 1 // raised when an older release would misread the directory
)

// claim makes dir a store's if it is nobody's, and locks it until the returned file is closed.
func claim(dir string) (lock *os.File, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("badgerstore: creating %s: %w", dir, err)
	}
	if err := checkOurs(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, lockName)
	lock, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("badgerstore: locking %s: %w", dir, err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(
			fmt.Errorf("badgerstore: locking %s: %w: another process has it open; stop that one first", path, err),
			lock.Close())
	}
	if err := checkFormat(dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// checkOurs refuses to settle among files that somebody else put there.
func checkOurs(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("badgerstore: reading %s: %w", dir, err)
	}
	foreign := ""
	for _, n := range names {
		switch n.Name() {
		case formatName:
			return nil
		case lockName, formatName + ".new", "lost+found": // an interrupted first start; a fresh file system
		default:
			foreign = n.Name()
		}
	}
	if foreign != "" {
		return fmt.Errorf("badgerstore: %s is not a Sluice data directory (it has %q but no %s file): name an empty one",
			dir, foreign, formatName)
	}
	return nil
}

// checkFormat reads the directory's format, or writes it in a new one. The caller holds the lock.
func checkFormat(dir string) error {
	path := filepath.Join(dir, formatName)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return writeSynced(path, fmt.Appendf(nil, "sluice %d\n", formatNumber))
	}
	if err != nil {
		return fmt.Errorf("badgerstore: reading the format of %s: %w", dir, err)
	}
	number, ours := strings.CutPrefix(strings.TrimSpace(string(text)), "sluice ")
	n, err := strconv.Atoi(number)
	if !ours || err != nil || n < 1 {
		return fmt.Errorf("badgerstore: %s says %q: want \"sluice %d\"", path, text, formatNumber)
	}
	if n > formatNumber {
		return fmt.Errorf("badgerstore: %s has format %d, this release reads up to %d: run a newer release",
			dir, n, formatNumber)
	}
	return nil
}

// writeSynced makes a file appear whole or not at all, also after a power cut.
func writeSynced(path string, data []byte) (err error) {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("badgerstore: writing %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("badgerstore: writing %s: %w", path, err)
	}
	return nil
}

// syncDir makes the names in a directory survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
