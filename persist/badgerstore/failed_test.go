package badgerstore

import (
	"errors"
	"syscall"
	"testing"

	"github.com/sluice-gateway/sluice/persist"
)

func TestAStoreThatCannotBeWrittenSaysSoOnceAndLosesNothingAccepted(t *testing.T) {
	var told []error
	s := open(t, t.TempDir(), Options{Failed: func(err error) { told = append(told, err) }})
	r, err := s.Enqueue(t.Context(), one(goldenQueue, 10)) // the first of its queue goes to the live database
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_ = s.committer.fail(syscall.EIO)
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 10)); !errors.Is(err, persist.ErrFailed) {
			t.Errorf("Enqueue: %v, want ErrFailed", err)
		}
	}
	if _, err := s.Settle(t.Context(), "me", persist.Batch{Marks: []persist.Mark{{Queue: goldenRef}}}); !errors.Is(err, persist.ErrFailed) {
		t.Errorf("Settle: %v, want ErrFailed", err)
	}
	if len(told) != 1 || !errors.Is(told[0], persist.ErrFailed) {
		t.Errorf("told %v, want ErrFailed once", told)
	}
	s = reopenFailed(t, s)
	if _, err := s.Payload(t.Context(), r[0].ID); err != nil {
		t.Errorf("what was accepted before: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// reopenFailed is reopen for a store that failed: it leaves its live database as it is, for its process to end.
func reopenFailed(t *testing.T, s *Store) *Store {
	t.Helper()
	if err := errors.Join(s.Close(), s.db.Close()); err != nil {
		t.Fatal(err)
	}
	return open(t, s.dir, s.opt)
}
