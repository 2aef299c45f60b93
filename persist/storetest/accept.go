package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

func acceptedSurvivesCrash(t *testing.T, at Place) {
	q := queue("crash.example", "default")
	s := at.Open(t, Options{})
	accepted := enqueue(t, s, deposits(q, 20)...)
	es := live(t, s, q)
	settle(t, s, persist.Batch{Settlements: []persist.Settlement{delivered(q, es[0])}})
	left := at.Crash(t)
	shut(t, s)

	s = left.Open(t, Options{})
	if got := ids(live(t, s, q)); !slices.Equal(got, accepted[1:]) {
		t.Errorf("%d webhooks are there, want the 19 accepted and not settled", len(got))
	}
	shut(t, s)
}

func idsIncrease(t *testing.T, at Place) {
	q := queue("ids.example", "default")
	var all []record.ID
	run := func(t *testing.T) {
		s := at.Open(t, Options{})
		before := s.LastID()
		if n := len(all); n > 0 && before.Compare(all[n-1]) < 0 {
			t.Errorf("LastID is %s after a restart, and %s was given", before, all[n-1])
		}
		ids := enqueue(t, s, deposits(q, 50)...)
		if last := s.LastID(); last != ids[49] || ids[0].Compare(before) <= 0 {
			t.Errorf("LastID was %s and is %s where %s to %s were given", before, last, ids[0], ids[49])
		}
		all = append(all, ids...)
		for _, e := range live(t, s, q) { // an id must not be given again when nothing is left that bears it
			settle(t, s, persist.Batch{Settlements: []persist.Settlement{delivered(q, e)}})
		}
		shut(t, s)
	}
	run(t)
	run(t)
	synctest.Test(t, run) // in the year 2000
	run(t)
	if !slices.IsSortedFunc(all, record.ID.Compare) || len(slices.Compact(slices.Clone(all))) != 200 {
		t.Errorf("ids do not increase: %v", all)
	}
}

func idempotency(t *testing.T, at Place) {
	key := &persist.Idempotency{Key: [32]byte{1}, Fingerprint: [16]byte{1}}
	other := &persist.Idempotency{Key: [32]byte{1}, Fingerprint: [16]byte{2}}
	q := queue("keys.example", "default")
	ds := deposits(q, 3)
	ds[1].Idempotency = key
	s := at.Open(t, Options{})
	first := enqueue(t, s, ds...)[1]

	check := func(s persist.Store) {
		t.Helper()
		ds := deposits(q, 3)
		ds[0].Idempotency, ds[1].Idempotency = key, other
		receipts, err := s.Enqueue(t.Context(), ds)
		if err != nil {
			t.Fatalf("Enqueue: %v", err)
		}
		want := []persist.Receipt{{ID: first, Verdict: persist.Existing}, {ID: first, Verdict: persist.Conflict}}
		if !slices.Equal(receipts[:2], want) || receipts[2].Verdict != persist.New || receipts[2].ID == first {
			t.Errorf("receipts %+v, want %+v and a new one", receipts, want)
		}
	}
	check(s)
	if got := len(live(t, s, q)); got != 4 {
		t.Errorf("%d webhooks are stored, want 4", got)
	}
	settle(t, s, persist.Batch{Settlements: []persist.Settlement{delivered(q, live(t, s, q)[1])}})
	check(s)
	left := at.Crash(t)
	shut(t, s)
	for _, place := range []Place{at, left} {
		s := place.Open(t, Options{})
		check(s)
		shut(t, s)
	}
}

func idempotencyEnds(t *testing.T, at Place) {
	synctest.Test(t, func(t *testing.T) {
		ds := deposits(queue("keys.example", "default"), 1)
		ds[0].Idempotency = &persist.Idempotency{Key: [32]byte{7}}
		verdict := func() persist.Verdict {
			s := at.Open(t, Options{})
			defer shut(t, s)
			receipts, err := s.Enqueue(t.Context(), ds)
			if err != nil {
				t.Fatalf("Enqueue: %v", err)
			}
			return receipts[0].Verdict
		}
		if v := verdict(); v != persist.New {
			t.Fatalf("first: verdict %d", v)
		}
		time.Sleep(23*time.Hour + 59*time.Minute)
		if v := verdict(); v != persist.Existing {
			t.Errorf("within 24 hours: verdict %d, want Existing", v)
		}
		time.Sleep(2 * time.Minute)
		if v := verdict(); v != persist.New {
			t.Errorf("after 24 hours: verdict %d, want New", v)
		}
	})
}

