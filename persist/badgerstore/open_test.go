package badgerstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

func TestDirectoriesThatAreNotOursAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		file, text, want string
	}{
		"somebody's files": {"notes.txt", "x", "notes.txt"},
		"newer format":     {formatName, "sluice 3\n", "newer release"},
		"other product":    {formatName, "canal 1\n", `want "sluice 1"`},
		"damaged format":   {formatName, "", `want "sluice 1"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(dir, Options{MinFree: 1})
			if err == nil {
				t.Fatalf("opened; %v", s.Close())
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v: want it to name %s and to say %s", err, dir, c.want)
			}
			if text, err := os.ReadFile(filepath.Join(dir, c.file)); err != nil || string(text) != c.text {
				t.Errorf("the file was changed to %q, %v", text, err)
			}
		})
	}
}

func TestOnlyOneProcessOpensADirectory(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if second, err := Open(dir, Options{MinFree: 1}); err == nil {
		t.Errorf("opened twice; %v", second.Close())
	} else if !strings.Contains(err.Error(), "another process") {
		t.Errorf("%v: want it to say why", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir, Options{}).Close(); err != nil {
		t.Errorf("after the first was closed: %v", err)
	}
}

func TestFaultyOptionsAreRefused(t *testing.T) {
	for _, n := range []int{-1, LargestPayload + 1} {
		if s, err := Open(t.TempDir(), Options{MinFree: 1, MaxWebhook: n}); err == nil {
			t.Errorf("MaxWebhook %d: opened; %v", n, s.Close())
		}
	}
}

func TestLogThatWasOnlyJustCreatedAtACrashIsNoHindrance(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	receipts, err := s.Enqueue(t.Context(), []persist.Deposit{{Queue: goldenQueue, Payload: []byte("p")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"00099.mem", "000099.vlog"} {
		if err := os.WriteFile(filepath.Join(dir, "live", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir, Options{})
	if _, err := s.Payload(t.Context(), receipts[0].ID); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLargestWebhookIsStoredInline(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxWebhook: LargestPayload})
	defer func() { _ = s.Close() }()
	j := persist.Deposit{Queue: goldenQueue, Payload: make([]byte, LargestPayload)}
	receipts, err := s.Enqueue(t.Context(), []persist.Deposit{j}) // in the database, as the first of its queue
	if err != nil {
		t.Fatal(err)
	}
	others, err := s.Enqueue(t.Context(), []persist.Deposit{j, j, j, j})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(others, receipts...) {
		if got, err := s.Payload(t.Context(), r.ID); err != nil || len(got) != LargestPayload {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	err = s.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(idKey(kindPayload, receipts[0].ID))
		if err == nil && item.EstimatedSize() < LargestPayload {
			t.Error("the payload is in the value log")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The whole of it in a synctest bubble: whoever tests with the store in virtual time relies on this.
func TestStoreWorksInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handed := 0
		s := open(t, t.TempDir(), Options{
			Committed: func(cs []persist.Committed) { handed += len(cs) },
			Retention: Retention{Metadata: time.Hour, Body: time.Hour},
		})
		start := time.Now()
		receipts, err := s.Enqueue(t.Context(), []persist.Deposit{{Queue: goldenQueue, Payload: []byte("p")}})
		if err != nil || handed != 1 {
			t.Fatalf("Enqueue: %v; %d handed over", err, handed)
		}
		id := receipts[0].ID
		if got := int64(id.Time()); got != start.UnixMilli() {
			t.Errorf("the id has the time %d, want virtual time's %d", got, start.UnixMilli())
		}
		time.Sleep(30 * time.Second)
		was := record.Position{Rank: start.UnixMilli(), ID: id}
		final := &record.Final{ID: id, State: record.Delivered, FinishedAt: time.Now().UnixMilli()}
		if _, err := s.Settle(t.Context(), "me", persist.Batch{Settlements: []persist.Settlement{
			{Queue: goldenRef, Was: was, ID: id, Final: final},
		}}); err != nil {
			t.Fatalf("Settle: %v", err)
		}
		if v, err := s.Webhook(t.Context(), id); err != nil || string(v.Payload) != "p" || v.Final == nil {
			t.Errorf("Webhook: %+v, %v", v, err)
		}
		if z := s.Sizes(); z.Metadata == 0 || z.Body == 0 {
			t.Errorf("sizes %+v", z)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestIdsCarryIntoTheTimeWhenTheirCounterIsFull(t *testing.T) {
	c := new(clock)
	now := c.now()
	_ = c.last.SetTime(uint64(now) + 1000)
	for i := 6; i < len(c.last); i++ {
		c.last[i] = 0xff
	}
	before := c.last
	id := c.nextID()
	if id.Compare(before) <= 0 || id.Time() != uint64(now)+1001 || c.now() < now+1001 {
		t.Errorf("after %s came %s, and the clock says %d", before, id, c.now())
	}
}

// spoil replaces a row's value and returns what was there.
func spoil(t *testing.T, s *Store, key, value []byte) {
	t.Helper()
	if err := s.db.Update(func(txn *badger.Txn) error { return txn.Set(key, value) }); err != nil {
		t.Fatal(err)
	}
}

func TestUnreadableRowsAreSetAsideNotWiped(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	ctx := t.Context()
	key := &persist.Idempotency{Key: [32]byte{1}}
	receipts, err := s.Enqueue(ctx, []persist.Deposit{
		{Queue: goldenQueue, Payload: []byte("one"), Idempotency: key}, {Queue: goldenQueue, Payload: []byte("two")},
	})
	if err != nil {
		t.Fatal(err)
	}
	one, two := receipts[0].ID, receipts[1].ID
	at := record.Position{Rank: int64(one.Time()), ID: one}
	other := record.Queue{Lane: goldenQueue.Lane, Flow: "other"}
	otherRef := persist.QueueRef{Part: other.Part(), ID: other.ID()}
	rows := [][]byte{
		entryKey(goldenRef, at),
		idKey(kindPayload, one),
		attemptKey(two, 1),
		appendQueueKey(nil, kindQueue, otherRef),
		stateKey(&persist.State{Lane: goldenQueue.Lane, Kind: persist.HostState}),
		append([]byte{kindIdempotency}, key.Key[:]...),
	}
	bad := []byte("\xfenot what this release writes")
	for _, row := range rows {
		spoil(t, s, row, bad)
	}
	for range 2 { // found a second time, it is counted once
		es, err := s.Window(ctx, goldenRef, record.Position{}, 10)
		if err != nil || len(es) != 1 || es[0].ID != two {
			t.Errorf("Window: %v, %v; want the readable one", es, err)
		}
		if _, err := s.Payload(ctx, one); !errors.Is(err, persist.ErrNotFound) {
			t.Errorf("Payload: %v", err)
		}
		if v, err := s.Webhook(ctx, two); err != nil || len(v.Attempts) != 0 || string(v.Payload) != "two" {
			t.Errorf("Webhook: %+v, %v", v, err)
		}
		if heads, err := s.Queues(ctx, otherRef.Part, record.QueueID{}, 10); err != nil || len(heads) != 1 {
			t.Errorf("Queues: %v, %v; want the readable one", heads, err)
		}
		if states, err := s.States(ctx, goldenRef.Part); err != nil || len(states) != 0 {
			t.Errorf("States: %v, %v", states, err)
		}
	}
	again, err := s.Enqueue(ctx, []persist.Deposit{{Queue: goldenQueue, Payload: []byte("three"), Idempotency: key}})
	if err != nil || again[0].Verdict != persist.New { // which also waits for what the readers reported
		t.Errorf("Enqueue with a key that cannot be read: %+v, %v", again, err)
	}
	for range 2 {
		if n := s.Sizes().SetAside; n != uint64(len(rows)) {
			t.Errorf("%d rows are set aside, want %d", n, len(rows))
		}
		for _, row := range rows {
			err := s.db.View(func(txn *badger.Txn) error {
				item, err := txn.Get(append([]byte{kindAside}, row...))
				if err != nil {
					return err
				}
				value, err := item.ValueCopy(nil)
				if string(value) != string(bad) {
					t.Errorf("row %x was set aside as %x", row, value)
				}
				return err
			})
			if err != nil {
				t.Errorf("row %x set aside: %v", row, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, Options{})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
