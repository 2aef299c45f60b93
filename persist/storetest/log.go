package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// history reads all pages of a filter.
func history(t *testing.T, s persist.Store, f persist.Filter, limit int) []*record.Final {
	t.Helper()
	var all []*record.Final
	from := ""
	for range 10_000 {
		page, err := s.History(t.Context(), &f, from, limit)
		if err != nil {
			t.Fatalf("History(%+v, %q): %v", f, from, err)
		}
		if len(page.Finals) > limit {
			t.Fatalf("a page of %d, want at most %d", len(page.Finals), limit)
		}
		all = append(all, page.Finals...)
		if from = page.Next; from == "" {
			return all
		}
	}
	t.Fatal("the pages never end")
	return nil
}

// someFinal draws what is kept of a finished webhook from few values of each field.
func someFinal(rnd *rand.Rand, q record.Queue, id record.ID) *record.Final {
	f := &record.Final{
		ID: id, Method: "POST", URL: "https://" + q.Lane.Host + "/", Host: q.Lane.Host, Tenant: q.Tenant, Flow: q.Flow,
		State:        []record.State{record.Delivered, record.Failed, record.Expired, record.Cancelled}[rnd.IntN(4)],
		Type:         []string{"", "order", "refund"}[rnd.IntN(3)],
		Subscription: []string{"", "sub_1", "sub_2"}[rnd.IntN(3)], Event: []string{"", "evt_1"}[rnd.IntN(2)],
		Subject: []record.Digest{{}, {1}}[rnd.IntN(2)], FinishedAt: time.Now().UnixMilli(),
	}
	for n := range rnd.IntN(3) {
		f.Attempts = append(f.Attempts, record.Attempt{N: n + 1, Status: []int{0, 200, 404, 503}[rnd.IntN(4)], Outcome: "retry"})
	}
	return f
}

// historyFilters: each page is what a list of all that ended holds, the latest first, over restarts, and whatever each of
// them is kept for.
func historyFilters(t *testing.T, at Place) {
	rnd := rand.New(rand.NewPCG(1, 2))
	synctest.Test(t, func(t *testing.T) {
		o := Options{Metadata: time.Hour, Body: time.Hour}
		s := at.Open(t, o)
		began := time.Now()
		var all []*record.Final
		queues := []record.Queue{queue("a.example", "f"), queue("a.example", "g"), queue("b.example", "f")}
		queues[2].Tenant = "eu"
		for round := range 60 {
			q := queues[rnd.IntN(len(queues))]
			var b persist.Batch
			enqueue(t, s, deposits(q, 1+rnd.IntN(4))...)
			for _, e := range live(t, s, q) {
				f := someFinal(rnd, q, e.ID)
				st := persist.Settlement{Queue: ref(q), Was: e.Position, ID: e.ID, Final: f}
				st.Keep.Metadata = []time.Duration{0, 0, 2 * time.Hour}[rnd.IntN(3)]
				b.Settlements = append(b.Settlements, st)
				all = append(all, f)
			}
			settle(t, s, b)
			time.Sleep(time.Second)
			if round%25 == 24 {
				shut(t, s)
				s = at.Open(t, o)
			}
		}
		defer func() { shut(t, s) }()
		second := func(n int) int64 { return began.Add(time.Duration(n) * time.Second).UnixMilli() }
		for _, f := range []persist.Filter{
			{}, {Host: "a.example"}, {Host: "b.example"}, {Host: "c.example"}, {Flow: "g"}, {Type: "order"}, {Subscription: "sub_2"},
			{Event: "evt_1"}, {Tenants: []string{"eu"}}, {Tenants: []string{"us", "eu"}}, {Subject: record.Digest{1}}, {State: record.Failed}, {StatusFrom: 200, StatusTo: 200},
			{StatusFrom: 400, StatusTo: 499}, {Since: second(20)}, {Until: second(20)}, {Since: second(20), Until: second(30)},
			{Host: "a.example", Flow: "f", State: record.Delivered, Type: "refund"},
		} {
			var want []record.ID
			for _, w := range all {
				if f.Matches(w) {
					want = append(want, w.ID)
				}
			}
			slices.SortFunc(want, func(a, b record.ID) int { return b.Compare(a) })
			for _, limit := range []int{1, 7, 1000} {
				var got []record.ID
				finals := history(t, s, f, limit)
				for i, w := range finals {
					got = append(got, w.ID)
					if i > 0 && w.FinishedAt > finals[i-1].FinishedAt {
						t.Fatalf("%+v: %s ended after what comes before it", f, w.ID)
					}
				}
				slices.SortFunc(got, func(a, b record.ID) int { return b.Compare(a) })
				if !slices.Equal(got, want) {
					t.Errorf("%+v, %d a page: %d found, want %d", f, limit, len(got), len(want))
				}
			}
		}
	})
}

