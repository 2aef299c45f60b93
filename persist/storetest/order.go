package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

func windowOrder(t *testing.T, at Place) {
	q, near := queue("order.example", "a"), queue("order.example", "b")
	s := at.Open(t, Options{})
	defer shut(t, s)
	rng := rand.New(rand.NewPCG(1, 2))
	ds := deposits(q, 300)
	ahead := time.Now().Add(time.Hour).UnixMilli()
	for i := range ds {
		if i%2 == 0 {
			ds[i].Due = ahead + rng.Int64N(50) // many share an instant
		}
		ds[i].Expires = int64(i)
	}
	enqueue(t, s, deposits(near, 10)...)
	accepted := enqueue(t, s, ds...)
	var want []record.Position
	for i, id := range accepted {
		rank := ds[i].Due
		if rank == 0 {
			rank = int64(id.Time()) //nolint:gosec // 48 bits
		}
		want = append(want, record.Position{Rank: rank, ID: id})
	}
	slices.SortFunc(want, record.Position.Compare)

	var got []record.Position
	for after := (record.Position{}); ; {
		es, err := s.Window(t.Context(), ref(q), after, 7)
		if err != nil {
			t.Fatalf("Window: %v", err)
		}
		if len(es) == 0 {
			break
		}
		for _, e := range es {
			i := slices.Index(accepted, e.ID)
			if i < 0 || e.Expires != int64(i) || int(e.Size) != len(ds[i].Payload) || e.Due != e.Rank {
				t.Fatalf("entry %+v of deposit %d", e, i)
			}
			got = append(got, e.Position)
		}
		after = es[len(es)-1].Position
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d entries, not the %d accepted by rank and id", len(got), len(want))
	}
	for _, c := range []struct {
		after      record.Position
		most, want int
	}{{record.Position{}, 1000, 300}, {want[0], 1000, 299}, {want[100], 1000, 199}, {want[299], 1000, 0}, {want[100], 50, 50}} {
		if n, err := s.Count(t.Context(), ref(q), c.after, c.most); n != c.want || err != nil {
			t.Errorf("Count behind %v, at most %d: %d, %v; want %d", c.after, c.most, n, err, c.want)
		}
	}
}

func orderedQueue(t *testing.T, at Place) {
	q := ordered("order.example", "customer 7")
	s := at.Open(t, Options{})
	defer shut(t, s)
	ds := deposits(q, 20)
	for i := range ds {
		ds[i].Due = time.Now().Add(time.Duration(20-i) * time.Hour).UnixMilli()
	}
	accepted := enqueue(t, s, ds...)
	es := live(t, s, q)
	if !slices.Equal(ids(es), accepted) {
		t.Errorf("read in another order than accepted")
	}
	for i, e := range es {
		if e.Rank != 0 || e.Due != ds[i].Due {
			t.Errorf("entry %d: %+v, want rank 0 and due %d", i, e, ds[i].Due)
		}
	}
}

// freshAfterBacklog writes a backlog and retries of it, then fresh webhooks in runs whose clock went back.
func freshAfterBacklog(t *testing.T, at Place) {
	for _, q := range []record.Queue{queue("back.example", "default"), ordered("back.example", "k")} {
		var backlog []record.ID
		run := func(t *testing.T) {
			s := at.Open(t, Options{})
			defer shut(t, s)
			for range 3 {
				backlog = append(backlog, enqueue(t, s, deposits(q, 5)...)...)
				if got := ids(live(t, s, q)); !slices.Equal(got, backlog) {
					t.Errorf("a fresh webhook sorts before the backlog: %v, want %v", got, backlog)
				}
			}
		}
		run(t)
		synctest.Test(t, run) // in the year 2000
		run(t)
	}
}

