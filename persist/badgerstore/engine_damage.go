package badgerstore

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// Badger takes the files of the live database as it finds them: a log of a memtable up to the first byte that is not as it was
// written, whatever stands whole behind it, and of the tables those that the manifest names; it deletes the others. Here they are
// looked at before it opens them, so that damage is told, and costs no more than what is damaged.

// inspectEngine mends what is damaged of a live database's files in dir, keeps the damaged ones, and returns how many of these
// there are by now. Its error says what is not to be mended, or is missing.
func (s *Store) inspectEngine(dir string) (aside int, err error) {
	keys := s.keyring(dir)
	latest, err := s.inspectTables(dir, keys)
	if err != nil {
		return 0, err
	}
	logs, err := filepath.Glob(filepath.Join(dir, "*.mem"))
	if err != nil {
		return 0, err
	}
	slices.SortFunc(logs, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }) // by number
	for _, path := range logs {
		span, err := inspectLog(path, keys, s.log)
		if err != nil {
			return 0, err
		}
		if span == (logSpan{}) {
			s.tally.was.version = 0 // what is missing of it was told
		}
		if latest, err = s.follows(path, span, latest); err != nil {
			return 0, err
		}
	}
	kept, err := filepath.Glob(filepath.Join(dir, "*"+damagedSuffix))
	return len(kept), err
}

// unknown is the number of the latest transaction where nobody knows it.
const unknown = math.MaxUint64

// follows refuses a log that does not follow on what is there of the transactions before it, of which latest is the last one's
// number: one between them is missing, or was cut short. It returns the number of the last one with the log: unknown, if that was
// mended.
func (s *Store) follows(path string, span logSpan, latest uint64) (uint64, error) {
	switch {
	case span.empty:
		return latest, nil
	case span.first == 0:
		return unknown, nil
	case latest == unknown:
		return span.last, nil
	case span.first <= latest+1:
		return max(latest, span.last), nil
	}
	return span.last, s.lost(fmt.Sprintf("%s begins with transaction %d of the live database, and what is before it ends with %d: "+
		"a log between them (a .mem file) is missing or was cut short", path, span.first, latest))
}

// logSpan is which transactions a log has, by the numbers of the first and the last. Zero: it was mended.
type logSpan struct {
	first, last uint64
	empty       bool
}

func inspectLog(path string, keys *keyring, log zerolog.Logger) (span logSpan, err error) {
	b, unmap, err := mapFile(path)
	if err != nil {
		return span, err
	}
	defer unmap()
	whole, at := mendLog(b)
	if whole == nil {
		if _, err := os.Lstat(path + damagedSuffix); err == nil { // mended by an earlier start, which did not get far
			return span, nil
		}
		return spanOf(b, keys)
	}
	kept, err := setFileAside(path, whole)
	if err != nil {
		return span, err
	}
	log.Error().Str("file", path).Int("at", at).Str("kept", kept).
		Msg("damaged log of the live database: webhooks may be missing, or be sent again")
	return span, nil
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
func (s *Store) inspectTables(dir string, keys *keyring) (latest uint64, err error) {
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		return 0, err
	}
	path := filepath.Join(dir, badger.ManifestFilename)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		if len(tables) == 0 {
			return 0, nil
		}
		return 0, fmt.Errorf("%s is missing, which names the %d tables beside it: restore it, with them, from a backup", path, len(tables))
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	m, whole, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(dir))
	if err != nil {
		return 0, fmt.Errorf("%s is damaged: restore it, with the tables beside it, from a backup: %w", path, err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if size == whole {
		return s.inspectNamed(dir, &m, keys)
	}
	for _, table := range tables {
		var id uint64
		if _, err := fmt.Sscanf(filepath.Base(table), "%d.sst", &id); err != nil {
			continue
		}
		if _, named := m.Tables[id]; !named {
			return 0, fmt.Errorf("%s breaks off at %d of %d bytes and does not name %s: restore it, with the tables, from a backup",
				path, whole, size, table)
		}
	}
	return s.inspectNamed(dir, &m, keys)
}

// setFileAside puts what is whole of a file in its place and keeps what stood there, under the name that it returns.
func setFileAside(path string, whole []byte) (kept string, err error) {
	if err := writeSynced(path+".mended", whole); err != nil {
		return "", err
	}
	kept = path + damagedSuffix
	for n := 2; ; n++ { // it may have been damaged before
		if err = os.Link(path, kept); !errors.Is(err, os.ErrExist) {
			break
		}
		kept = fmt.Sprintf("%s.%d%s", path, n, damagedSuffix)
	}
	if err != nil {
		return "", err
	}
	if err := os.Rename(path+".mended", path); err != nil {
		return "", err
	}
	return kept, syncDir(filepath.Dir(path))
}
