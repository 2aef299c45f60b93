package badgerstore

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// register gives a queue its row, so that what is accepted for it goes to the journal.
func register(t *testing.T, s *Store, q record.Queue) {
	t.Helper()
	receipts, err := s.Enqueue(t.Context(), one(q, 1))
	if err != nil {
		t.Fatal(err)
	}
	settleOne(t, s, finalOf(q, entryOf(t, s, receipts[0].ID)))
}

func entryOf(t *testing.T, s *Store, id record.ID) record.Entry {
	t.Helper()
	v, err := s.Webhook(t.Context(), id)
	if err != nil || v.Entry == nil {
		t.Fatalf("Webhook(%s): %+v, %v; want a live one", id, v, err)
	}
	return *v.Entry
}

func refOf(q record.Queue) persist.QueueRef { return persist.QueueRef{Part: q.Part(), ID: q.ID()} }

func finalOf(q record.Queue, e record.Entry) persist.Settlement {
	return persist.Settlement{
		Queue: refOf(q), Was: e.Position, ID: e.ID, Final: &record.Final{State: record.Delivered},
		Attempt: &record.Attempt{N: e.Attempts() + 1, Outcome: "delivered"},
	}
}

func retryOf(q record.Queue, e record.Entry, after time.Duration) persist.Settlement {
	next := e
	next.Tries++
	next.Due = time.Now().Add(after).UnixMilli()
	return persist.Settlement{
		Queue: refOf(q), Was: e.Position, ID: e.ID, Next: &next,
		Attempt: &record.Attempt{N: next.Attempts(), Outcome: "retry"},
	}
}

func settleOne(t *testing.T, s *Store, sts ...persist.Settlement) {
	t.Helper()
	if _, err := s.Settle(t.Context(), "me", persist.Batch{Settlements: sts}); err != nil {
		t.Fatal(err)
	}
}

// rowsOf counts the rows of the live database that begin with a kind.
func rowsOf(t *testing.T, s *Store, kind byte) (n int) {
	t.Helper()
	if err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{kind}})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			n++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWebhookThatEndsAtItsFirstTryLeavesNoRow(t *testing.T) {
	s := open(t, t.TempDir(), Options{Retention: Retention{Metadata: time.Hour, Body: time.Hour}})
	defer func() { _ = s.Close() }()
	register(t, s, goldenQueue)
	receipts, err := s.Enqueue(t.Context(), []persist.Deposit{{Queue: goldenQueue, Payload: []byte("the payload")}})
	if err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, s, kindPayload) + rowsOf(t, s, kindEntry); n != 0 {
		t.Errorf("the live database has %d rows of it", n)
	}
	id := receipts[0].ID
	if p, err := s.Payload(t.Context(), id); err != nil || string(p) != "the payload" {
		t.Errorf("Payload: %q, %v", p, err)
	}
	settleOne(t, s, finalOf(goldenQueue, entryOf(t, s, id)))
	if v, err := s.Webhook(t.Context(), id); err != nil || v.Final == nil || string(v.Payload) != "the payload" {
		t.Errorf("Webhook: %+v, %v; want it in history, with its payload", v, err)
	}
	if _, err := s.Payload(t.Context(), id); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("Payload of a finished webhook: %v", err)
	}
}

func TestWindowJoinsTheJournalAndTheDatabaseInOrder(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	defer func() { _ = s.Close() }()
	now := time.Now().UnixMilli()
	var want []record.Position
	for i, due := range []int64{50, 10, 40, 0, 30, 20, 60} { // the first goes to the database, as does every retry
		deposit := persist.Deposit{Queue: goldenQueue, Payload: []byte("p"), Due: now + due*60_000}
		receipts, err := s.Enqueue(t.Context(), []persist.Deposit{deposit})
		if err != nil {
			t.Fatal(err)
		}
		e := entryOf(t, s, receipts[0].ID)
		if i%3 == 2 {
			settleOne(t, s, retryOf(goldenQueue, e, time.Duration(due)*time.Minute+time.Second))
			e = entryOf(t, s, e.ID)
		}
		want = append(want, e.Position)
	}
	slices.SortFunc(want, record.Position.Compare)
	var after record.Position
	for page := 0; len(want) > 0; page++ {
		es, err := s.Window(t.Context(), goldenRef, after, 2)
		if err != nil || len(es) != min(2, len(want)) {
			t.Fatalf("page %d: %d entries, %v", page, len(es), err)
		}
		for i := range es {
			if es[i].Position != want[i] {
				t.Errorf("page %d has %v at %d, want %v", page, es[i].Position, i, want[i])
			}
		}
		after, want = es[len(es)-1].Position, want[len(es):]
	}
}

// tail returns the path of the journal's only file and its bytes.
func tail(t *testing.T, dir string) (string, []byte) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "journal", "*"+journalSuffix))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	b, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	h, ok := readFileHead(b, 1)
	if !ok {
		t.Fatal("it has no head")
	}
	end := fileHeadSize // behind the last frame there is room for more
	for _, body := nextFrame(b[end:], h.salt); body != nil; _, body = nextFrame(b[end:], h.salt) {
		end += frameLead + len(body)
	}
	return paths[0], b[:end]
}

