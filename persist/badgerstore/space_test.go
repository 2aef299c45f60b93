package badgerstore

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
)

func TestFileSystemThatHangsHoldsTheDoorForSecondsAndIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		s := open(t, t.TempDir(), Options{Log: log.logger()})
		accept(t, s, goldenQueue, 1)
		answers := make(chan struct{})
		s.space.ask = func(string) (room, error) {
			<-answers
			return room{noLimit, noLimit}, nil
		}
		time.Sleep(sightFor)
		for i, most := range []time.Duration{lookPatience, 0, 0} {
			began := time.Now()
			if _, err := s.Enqueue(t.Context(), one(goldenQueue, 1)); !errors.Is(err, persist.ErrSilent) || !errors.Is(err, persist.ErrUnwritable) {
				t.Errorf("accepting: %v, want ErrSilent", err)
			}
			if took := time.Since(began); took > most {
				t.Errorf("%d. refusal: after %s, want at most %s", i+1, took, most)
			}
			time.Sleep(time.Minute)
		}
		if err := s.Accepting(); !errors.Is(err, persist.ErrSilent) {
			t.Errorf("Accepting: %v, want ErrSilent", err)
		}
		close(answers)
		synctest.Wait()
		accept(t, s, goldenQueue, 1)
		for _, want := range []string{"has not answered", "answers again"} {
			if n := strings.Count(log.String(), want); n != 1 {
				t.Errorf("%q is said %d times, want once: %s", want, n, log.String())
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestFullTableOfFilesIsToldFromAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		s := open(t, t.TempDir(), Options{Log: log.logger()})
		left := room{noLimit, filesFloor - 1}
		s.space.ask = func(string) (room, error) { return left, nil }
		time.Sleep(sightFor)
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 1)); !errors.Is(err, persist.ErrNoFiles) || !errors.Is(err, persist.ErrFull) {
			t.Errorf("accepting: %v, want ErrNoFiles", err)
		}
		if !strings.Contains(log.String(), "inodes") {
			t.Errorf("the log does not say what is short: %s", log.String())
		}
		left.files = filesFloor
		time.Sleep(sightFor)
		accept(t, s, goldenQueue, 1)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Closing has Badger write what it has in memory to a mapped file, and where there is no room for that the process ends in the middle.
func TestClosingOnAFullDiskWritesNoTable(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	register(t, s, goldenQueue)
	accept(t, s, goldenQueue, 10)
	s.space.ask = func(string) (room, error) { return room{ballastFloor - 1, noLimit}, nil }
	s.space.last.Store(&sight{})
	err := s.Close()
	tables, _ := filepath.Glob(filepath.Join(s.dir, "live", "*.sst"))
	if err := errors.Join(err, s.db.Close()); err != nil || len(tables) > 0 {
		t.Errorf("tables %v were written (%v)", tables, err)
	}
	s = open(t, s.dir, s.opt)
	if got := sizes(t, s, goldenQueue); len(got) != 1 || got[0] != 10 {
		t.Errorf("after a restart there are webhooks of %v bytes, want the one of 10", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
