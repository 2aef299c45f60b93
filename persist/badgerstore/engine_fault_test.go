package badgerstore

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
	"github.com/sluice-gateway/sluice/persist/seal"
)

// damage changes the first bytes of a file in place, as a disk does under those who have it mapped.
func damage(t *testing.T, path string, n int) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, n)
	if _, err := file.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] ^= 0xff
	}
	if _, err := file.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestATableThatIsDamagedInUseEndsTheStoreByName has damage found by who reads, and by the scrub.
func TestATableThatIsDamagedInUseEndsTheStoreByName(t *testing.T) {
	for name, find := range map[string]func(s *Store) error{
		"who reads": func(s *Store) error {
			_, err := s.Window(t.Context(), goldenRef, record.Position{}, 100)
			return err
		},
		"the scrub": func(s *Store) error {
			for _, id := range s.tables() {
				if err := s.verify(id); err != nil {
					return s.damaged(err)
				}
			}
			return nil
		},
	} {
		dir, table, b := tabled(t, seal.Key{})
		failed := make(chan error, 2)
		s := open(t, dir, Options{NoCompaction: true, Failed: func(err error) { failed <- err }}) // which would step on it first
		damage(t, table, 16)
		err := find(s)
		if !errors.Is(err, persist.ErrFailed) || !strings.Contains(err.Error(), table) || !strings.Contains(err.Error(), "restore "+dir) {
			t.Errorf("%s: %v, want ErrFailed, the table's name and what to do", name, err)
		}
		select {
		case told := <-failed:
			if !errors.Is(told, persist.ErrFailed) {
				t.Errorf("%s: told %v", name, told)
			}
		default:
			t.Errorf("%s: nobody was told", name)
		}
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 10)); !errors.Is(err, persist.ErrFailed) {
			t.Errorf("%s: accepting: %v, want ErrFailed", name, err)
		}
		if err := errors.Join(s.Close(), s.db.Close()); err != nil {
			t.Error(err)
		}
		if s, err := Open(dir, Options{MinFree: 1}); !errors.Is(err, persist.ErrLost) || !strings.Contains(err.Error(), table) {
			t.Errorf("%s: opened again: %v, want ErrLost and the table's name", name, err)
			_ = s.Close()
		}
		if err := os.WriteFile(table, b, 0o600); err != nil { // out of a backup
			t.Fatal(err)
		}
		s = open(t, dir, Options{})
		if es, err := s.Window(t.Context(), goldenRef, record.Position{}, 100); err != nil || len(es) != 50 {
			t.Errorf("%s: restored: %d are there, %v; want 50", name, len(es), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTheScrubPassesOverWhatIsWholeOrGoneAndNothingElse(t *testing.T) {
	for name, key := range map[string]seal.Key{"plain": {}, "encrypted": testKey(t, 1)} {
		dir, table, _ := tabled(t, key)
		s := open(t, dir, Options{Key: key, NoCompaction: true}) // which would step on what is damaged
		for _, id := range append(s.tables(), 999_999) {
			if err := s.verify(id); err != nil {
				t.Errorf("%s: table %d: %v", name, id, err)
			}
		}
		damage(t, table, 16)
		if err := s.suspects(); err == nil || !strings.Contains(err.Error(), table) {
			t.Errorf("%s: of a damaged table: %v, want its name", name, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAfterACrashTheTablesAreReadWholeHoweverLongThatTakes has one damaged that an Open in a hurry would not look at.
func TestAfterACrashTheTablesAreReadWholeHoweverLongThatTakes(t *testing.T) {
	dir, table, b := tabled(t, seal.Key{})
	damage(t, table, 16)
	if err := os.WriteFile(CrashLog(dir), []byte("panic: ==== Recovered====\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(dir, Options{MinFree: 1, hurry: true}); !errors.Is(err, persist.ErrLost) || !strings.Contains(err.Error(), table) {
		t.Errorf("opened: %v, want ErrLost and the table's name", err)
		_ = s.Close()
	}
	if err := os.WriteFile(table, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	if _, err := os.Stat(CrashLog(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the crash is not set aside: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// panicking is an operation that the committer fails at.
type panicking struct{ finished chan error }

func (panicking) cost() cost                    { return cost{} }
func (panicking) write(*writer) error           { panic("a page that cannot be read") }
func (p panicking) finish(_ *writer, err error) { p.finished <- err }

func TestAPanicWhileCommittingEndsTheStoreAndSaysWhy(t *testing.T) {
	failed := make(chan error, 2)
	var log logged
	s := open(t, t.TempDir(), Options{Failed: func(err error) { failed <- err }, Log: log.logger()})
	accepted := accept(t, s, goldenQueue, 10)
	op := panicking{make(chan error, 1)}
	if _, err := s.committer.submit(op, 0); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{<-op.finished, <-failed} {
		if !errors.Is(err, persist.ErrFailed) || !strings.Contains(err.Error(), "a page that cannot be read") {
			t.Errorf("told %v, want ErrFailed and the cause", err)
		}
	}
	if !strings.Contains(log.String(), "panicking.write") {
		t.Errorf("the log has no stack: %s", log.String())
	}
	if err := errors.Join(s.Close(), s.db.Close()); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(CrashLog(s.dir)); err != nil || !strings.Contains(string(text), "a page that cannot be read") {
		t.Errorf("noted for the next start: %q, %v", text, err)
	}
	s = open(t, s.dir, Options{})
	if _, err := s.Payload(t.Context(), accepted); err != nil {
		t.Errorf("opened again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
