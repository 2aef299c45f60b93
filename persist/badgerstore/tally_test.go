package badgerstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// wantLost opens a directory of which something is missing: first it is refused, and what was taken away may be put back; then the
// loss is accepted, and told of no more.
func wantLost(t *testing.T, dir, missing string, key seal.Key, ids []record.ID) {
	t.Helper()
	for range 2 {
		s, err := Open(dir, Options{Key: key})
		if err == nil {
			_ = s.Close()
		}
		if !errors.Is(err, persist.ErrLost) || !strings.Contains(err.Error(), missing) {
			t.Fatalf("Open: %v, want ErrLost and that of %s", err, missing)
		}
	}
	var log logged
	s := open(t, dir, Options{Key: key, DespiteLoss: true, Log: log.logger()})
	there := 0
	for _, id := range ids {
		if _, err := s.Payload(t.Context(), id); err == nil {
			there++
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if ids != nil && there == len(ids) || !strings.Contains(log.String(), missing) {
		t.Errorf("%d of %d are there, and the log says %q", there, len(ids), log.String())
	}
	s = open(t, dir, Options{Key: key})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestALogOfTheDatabaseThatIsMissingOrCutShortIsNotOverlooked(t *testing.T) {
	for name, key := range map[string]seal.Key{"plain": {}, "encrypted": testKey(t, 1)} {
		for what, take := range map[string]func(path string, end int) error{
			"deleted":       func(path string, _ int) error { return os.Remove(path) },
			"emptied":       func(path string, _ int) error { return os.Truncate(path, 0) },
			"cut in half":   func(path string, end int) error { return os.Truncate(path, int64(end/2)) },
			"all of it":     func(path string, _ int) error { return os.RemoveAll(filepath.Dir(path)) },
			"its last byte": func(path string, end int) error { return os.Truncate(path, int64(end-1)) },
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				dir, ids := killed(t, 20, key)
				path, _, end := liveLog(t, dir)
				if err := take(path, end); err != nil {
					t.Fatal(err)
				}
				wantLost(t, dir, ".mem", key, ids)
			})
		}
	}
}

func TestALogThatIsPutBackIsTakenOver(t *testing.T) {
	dir, ids := killed(t, 20, seal.Key{})
	path, b, _ := liveLog(t, dir)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, persist.ErrLost) {
		t.Fatalf("Open: %v, want ErrLost", err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if there, aside, said := afterwards(t, dir, ids, seal.Key{}); there != len(ids) || aside != 0 || strings.Contains(said, "error") {
		t.Errorf("%d of %d are there, %d set aside, and the log says %q", there, len(ids), aside, said)
	}
}

// reseated is a log of the entries that stand from at to end in another, which are encrypted by their place.
func reseated(t *testing.T, log []byte, at, end int, key seal.Key, dir string) []byte {
	t.Helper()
	b := bytes.Clone(log[:logHead])
	cipher, err := (&Store{opt: Options{Key: key}}).keyring(filepath.Join(dir, "live")).of(binary.BigEndian.Uint64(b))
	if err != nil {
		t.Fatal(err)
	}
	for at < end {
		e, ok := readLogEntry(log[at:])
		if !ok {
			t.Fatalf("no entry at %d", at)
		}
		was, to := log[at:at+e.size-crc32.Size], len(b)
		head := len(was) - len(e.key) - len(e.val)
		b = append(b, was...)
		if cipher != nil {
			b = append(b[:to+head], unsealedEntry(unsealedEntry(was[head:], log, at, cipher), log, to, cipher)...)
		}
		b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b[to:], castagnoli))
		at += e.size
	}
	return b
}