func queues(t *testing.T, at Place) {
	const n = 25
	want := map[record.QueueID]record.Queue{}
	s := at.Open(t, Options{})
	for i := range n {
		q := queue("many.example", fmt.Sprintf("flow %d", i))
		q.Priority, q.Tenant, q.Lane.Key = record.Low, "eu", record.Digest{byte(i)}
		want[q.ID()] = q
		enqueue(t, s, deposits(q, 1)...)
	}
	left := at.Crash(t)
	shut(t, s)
	for _, place := range []Place{at, left} {
		s := place.Open(t, Options{})
		part := record.PartOf("many.example")
		var after record.QueueID
		got := map[record.QueueID]record.Queue{}
		for {
			heads, err := s.Queues(t.Context(), part, after, 4)
			if err != nil {
				t.Fatalf("Queues: %v", err)
			}
			if len(heads) == 0 {
				break
			}
			for _, h := range heads {
				if slices.Compare(after[:], h.ID[:]) >= 0 {
					t.Errorf("queue %x listed after %x", h.ID, after)
				}
				got[h.ID], after = h.Queue, h.ID
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%d queues listed, want the %d used, as they were given", len(got), n)
		}
		if heads, err := s.Queues(t.Context(), part+1, record.QueueID{}, 10); err != nil || len(heads) != 0 {
			t.Errorf("another partition lists %d queues, %v", len(heads), err)
		}
		shut(t, s)
	}
}

func emptyQueueGoes(t *testing.T, at Place) {
	q := queue("done.example", "default")
	s := at.Open(t, Options{})
	enqueue(t, s, deposits(q, 1)...)
	e := live(t, s, q)[0]
	settle(t, s, persist.Batch{
		Settlements: []persist.Settlement{delivered(q, e)},
		Marks:       []persist.Mark{{Queue: ref(q), At: e.Position}},
	})
	shut(t, s)
	swept := make(chan struct{})
	s = at.Open(t, Options{Swept: swept})
	defer shut(t, s)
	<-swept // opening need not wait for it
	if heads, err := s.Queues(t.Context(), q.Part(), record.QueueID{}, 10); err != nil || len(heads) != 0 {
		t.Fatalf("%d queues are listed, %v; want none", len(heads), err)
	}
	accepted := enqueue(t, s, deposits(q, 2)...)
	if got := ids(live(t, s, q)); !slices.Equal(got, accepted) {
		t.Errorf("used again, the queue has %v, want %v", got, accepted)
	}
}

// marksHideNothing drains a queue whose last webhook was due far ahead, marks it drained, and then puts fresh ones.
func marksHideNothing(t *testing.T, at Place) {
	for _, q := range []record.Queue{queue("marks.example", "default"), ordered("marks.example", "k")} {
		keep := queue(q.Lane.Host, "keeps a queue row that was not this run's")
		s := at.Open(t, Options{})
		ds := deposits(q, 3)
		ds[2].Due = time.Now().Add(48 * time.Hour).UnixMilli()
		enqueue(t, s, append(ds, deposits(keep, 1)...)...)
		var b persist.Batch
		es := live(t, s, q)
		for _, e := range es {
			b.Settlements = append(b.Settlements, delivered(q, e))
		}
		b.Marks = []persist.Mark{
			{Queue: ref(q), At: es[2].Position},
			{Queue: ref(q), At: record.Position{Rank: 1 << 60}},
			{Queue: ref(keep), At: record.Position{}},
		}
		settle(t, s, b)
		accepted := enqueue(t, s, deposits(q, 2)...)
		if got := ids(live(t, s, q)); !slices.Equal(got, accepted) {
			t.Errorf("the mark hides fresh webhooks: %v, want %v", got, accepted)
		}
		e := live(t, s, q)[0]
		settle(t, s, persist.Batch{Settlements: []persist.Settlement{retried(q, e, 0)}}) // long due: at once
		left := at.Crash(t)
		shut(t, s)
		synctest.Test(t, func(t *testing.T) { // the clock goes back
			s := left.Open(t, Options{})
			accepted := append(accepted, enqueue(t, s, deposits(q, 1)...)...)
			got := ids(live(t, s, q))
			slices.SortFunc(got, record.ID.Compare)
			if !slices.Equal(got, accepted) {
				t.Errorf("after a restart the mark hides webhooks: %v, want %v", got, accepted)
			}
			if len(live(t, s, keep)) == 0 {
				t.Error("another queue's webhook is hidden")
			}
			shut(t, s)
		})
	}
}

func marksAreKept(t *testing.T, at Place) {
	q := queue("marks.example", "default")
	synctest.Test(t, func(t *testing.T) {
		s := at.Open(t, Options{})
		enqueue(t, s, deposits(q, 4)...)
		es := live(t, s, q)
		time.Sleep(time.Minute)
		last := enqueue(t, s, deposits(q, 1)...)[0]
		settle(t, s, persist.Batch{
			Settlements: []persist.Settlement{
				delivered(q, es[0]), delivered(q, es[1]), delivered(q, es[2]), delivered(q, es[3]),
			},
			Marks: []persist.Mark{{Queue: ref(q), At: es[3].Position}, {Queue: ref(q), At: es[1].Position}},
		})
		for range 2 {
			heads, err := s.Queues(t.Context(), q.Part(), record.QueueID{}, 10)
			if err != nil || len(heads) != 1 {
				t.Fatalf("Queues: %v, %v", heads, err)
			}
			if m := heads[0].Mark; m != es[3].Position {
				t.Errorf("mark %v, want the one a minute old, %v", m, es[3].Position)
			}
			if got := ids(live(t, s, q)); len(got) != 1 || got[0] != last {
				t.Errorf("behind the mark: %v, want %v", got, last)
			}
			shut(t, s)
			s = at.Open(t, Options{})
		}
		shut(t, s)
	})
}
