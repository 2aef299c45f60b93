package badgerstore

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/persist/seal"
)

const (
	formatName   = "FORMAT"
	lockName     = "LOCK"
	formatNumber = 1 // raised when an older release would misread the directory
	// sealedNumber is the format of a directory whose contents are encrypted. Its second line holds nothing, sealed: by
	// that its key is known.
	sealedNumber = 2
	sealedWord   = "encrypted "
)

// claim makes dir a store's if it is nobody's, and locks it until the returned file is closed.
func claim(dir string, key seal.Key) (lock *os.File, err error) {
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
	if err := checkFormat(dir, key); err != nil {
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

// checkFormat reads the directory's format, or writes it in a new one. The caller holds the lock, and nothing else was
// looked into: whoever is refused has damaged nothing.
func checkFormat(dir string, key seal.Key) error {
	path := filepath.Join(dir, formatName)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return writeSynced(path, newFormat(key))
	}
	if err != nil {
		return fmt.Errorf("badgerstore: reading the format of %s: %w", dir, err)
	}
	first, second, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	number, ours := strings.CutPrefix(first, "sluice ")
	n, err := strconv.Atoi(number)
	if !ours || err != nil || n < 1 || n < sealedNumber && second != "" {
		return fmt.Errorf("badgerstore: %s says %q: want \"sluice %d\", or \"sluice %d\" and a line behind it",
			path, text, formatNumber, sealedNumber)
	}
	if n > sealedNumber {
		return fmt.Errorf("badgerstore: %s has format %d, this release reads up to %d: run a newer release",
			dir, n, sealedNumber)
	}
	if err := checkKey(n == sealedNumber, second, key); err != nil {
		return fmt.Errorf("badgerstore: %s: %w", dir, err)
	}
	return nil
}

func newFormat(key seal.Key) []byte {
	if key.IsZero() {
		return fmt.Appendf(nil, "sluice %d\n", formatNumber)
	}
	proof := key.Sealer("format").Seal(nil, nil, []byte(formatName))
	return fmt.Appendf(nil, "sluice %d\n%s%x\n", sealedNumber, sealedWord, proof)
}

// The reasons why a directory is not opened with the key that was given, or without one.
var (
	errNoKey       = errors.New("its data is encrypted: want the key that it was begun with")
	errNeedlessKey = errors.New("its data is not encrypted, but a key was given: open it without, or name an empty directory to begin an encrypted one")
	errOtherKey    = errors.New("its data is encrypted with another key: want the one that it was begun with")
)

// checkKey tells whether a directory, encrypted or not, was begun with a key, by the proof in its format.
func checkKey(sealed bool, proof string, key seal.Key) error {
	switch {
	case !sealed && key.IsZero():
		return nil
	case !sealed:
		return errNeedlessKey
	case key.IsZero():
		return errNoKey
	}
	text, ok := strings.CutPrefix(proof, sealedWord)
	b, err := hex.DecodeString(text)
	if !ok || err != nil {
		return fmt.Errorf("its %s file does not tell which key it was begun with, but %q: restore that file", formatName, proof)
	}
	if _, err := key.Sealer("format").Open(b, []byte(formatName)); err != nil {
		return errOtherKey
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
