package badgerstore

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
)

// readOnly has the journal's disk take nothing more until the returned function is called.
func readOnly(t *testing.T, s *Store) (writable func()) {
	t.Helper()
	j := s.committer.journal // the committer waits for work
	f := j.active()
	file, err := os.Open(f.path)
	if err := errors.Join(err, f.file.Close(), os.Rename(j.dir, j.dir+".away")); err != nil {
		t.Fatal(err)
	}
	f.file = file
	return func() {
		if err := os.Rename(j.dir+".away", j.dir); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingIsAcceptedWhileTheJournalCannotBeWrittenAndAllIsAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		s := open(t, t.TempDir(), Options{Log: log.logger()})
		register(t, s, goldenQueue)
		accept(t, s, goldenQueue, 50)
		if err := s.Accepting(); err != nil {
			t.Fatalf("at first: %v", err)
		}
		writable := readOnly(t, s)
		for range 3 {
			if _, err := s.Enqueue(t.Context(), one(goldenQueue, 60)); !errors.Is(err, persist.ErrUnwritable) {
				t.Fatalf("Enqueue: %v, want ErrUnwritable", err)
			}
			time.Sleep(time.Minute)
			if err := s.Accepting(); !errors.Is(err, persist.ErrUnwritable) {
				t.Fatalf("Accepting: %v, want ErrUnwritable", err)
			}
		}
		if n := strings.Count(log.String(), "cannot be written"); n != 1 {
			t.Errorf("the log says it %d times, want once: %s", n, log.String())
		}
		writable()
		time.Sleep(2 * tryEvery) // nobody asks for anything
		if err := s.Accepting(); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		accept(t, s, goldenQueue, 70)
		if n := strings.Count(log.String(), "is written again"); n != 1 {
			t.Errorf("the log says that it is over %d times, want once: %s", n, log.String())
		}
		s = reopen(t, s)
		if got := sizes(t, s, goldenQueue); !slices.Equal(got, []int{50, 70}) {
			t.Errorf("webhooks of %v bytes, want those of 50 and 70, which were accepted", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhyNothingIsAcceptedTellsAFullDiskFromOneThatTakesNothing(t *testing.T) {
	for err, want := range map[error]error{
		syscall.ENOSPC: persist.ErrFull, syscall.EDQUOT: persist.ErrFull,
		syscall.EROFS: persist.ErrUnwritable, syscall.EIO: persist.ErrUnwritable,
	} {
		if got := refused(err); !errors.Is(got, want) || !errors.Is(got, err) {
			t.Errorf("%v: %v, want it to be %v", err, got, want)
		}
	}
}

func TestNothingIsAcceptedIntoADirectoryThatIsNotThereAnyMore(t *testing.T) {
	var log logged
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir, Options{Log: log.logger()})
	id := accept(t, s, goldenQueue, 10)
	look := func() { // as it does a second later
		again := *s.space.last.Load()
		again.at = time.Time{}
		s.space.last.Store(&again)
	}
	if err := os.Rename(dir, dir+".moved"); err != nil {
		t.Fatal(err)
	}
	look()
	if _, err := s.Enqueue(t.Context(), one(goldenQueue, 10)); !errors.Is(err, persist.ErrUnwritable) || !strings.Contains(err.Error(), dir) {
		t.Errorf("accepting: %v, want ErrUnwritable and the directory's name", err)
	}
	if err := s.Accepting(); !errors.Is(err, persist.ErrUnwritable) {
		t.Errorf("Accepting: %v, want ErrUnwritable", err)
	}
	if _, err := s.Payload(t.Context(), id); err != nil {
		t.Errorf("what was accepted before: %v", err)
	}
	if err := os.Rename(dir+".moved", dir); err != nil {
		t.Fatal(err)
	}
	look()
	accept(t, s, goldenQueue, 10)
	if n := strings.Count(log.String(), "accepting"); n != 2 {
		t.Errorf("it was said %d times: %s", n, log.String())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
