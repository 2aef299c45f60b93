package badgerstore

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/persist"
)

func TestFileSystemThatHangsHoldsTheDoorForSecondsAndIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := open(t, t.TempDir(), Options{Log: zerolog.New(zerolog.SyncWriter(&log))})
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
		var log bytes.Buffer
		s := open(t, t.TempDir(), Options{Log: zerolog.New(zerolog.SyncWriter(&log))})
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