// historyCursor: a cursor goes on where it was, whatever ends meanwhile.
func historyCursor(t *testing.T, at Place) {
	q := queue("history.example", "default")
	s := at.Open(t, Options{Metadata: time.Hour})
	defer shut(t, s)
	var want []record.ID
	for range 10 {
		want = append(want, finish(t, s, deposits(q, 1)[0]))
	}
	slices.Reverse(want)
	var got []record.ID
	for from := ""; ; {
		page, err := s.History(t.Context(), &persist.Filter{}, from, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Finals {
			got = append(got, f.ID)
		}
		if from = page.Next; from == "" {
			break
		}
		finish(t, s, deposits(q, 1)[0])
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	for _, bad := range []string{"x", "AAAA", "AQ4", "!"} {
		if _, err := s.History(t.Context(), &persist.Filter{}, bad, 2); !errors.Is(err, persist.ErrCursor) {
			t.Errorf("cursor %q: %v, want ErrCursor", bad, err)
		}
	}
}

// keptApart: what a settlement asks for wins over what the store keeps otherwise, for metadata and bodies apart.
func keptApart(t *testing.T, at Place) {
	q := queue("history.example", "default")
	synctest.Test(t, func(t *testing.T) {
		o := Options{Metadata: 24 * time.Hour, Body: 24 * time.Hour}
		s := at.Open(t, o)
		keeps := map[record.ID]persist.Keep{}
		for _, k := range []persist.Keep{
			{}, {Body: -1}, {Metadata: -1, Body: -1}, {Metadata: 240 * time.Hour}, {Metadata: 240 * time.Hour, Body: 240 * time.Hour},
			{Metadata: 240 * time.Hour, Body: 120 * time.Hour},
		} {
			id := enqueue(t, s, deposits(q, 1)[0])[0]
			st := delivered(q, live(t, s, q)[0])
			st.Keep = k
			settle(t, s, persist.Batch{Settlements: []persist.Settlement{st}})
			keeps[id] = k
		}
		var age time.Duration
		for _, wait := range []time.Duration{0, 20 * time.Hour, 30 * time.Hour, 60 * time.Hour, 60 * time.Hour, 200 * time.Hour} {
			shut(t, s)
			time.Sleep(wait)
			age += wait
			s = at.Open(t, o)
			for id, k := range keeps {
				meta, body := k.Metadata, k.Body
				if meta == 0 {
					meta = o.Metadata
				}
				if body == 0 {
					body = o.Body
				}
				v, err := s.Webhook(t.Context(), id)
				if known := err == nil; known != (age < meta) {
					t.Errorf("kept for %v, after %v it is known: %v", k, age, known)
				}
				if err == nil && (v.Payload != nil) != (age < body) {
					t.Errorf("kept for %v, after %v its payload has %d bytes", k, age, len(v.Payload))
				}
			}
		}
		shut(t, s)
	})
}

// liveList: the live webhooks are listed by id, also those tried before, those moved, and those of a backlog, and never one
// that is over.
func liveList(t *testing.T, at Place) {
	s := at.Open(t, Options{})
	queues := []record.Queue{queue("a.example", "f"), queue("b.example", "g"), ordered("c.example", "k")}
	want := map[record.ID]record.Entry{}
	for round := range 30 {
		q := queues[round%len(queues)]
		enqueue(t, s, deposits(q, 5)...)
		es := live(t, s, q)
		settle(t, s, persist.Batch{Settlements: []persist.Settlement{delivered(q, es[0]), retried(q, es[1], time.Now().UnixMilli()+50)}})
	}
	for _, q := range queues {
		for _, e := range live(t, s, q) {
			want[e.ID] = e
		}
	}
	check := func(s persist.Store, wanted func(*record.Queue) bool, limit int) {
		t.Helper()
		seen := 0
		var before record.ID
		for range 1000 {
			page, err := s.Live(t.Context(), before, wanted, limit)
			if err != nil {
				t.Fatal(err)
			}
			last := before
			for i := range page.Rows {
				r := &page.Rows[i]
				if (last != record.ID{}) && r.Entry.ID.Compare(last) >= 0 {
					t.Fatalf("%s comes after %s", r.Entry.ID, last)
				}
				last = r.Entry.ID
				if e, ok := want[r.Entry.ID]; !ok || e != r.Entry || len(r.Attempts) != e.Attempts() {
					t.Fatalf("listed as %+v with %d attempts, want %+v", r.Entry, len(r.Attempts), e)
				}
				if len(r.Payload) != int(r.Entry.Size) || wanted != nil && !wanted(&r.Queue) {
					t.Fatalf("%s of %+v has a payload of %d bytes", r.Entry.ID, r.Queue, len(r.Payload))
				}
				seen++
			}
			if before = page.Next; before == (record.ID{}) {
				break
			}
		}
		n := 0
		for _, q := range queues {
			if wanted == nil || wanted(&q) {
				n += len(live(t, s, q))
			}
		}
		if seen != n {
			t.Errorf("%d listed of %d", seen, n)
		}
	}
	left := at.Crash(t)
	for name, s := range map[string]persist.Store{"running": s, "after a crash": left.Open(t, Options{})} {
		t.Run(name, func(t *testing.T) {
			for _, limit := range []int{1, 7, 500} {
				check(s, nil, limit)
				check(s, func(q *record.Queue) bool { return q.Lane.Host == "b.example" }, limit)
				check(s, func(*record.Queue) bool { return false }, limit)
			}
		})
		shut(t, s)
	}
}

// liveGone: pages come to their end over many webhooks that are gone.
func liveGone(t *testing.T, at Place) {
	s := at.Open(t, Options{})
	defer shut(t, s)
	q := queue("a.example", "f")
	kept := enqueue(t, s, deposits(q, 1)...)[0]
	for round := range 12 {
		ds := deposits(q, 1000) // with a key they go to the database at once
		ds[0].Idempotency = &persist.Idempotency{Key: [32]byte{byte(round), 1}, Fingerprint: [16]byte{1}}
		ids := enqueue(t, s, ds...)
		var b persist.Batch
		for _, e := range live(t, s, q) {
			if slices.Contains(ids, e.ID) {
				b.Settlements = append(b.Settlements, delivered(q, e))
			}
		}
		settle(t, s, b)
	}
	var got []record.ID
	pages := 0
	for before := (record.ID{}); ; pages++ {
		page, err := s.Live(t.Context(), before, nil, 10)
		if err != nil || pages > 100 {
			t.Fatal(fmt.Errorf("after %d pages: %w", pages, err))
		}
		for i := range page.Rows {
			got = append(got, page.Rows[i].Entry.ID)
		}
		if before = page.Next; before == (record.ID{}) {
			break
		}
	}
	if !slices.Equal(got, []record.ID{kept}) {
		t.Errorf("listed %v, want %s alone", got, kept)
	}
}