// Of several logs the last one tells how far the database was written, whatever is missing of those before it.
func TestALogBeforeTheLastThatIsMissingOrCutShortIsNotOverlooked(t *testing.T) {
	for what, take := range map[string]func(path string, first []byte) error{
		"deleted": func(path string, _ []byte) error { return os.Remove(path) },
		"cut": func(path string, first []byte) error {
			return os.WriteFile(path, first[:len(first)/2], 0o600)
		},
	} {
		for name, key := range map[string]seal.Key{"plain": {}, "encrypted": testKey(t, 1)} {
			t.Run(name+", "+what, func(t *testing.T) {
				dir, ids := killed(t, 20, key)
				path, b, end := liveLog(t, dir)
				at, txns := logHead, 0
				for txns < 10 {
					e, ok := readLogEntry(b[at:])
					if !ok {
						t.Fatalf("no entry at %d", at)
					}
					if at += e.size; e.marks&logFin != 0 {
						txns++
					}
				}
				second := reseated(t, b, at, end, key, dir)
				for file, content := range map[string][]byte{path: b[:at], filepath.Join(filepath.Dir(path), "00099.mem"): second} {
					if err := os.WriteFile(file, content, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				both := t.TempDir()
				if err := os.CopyFS(both, os.DirFS(dir)); err != nil {
					t.Fatal(err)
				}
				if there, _, said := afterwards(t, both, ids, key); there != len(ids) || strings.Contains(said, "error") {
					t.Fatalf("with both, %d of %d are there, and the log says %q: that proves nothing", there, len(ids), said)
				}
				if err := take(path, b[:at]); err != nil {
					t.Fatal(err)
				}
				wantLost(t, dir, "00099.mem begins with transaction 11", key, ids)
			})
		}
	}
}

func TestAFileOfTheJournalThatIsMissingIsNotOverlooked(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.committer.journal.limit = 700
	register(t, s, goldenQueue)
	for range 12 {
		accept(t, s, goldenQueue, 50)
	}
	files := len(s.committer.journal.files)
	left := place{dir: s.dir}.Crash(t).(place) //nolint:forcetypeassert // a place's own
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	paths := journalFilesOf(t, left.dir, journalSuffix)
	if len(paths) < 2 || len(paths) != files {
		t.Fatalf("%d files: that proves nothing", len(paths))
	}
	for _, path := range paths {
		dir := t.TempDir()
		if err := errors.Join(os.CopyFS(dir, os.DirFS(left.dir)), os.Remove(filepath.Join(dir, "journal", filepath.Base(path)))); err != nil {
			t.Fatal(err)
		}
		wantLost(t, dir, filepath.Base(path)+" is missing", seal.Key{}, nil) // what was in it may have been moved
	}
}

func TestTheJournalsLastFileThatWasCutShortIsDamaged(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	register(t, s, goldenQueue)
	accept(t, s, goldenQueue, 50)
	accept(t, s, goldenQueue, 60)
	size := s.committer.journal.active().size
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(journalFilesOf(t, s.dir, journalSuffix)[0], size-1); err != nil {
		t.Fatal(err)
	}
	s = open(t, s.dir, Options{})
	if n := s.Sizes().SetAside; n != 1 {
		t.Errorf("%d are counted as set aside, want 1", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNoFileOfTheJournalGoesUntilThatIsDurablyNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.TempDir(), Options{MinFree: 1, NoCompaction: true})
		if err != nil {
			t.Fatal(err)
		}
		s.committer.journal.limit = 700
		register(t, s, goldenQueue)
		if err := s.tally.file.Close(); err != nil { // nothing can be noted
			t.Fatal(err)
		}
		for range 12 {
			accept(t, s, goldenQueue, 50)
		}
		synctest.Wait()
		first := filepath.Base(s.committer.journal.path(1))
		if left := journalFilesOf(t, s.dir, journalSuffix); len(left) < 3 || filepath.Base(left[0]) != first {
			t.Errorf("of the journal's files there are %v, want all from %s on", left, first)
		}
		if s.tally.file, err = os.OpenFile(filepath.Join(s.dir, tallyName), os.O_RDWR, 0); err != nil {
			t.Fatal(err)
		}
		accept(t, s, goldenQueue, 50)
		synctest.Wait()
		if left := journalFilesOf(t, s.dir, journalSuffix); len(left) == 0 || filepath.Base(left[0]) == first {
			t.Errorf("of the journal's files there are %v, want %s gone", left, first)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestADirectoryWithoutATallyIsOpened(t *testing.T) {
	for what, change := range map[string]func(path string) error{
		"none, as of an earlier release": os.Remove,
		"an unreadable one":              func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
	} {
		dir, ids := killed(t, 20, seal.Key{})
		if err := change(filepath.Join(dir, tallyName)); err != nil {
			t.Fatal(err)
		}
		if there, _, _ := afterwards(t, dir, ids, seal.Key{}); there != len(ids) {
			t.Errorf("%s: %d of %d are there", what, there, len(ids))
		}
	}
}

func FuzzReadTally(f *testing.F) {
	f.Add(tallied{1, 2, 3, 4}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, ok := readTally(b); ok && !bytes.Equal(v.append(nil), b) {
			t.Errorf("%+v of %x", v, b)
		}
	})
}