func TestGroupThatIsNotWholeIsNotThere(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	register(t, s, goldenQueue)
	var ends []int
	for range 3 {
		if _, err := s.Enqueue(t.Context(), append(one(goldenQueue, 50), one(goldenQueue, 60)...)); err != nil {
			t.Fatal(err)
		}
		_, b := tail(t, dir)
		ends = append(ends, len(b))
	}
	for cut := ends[1]; cut < ends[2]; cut += 41 {
		left := place{dir: t.TempDir()}
		if err := (place{dir: dir}).copyTo(left.dir); err != nil {
			t.Fatal(err)
		}
		path, b := tail(t, left.dir)
		if err := os.WriteFile(path, append(b[:cut], "left over"[:cut%9]...), 0o600); err != nil {
			t.Fatal(err)
		}
		again := open(t, left.dir, Options{})
		if es, err := again.Window(t.Context(), goldenRef, record.Position{}, 10); err != nil || len(es) != 4 {
			t.Errorf("cut at %d of %d: %d webhooks, %v; want the 4 of the first two groups", cut, ends[2], len(es), err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFileOfTheJournalIsSetAside(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	register(t, s, goldenQueue)
	for range 3 {
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 50)); err != nil {
			t.Fatal(err)
		}
	}
	left := place{dir: t.TempDir()}
	if err := (place{dir: dir}).copyTo(left.dir); err != nil {
		t.Fatal(err)
	}
	path, b := tail(t, left.dir)
	b[len(b)-1] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	j := journal{dir: filepath.Dir(path), begun: 1}
	if err := os.WriteFile(j.path(2), fileHead{number: 2, before: int64(len(b))}.append(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, left.dir, Options{})
	if es, err := again.Window(t.Context(), goldenRef, record.Position{}, 10); err != nil || len(es) != 2 {
		t.Errorf("%d webhooks, %v; want the 2 before the damage", len(es), err)
	}
	if n := again.Sizes().SetAside; n != 1 {
		t.Errorf("%d are counted as set aside, want 1", n)
	}
	if kept, err := os.ReadFile(path + ".damaged"); err != nil || !slices.Equal(kept, b) {
		t.Errorf("the damaged file is not kept as it was: %v", err)
	}
	for _, s := range []*Store{again, s} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFailedWriteToTheJournalStoresNothingAndTheNextFileServes(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	register(t, s, goldenQueue)
	if _, err := s.Enqueue(t.Context(), one(goldenQueue, 10)); err != nil {
		t.Fatal(err)
	}
	f := s.committer.journal.active() // the committer waits for work
	whole := f.file
	readOnly, err := os.Open(f.path)
	if err != nil {
		t.Fatal(err)
	}
	f.file = readOnly
	if _, err := s.Enqueue(t.Context(), one(goldenQueue, 20)); err == nil {
		t.Error("a group is accepted that could not be written")
	}
	f.file = whole
	if _, err := s.Enqueue(t.Context(), one(goldenQueue, 30)); err != nil {
		t.Errorf("after it: %v", err)
	}
	if n := len(s.committer.journal.files); n != 2 {
		t.Errorf("%d files, want a second one", n)
	}
	left := place{dir: dir}.Crash(t)
	if err := errors.Join(s.Close(), readOnly.Close()); err != nil {
		t.Fatal(err)
	}
	again := open(t, left.(place).dir, Options{}) //nolint:forcetypeassert // a place's own
	es, err := again.Window(t.Context(), goldenRef, record.Position{}, 10)
	if err != nil || len(es) != 2 || es[0].Size != 10 || es[1].Size != 30 {
		t.Errorf("%+v, %v; want the first and the third", es, err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWindowHasAWebhookOnceAsItIsInTheDatabase(t *testing.T) {
	at := record.Position{ID: record.ID{1}} // of a queue with an ordering key: a retry leaves it in its place
	before, after := record.Entry{Position: at, Due: 1}, record.Entry{Position: at, Due: 2, Tries: 1}
	next := record.Entry{Position: record.Position{ID: record.ID{2}}}
	got := merged([]record.Entry{after}, []record.Entry{before, next}, 10)
	if !slices.Equal(got, []record.Entry{after, next}) {
		t.Errorf("%+v, want what was moved meanwhile as it was moved, and the next", got)
	}
}

func TestFullDiskIsKnownAsOne(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	defer func() { _ = s.Close() }()
	register(t, s, goldenQueue)
	accept(t, s, goldenQueue, 10)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := s.committer.journal.active() // the committer waits for work
	whole := f.file
	f.file = full
	if _, err := s.Enqueue(t.Context(), one(goldenQueue, 20)); !errors.Is(err, persist.ErrFull) {
		t.Errorf("Enqueue: %v, want ErrFull", err)
	}
	f.file = whole
	if err := full.Close(); err != nil {
		t.Fatal(err)
	}
	if got := sizes(t, s, goldenQueue); !slices.Equal(got, []int{10}) {
		t.Errorf("webhooks of %v bytes, want the one of 10", got)
	}
}