func keyOfWhatIsThere(t *testing.T, at Place) {
	synctest.Test(t, func(t *testing.T) {
		q := queue("keys.example", "default")
		key := persist.Idempotency{Key: [32]byte{8}, Fingerprint: [16]byte{1}, Keep: 48 * time.Hour}
		other := key
		other.Fingerprint = [16]byte{2}
		s := at.Open(t, Options{})
		id := enqueue(t, s, deposits(q, 1)...)[0]
		is := func(what string, r persist.Receipt, err error, want persist.Receipt) {
			t.Helper()
			if err != nil || r != want {
				t.Errorf("%s: %+v, %v; want %+v", what, r, err, want)
			}
		}
		r, err := s.Known(t.Context(), key)
		is("a key that stands for nothing", r, err, persist.Receipt{Verdict: persist.New})
		r, err = s.Remember(t.Context(), key, id)
		is("remembered", r, err, persist.Receipt{ID: id, Verdict: persist.New})
		r, err = s.Remember(t.Context(), key, record.ID{1})
		is("remembered again for another", r, err, persist.Receipt{ID: id, Verdict: persist.Existing})
		shut(t, s)
		time.Sleep(47 * time.Hour)
		s = at.Open(t, Options{})
		r, err = s.Known(t.Context(), key)
		is("asked for later", r, err, persist.Receipt{ID: id, Verdict: persist.Existing})
		r, err = s.Known(t.Context(), other)
		is("asked for something else", r, err, persist.Receipt{ID: id, Verdict: persist.Conflict})
		ds := deposits(q, 1)
		ds[0].Idempotency = &key
		receipts, err := s.Enqueue(t.Context(), ds)
		is("a deposit under it", receipts[0], err, persist.Receipt{ID: id, Verdict: persist.Existing})
		shut(t, s)
		time.Sleep(2 * time.Hour)
		s = at.Open(t, Options{})
		r, err = s.Known(t.Context(), key)
		is("when its time is up", r, err, persist.Receipt{Verdict: persist.New})
		shut(t, s)
	})
}

func idempotencyInGroup(t *testing.T, at Place) {
	q := queue("keys.example", "default")
	ds := deposits(q, 3)
	ds[0].Idempotency = &persist.Idempotency{Key: [32]byte{9}, Fingerprint: [16]byte{1}}
	ds[1].Idempotency = ds[0].Idempotency
	ds[2].Idempotency = &persist.Idempotency{Key: [32]byte{9}, Fingerprint: [16]byte{2}}
	s := at.Open(t, Options{})
	defer shut(t, s)
	receipts, err := s.Enqueue(t.Context(), ds)
	if err != nil {
		t.Fatalf("Enqueue: %v", err)
	}
	id := receipts[0].ID
	want := []persist.Receipt{{ID: id}, {ID: id, Verdict: persist.Existing}, {ID: id, Verdict: persist.Conflict}}
	if !slices.Equal(receipts, want) {
		t.Errorf("receipts %+v, want %+v", receipts, want)
	}
	if es := live(t, s, q); len(es) != 1 || es[0].ID != id {
		t.Errorf("%d webhooks are stored, want the first", len(es))
	}
}

func idempotencyWhole(t *testing.T, at Place) {
	q := queue("keys.example", "default")
	s := at.Open(t, Options{})
	defer shut(t, s)
	key := func(n, mark byte) *persist.Idempotency {
		return &persist.Idempotency{Key: [32]byte{n}, Fingerprint: [16]byte{mark}}
	}
	known := deposits(q, 1)
	known[0].Idempotency = key(1, 1)
	first := enqueue(t, s, known...)[0]
	for name, tt := range map[string]struct {
		keys []*persist.Idempotency
		want []persist.Verdict
	}{
		"a known key":                 {[]*persist.Idempotency{nil, key(1, 2), key(2, 1)}, []persist.Verdict{persist.Refused, persist.Conflict, persist.Refused}},
		"a key twice in the group":    {[]*persist.Idempotency{key(3, 1), key(3, 2), nil}, []persist.Verdict{persist.Refused, persist.Conflict, persist.Refused}},
		"only keys that are the same": {[]*persist.Idempotency{key(1, 1), key(4, 1), key(4, 1)}, []persist.Verdict{persist.Existing, persist.New, persist.Existing}},
	} {
		ds := deposits(q, len(tt.keys))
		ds[0].Whole = true
		for i := range ds {
			ds[i].Idempotency = tt.keys[i]
		}
		receipts, err := s.Enqueue(t.Context(), ds)
		if err != nil {
			t.Fatalf("%s: Enqueue: %v", name, err)
		}
		for i, r := range receipts {
			if r.Verdict != tt.want[i] || (r.Verdict == persist.Refused || r.Verdict == persist.Conflict) != (r.ID == record.ID{}) {
				t.Errorf("%s: deposit %d: %+v, want verdict %d", name, i, r, tt.want[i])
			}
		}
	}
	if es := live(t, s, q); len(es) != 2 || es[0].ID != first {
		t.Errorf("%d webhooks are stored, want the first and one more", len(es))
	}
}

