package badgerstore

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// keyedDeposits returns deposits of 40 bytes with a key each, in as many queues.
func keyedDeposits(n, queues int) (ds []persist.Deposit) {
	for i := range n {
		ds = append(ds, persist.Deposit{
			Queue:       record.Queue{Lane: goldenQueue.Lane, Flow: fmt.Sprint(i % queues)},
			Payload:     fmt.Appendf(nil, "%040d", i),
			Idempotency: &persist.Idempotency{Key: [32]byte{1, byte(i >> 8), byte(i)}},
		})
	}
	return ds
}

// standing counts the deposits whose key stands for a webhook with their payload, in their queue.
func standing(t *testing.T, s *Store, ds []persist.Deposit) (n int) {
	t.Helper()
	for i := range ds {
		r, err := s.Known(t.Context(), *ds[i].Idempotency)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != persist.Existing {
			continue
		}
		v, err := s.Webhook(t.Context(), r.ID)
		if err != nil || v.Entry == nil || string(v.Payload) != string(ds[i].Payload) {
			t.Fatalf("deposit %d: its key stands for %+v, %v", i, v, err)
		}
		n++
	}
	return n
}

func queued(t *testing.T, s *Store, queues int) (n int) {
	t.Helper()
	for i := range queues {
		n += len(sizes(t, s, record.Queue{Lane: goldenQueue.Lane, Flow: fmt.Sprint(i)}))
	}
	return n
}

// Of every step that writing takes where a transaction holds little, and of every step of the opening behind it.
func TestLargeGroupSurvivesACrashAtAnyOfManyStepsWholeOrNot(t *testing.T) {
	const deposits, queues = 200, 60
	ds := keyedDeposits(deposits, queues)
	at := place{dir: t.TempDir()}
	s := open(t, at.dir, Options{})
	s.committer.limit = cost{rows: 20, bytes: 1 << 20}
	var left []place
	crash := func() { left = append(left, at.Crash(t).(place)) } //nolint:forcetypeassert // a place's own
	s.committer.between = crash
	if _, err := s.Enqueue(t.Context(), ds); err != nil {
		t.Fatal(err)
	}
	crash()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if want := queues/20 + 1 + deposits/20 + 1; len(left) < want {
		t.Errorf("written in %d steps, want %d at least", len(left), want)
	}
	whole := 0
	for i, p := range left {
		journal := t.TempDir()
		if err := os.CopyFS(filepath.Join(journal, "journal"), os.DirFS(filepath.Join(p.dir, "journal"))); err != nil {
			t.Fatal(err)
		}
		for _, when := range []string{"", ", again with the journal that the opening removed last"} {
			s := open(t, p.dir, Options{})
			known, there := standing(t, s, ds), queued(t, s, queues)
			if known != there || there != 0 && there != deposits || whole > 0 && there == 0 {
				t.Errorf("crash %d of %d%s: %d of %d keys are known, %d webhooks queued", i, len(left), when, known, deposits, there)
			}
			if when == "" && there == deposits {
				whole++
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(p.dir, "journal")); err != nil {
				t.Fatal(err)
			}
			if err := os.CopyFS(filepath.Join(p.dir, "journal"), os.DirFS(filepath.Join(journal, "journal"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want := deposits/20 + 1; whole < want || whole == len(left) {
		t.Errorf("whole after %d of %d crashes, want %d at least, and not all", whole, len(left), want)
	}
}

func TestLargeGroupsLeaveTheJournalBoundedAndLoseNothing(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	const groups, deposits, queues = 8, 1000, 3
	most := 0
	for g := range groups {
		ds := keyedDeposits(deposits, queues)
		for i := range ds {
			ds[i].Idempotency, ds[i].Payload = nil, make([]byte, 10<<10)
		}
		if _, err := s.Enqueue(t.Context(), ds); err != nil {
			t.Fatal(err)
		}
		if got := queued(t, s, queues); got != (g+1)*deposits {
			t.Fatalf("after %d groups there are %d webhooks, want %d", g+1, got, (g+1)*deposits)
		}
		most = max(most, int(s.committer.journal.bytes.Load()))
	}
	if bound := journalBytes + 11<<20; most > bound {
		t.Errorf("the journal had %d bytes, want %d at most: one group more than all of it may have", most, bound)
	}
	s = reopen(t, s)
	if got := queued(t, s, queues); got != groups*deposits {
		t.Errorf("after a restart there are %d webhooks, want %d", got, groups*deposits)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The journal may still tell of a group when the time of its keys is up, and they stand for others.
func TestKeyInTheJournalDoesNotComeBackOverALaterOne(t *testing.T) {
	ds := keyedDeposits(100, 1)
	s := open(t, t.TempDir(), Options{})
	s.committer.limit = cost{rows: 20, bytes: 1 << 20}
	if _, err := s.Enqueue(t.Context(), ds); err != nil {
		t.Fatal(err)
	}
	key, later := idempotencyKey(ds[7].Idempotency), record.ID{9}
	if err := s.db.Update(func(txn *badger.Txn) error {
		return txn.SetEntry(badger.NewEntry(key, remembered{id: later}.append(nil)).WithTTL(time.Hour))
	}); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	if r, err := s.Known(t.Context(), *ds[7].Idempotency); err != nil || r.ID != later {
		t.Errorf("it stands for %s, %v; want %s", r.ID, err, later)
	}
	if r, err := s.Known(t.Context(), *ds[8].Idempotency); err != nil || r.Verdict != persist.Existing {
		t.Errorf("another of the group: %+v, %v", r, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A large group that finds no room in the database for its keys was accepted when its frame was durable.
func TestLargeGroupIsAcceptedThoughItsKeysCannotBePut(t *testing.T) {
	ds := keyedDeposits(100, 1)
	s := open(t, t.TempDir(), Options{})
	register(t, s, ds[0].Queue)
	s.committer.limit = cost{rows: 20, bytes: 1 << 20}
	whole, broken := s.db, open(t, t.TempDir(), Options{})
	if err := broken.Close(); err != nil {
		t.Fatal(err)
	}
	steps := 0
	s.committer.between = func() {
		if steps++; steps == 3 { // behind its queues' rows and its frame
			s.db = broken.db
		}
	}
	if _, err := s.Enqueue(t.Context(), ds); err != nil {
		t.Errorf("%v, want it accepted", err)
	}
	s.db = whole
	if n := standing(t, s, ds); n != len(ds) {
		t.Errorf("%d of %d keys are known", n, len(ds))
	}
	if _, err := s.Enqueue(t.Context(), one(goldenQueue, 1)); err == nil {
		t.Error("more is accepted before a restart")
	}
	s = reopenFailed(t, s)
	if n := standing(t, s, ds); n != len(ds) {
		t.Errorf("after a restart %d of %d keys are known", n, len(ds))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
