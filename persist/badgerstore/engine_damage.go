package badgerstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// Badger takes the files of the live database as it finds them: a log of a memtable up to the first byte that is not as it was
// written, whatever stands whole behind it, and of the tables those that the manifest names; it deletes the others. Here they are
// looked at before it opens them, so that damage is told, and costs no more than what is damaged.

// inspectEngine mends what is damaged of a live database's files in dir, keeps the damaged ones, and returns how many of these
// there are by now. Its error says what is not to be mended.
func inspectEngine(dir string, log zerolog.Logger) (aside int, err error) {
	if err := inspectTables(dir); err != nil {
		return 0, err
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return 0, err
	}
	for _, path := range logs {
		if err := inspectLog(path, log); err != nil {
			return 0, err
		}
	}
	kept, err := filepath.Glob(filepath.Join(dir, "*"+damagedSuffix))
	return len(kept), err
}

func inspectLog(path string, log zerolog.Logger) error {
	b, unmap, err := mapFile(path)
	if err != nil {
		return err
	}
	defer unmap()
	whole, at := mendLog(b)
	if whole == nil {
		return nil
	}
	log.Error().Str("file", path).Int("at", at).Str("kept", path+damagedSuffix).
		Msg("damaged log of the live database: webhooks may be missing, or be sent again")
	return setLogAside(path, whole)
}

// mapFile returns a file's bytes, of which nothing but what is looked at takes memory, until unmap.
func mapFile(path string) (b []byte, unmap func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return nil, func() {}, err
	}
	b, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping %s: %w", path, err)
	}
	return b, func() { _ = unix.Munmap(b) }, nil
}

// inspectTables refuses tables without the manifest that names them, and one that breaks off: Badger would delete those that it
// does not name. A process that dies while it writes tables leaves some that are not named, too: what is in them is elsewhere.
func inspectTables(dir string) error {
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		return err
	}
	path := filepath.Join(dir, badger.ManifestFilename)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is missing, which names the %d tables beside it: restore it, with them, from a backup", path, len(tables))
	}
	if err != nil {
		return err
	}
	defer f.Close()
	m, whole, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir))
	if err != nil {
		return fmt.Errorf("%s is damaged: restore it, with the tables beside it, from a backup: %w", path, err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == whole {
		return err
	}
	for _, table := range tables {
		var id uint64
		if _, err := fmt.Sscanf(filepath.Base(table), "%d.sst", &id); err != nil {
			continue
		}
		if _, named := m.Tables[id]; !named {
			return fmt.Errorf("%s breaks off at %d of %d bytes and does not name %s: restore it, with the tables, from a backup",
				path, whole, size, table)
		}
	}
	return nil
}

// setLogAside puts a log's whole part in its place and keeps what stood there.
func setLogAside(path string, whole []byte) error {
	if err := writeSynced(path+".mended", whole); err != nil {
		return err
	}
	if err := os.Link(path, path+damagedSuffix); err != nil {
		return err
	}
	if err := os.Rename(path+".mended", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