func concurrentEnqueue(t *testing.T, at Place) {
	const callers, groups, size = 64, 10, 3
	var handed []record.ID // the store calls from one goroutine, before the last Enqueue returns
	s := at.Open(t, Options{Committed: func(cs []persist.Committed) {
		for _, c := range cs {
			if c.QueueID != c.Queue.ID() || int(c.Entry.Size) != len(c.Payload) || len(c.Payload) == 0 {
				t.Errorf("handed over %+v", c)
			}
			handed = append(handed, c.Entry.ID)
		}
	}})
	defer shut(t, s)
	var mu sync.Mutex
	var given []record.ID
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			q := queue("busy.example", "default")
			for range groups {
				receipts, err := s.Enqueue(t.Context(), deposits(q, size))
				if err != nil {
					t.Errorf("Enqueue: %v", err)
					return
				}
				mu.Lock()
				for i, r := range receipts {
					if i > 0 && receipts[i-1].ID.Compare(r.ID) >= 0 {
						t.Errorf("receipts of a group out of order")
					}
					given = append(given, r.ID)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(given) != callers*groups*size {
		t.Fatalf("%d receipts, want %d", len(given), callers*groups*size)
	}
	slices.SortFunc(given, record.ID.Compare)
	if !slices.Equal(handed, given) {
		t.Errorf("handed over %d webhooks, not the %d of the receipts in id order", len(handed), len(given))
	}
	if stored := ids(live(t, s, queue("busy.example", "default"))); !slices.Equal(stored, given) {
		t.Errorf("%d webhooks are stored, want those of the %d receipts", len(stored), len(given))
	}
}

func tooLarge(t *testing.T, at Place) {
	q := queue("large.example", "default")
	s := at.Open(t, Options{})
	defer shut(t, s)
	ds := deposits(q, 2)
	ds[1].Payload = make([]byte, 16<<20)
	if _, err := s.Enqueue(t.Context(), ds); !errors.Is(err, persist.ErrTooLarge) {
		t.Errorf("Enqueue of a payload of 16 MiB: %v, want ErrTooLarge", err)
	}
	if es := live(t, s, q); len(es) != 0 {
		t.Errorf("%d webhooks of a refused group are stored", len(es))
	}
	if receipts, err := s.Enqueue(t.Context(), nil); err != nil || len(receipts) != 0 {
		t.Errorf("Enqueue of nothing: %v, %v", receipts, err)
	}
}

func fullDisk(t *testing.T, at Place) {
	q := queue("full.example", "default")
	s := at.Open(t, Options{})
	enqueue(t, s, deposits(q, 1)...)
	shut(t, s)
	s = at.Open(t, Options{Full: true})
	defer shut(t, s)
	if _, err := s.Enqueue(t.Context(), deposits(q, 1)); !errors.Is(err, persist.ErrFull) {
		t.Errorf("Enqueue: %v, want ErrFull", err)
	}
	es := live(t, s, q)
	if len(es) != 1 {
		t.Fatalf("%d webhooks are there, want 1", len(es))
	}
	settle(t, s, persist.Batch{Settlements: []persist.Settlement{delivered(q, es[0])}})
	if es := live(t, s, q); len(es) != 0 {
		t.Errorf("settled, but %d webhooks are there", len(es))
	}
}

func closedStore(t *testing.T, at Place) {
	q := queue("closed.example", "default")
	s := at.Open(t, Options{})
	id := enqueue(t, s, deposits(q, 1)...)[0]
	e := live(t, s, q)[0]
	shut(t, s)
	ctx := t.Context()
	calls := map[string]func() error{
		"Enqueue": func() error { _, err := s.Enqueue(ctx, deposits(q, 1)); return err },
		"Queues":  func() error { _, err := s.Queues(ctx, q.Part(), record.QueueID{}, 1); return err },
		"Count":   func() error { _, err := s.Count(t.Context(), ref(q), record.Position{}, 1); return err },
		"Window":  func() error { _, err := s.Window(ctx, ref(q), record.Position{}, 1); return err },
		"Payload": func() error { _, err := s.Payload(ctx, id); return err },
		"States":  func() error { _, err := s.States(ctx, q.Part()); return err },
		"Settle": func() error {
			_, err := s.Settle(ctx, "me", persist.Batch{Settlements: []persist.Settlement{delivered(q, e)}})
			return err
		},
		"Webhook": func() error { _, err := s.Webhook(ctx, id); return err },
		"Close":   s.Close,
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, persist.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
	s = at.Open(t, Options{})
	defer shut(t, s)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Enqueue(cancelled, deposits(q, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Enqueue with an ended context: %v", err)
	}
}

func tend(t *testing.T, at Place) {
	s := at.Open(t, Options{})
	defer shut(t, s)
	tenure, err := s.Tend(t.Context(), "me", nil, time.Minute)
	if err != nil {
		t.Fatalf("Tend: %v", err)
	}
	slices.Sort(tenure.Parts)
	if got := len(slices.Compact(tenure.Parts)); got != record.Parts {
		t.Errorf("the only member holds %d partitions, want %d", got, record.Parts)
	}
}
