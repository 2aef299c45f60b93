package badgerstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist"
)

// tally is a small file that says what is on disk: how far the live database was written, and which files the journal has. Badger
// takes a log that is gone or shorter than it was for one that was never written, and the journal's last file could be gone without
// a trace; opening compares them with this. It is written behind what it tells of, in its place and without a sync: it may be a step
// behind, after a power cut many, and is never ahead. Only that a file of the journal may go is synced before it goes: a power cut could
// keep that and lose the word of it.
//
// The file: rowVersion, then version, oldest, latest and size (8 bytes each), and a CRC-32C of these.
const (
	tallyName = "TALLY"
	tallySize = 1 + 4*8 + 4
)

// tallied is what a tally says; zero: nothing.
type tallied struct {
	version uint64 // of the live database: the number of a transaction that is durable, and with it all before it
	oldest  uint64 // number of the journal's first file that may still be needed
	latest  uint64 // of its last; below oldest: it has none
	size    uint64 // bytes of that one that are written, at least
}

type tally struct {
	file    *os.File
	was     tallied // when it was opened
	now     tallied
	written tallied
	line    []byte // what is written, its memory used again
	log     zerolog.Logger
	failed  bool
}

func (v tallied) append(b []byte) []byte {
	at := len(b)
	b = append(b, rowVersion)
	for _, n := range []uint64{v.version, v.oldest, v.latest, v.size} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

func readTally(b []byte) (v tallied, ok bool) {
	const end = tallySize - crc32.Size
	if len(b) != tallySize || b[0] != rowVersion || crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return v, false
	}
	for i, n := range []*uint64{&v.version, &v.oldest, &v.latest, &v.size} {
		*n = binary.BigEndian.Uint64(b[1+8*i:])
	}
	return v, true
}

// openTally opens a directory's tally, or makes one that says nothing, as where an earlier release left none.
func openTally(dir string, log zerolog.Logger) (*tally, error) {
	t := &tally{log: log}
	path := filepath.Join(dir, tallyName)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		b = tallied{}.append(nil)
		err = writeSynced(path, b)
	}
	if err != nil {
		return nil, err
	}
	var ok bool
	if t.was, ok = readTally(b); !ok {
		log.Error().Str("file", path).Msg("unreadable: whether something of the live database or the journal is missing cannot be told this time")
	}
	t.now, t.written = t.was, t.was
	t.file, err = os.OpenFile(path, os.O_RDWR, 0o600)
	return t, err
}

// write writes what has changed. Where it cannot, less is noticed at the next opening, and nothing else.
func (t *tally) write() {
	if t.now == t.written {
		return
	}
	if err := t.put(); err != nil && !t.failed {
		t.failed = true
		t.log.Warn().Err(err).Str("file", t.file.Name()).Msg("what is on disk is not noted: if some of it should go missing, the next start may not notice")
	}
}

func (t *tally) put() error {
	t.line = t.now.append(t.line[:0])
	_, err := t.file.WriteAt(t.line, 0)
	t.written = t.now
	return err
}

// mayGo makes durable what now says of files that are to be removed.
func (t *tally) mayGo() error {
	if err := errors.Join(t.put(), syncData(t.file)); err != nil {
		return fmt.Errorf("noting in %s that files of the journal may go: %w", t.file.Name(), err)
	}
	return nil
}

func (t *tally) close() error {
	t.write()
	return errors.Join(t.file.Sync(), t.file.Close())
}

// committed notes a transaction of the live database; it is durable, and has a row that is never deleted.
func (t *tally) committed(version uint64) { t.now.version = max(t.now.version, version) }

// appended notes what the journal has.
func (t *tally) appended(j *journal) {
	f := j.active()
	t.now.oldest, t.now.latest, t.now.size = j.files[0].number, f.number, uint64(f.size) //nolint:gosec // never negative
}

// retiring notes durably, before the journal's oldest file goes, that it may.
func (t *tally) retiring(j *journal) error {
	t.now.oldest = j.files[0].number + 1
	return t.mayGo()
}

// adopted notes durably, before the journal's files go, that they may: they are those up to a number.
func (t *tally) adopted(latest uint64) error {
	t.now.oldest, t.now.latest, t.now.size = latest+1, 0, 0
	return t.mayGo()
}

// lost is an error that says what is missing, or nil where that was accepted beforehand.
func (s *Store) lost(what string) error {
	err := fmt.Errorf("%w: %s", persist.ErrLost, what)
	if !s.opt.DespiteLoss {
		return err
	}
	s.log.Error().Err(err).Msg("started all the same, as was asked for: webhooks that were accepted are gone, or are sent again")
	return nil
}

// checkVersion compares the live database with what was written of it.
func (s *Store) checkVersion(dir string) error {
	txn := s.db.NewTransaction(false)
	has := txn.ReadTs()
	txn.Discard()
	if want := s.tally.was.version; has < want {
		if err := s.lost(fmt.Sprintf("the live database in %s ends with transaction %d of %d: a log of it (a .mem file) is missing "+
			"or was cut short, or an older copy was put in its place", dir, has, want)); err != nil {
			return err
		}
	}
	s.tally.now.version = min(s.tally.now.version, has)
	return nil
}

// checkFiles compares the journal's files with those that it had.
func (s *Store) checkFiles(j *journal, numbers []uint64) error {
	there := make(map[uint64]bool, len(numbers))
	for _, n := range numbers {
		there[n] = true
	}
	for n := max(1, s.tally.was.oldest); n <= s.tally.was.latest; n++ {
		if !there[n] {
			if err := s.lost(j.path(n) + " is missing"); err != nil {
				return err
			}
		}
	}
	return nil
}
