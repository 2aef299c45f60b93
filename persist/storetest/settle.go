package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

func retryMoves(t *testing.T, at Place) {
	q := queue("retry.example", "default")
	s := at.Open(t, Options{})
	ds := deposits(q, 3)
	accepted := enqueue(t, s, ds...)
	due := time.Now().Add(time.Hour).UnixMilli()
	st := retried(q, live(t, s, q)[0], due)
	st.Next.Trying, st.Next.Deferred, st.Next.Throttled = 11, 22, 3
	st.Attempt.N = st.Next.Attempts()
	settle(t, s, persist.Batch{Settlements: []persist.Settlement{st}})
	if st.Next.Rank != due || st.Attempt.NextRank != due {
		t.Errorf("told rank %d and %d, want %d", st.Next.Rank, st.Attempt.NextRank, due)
	}
	left := at.Crash(t)
	shut(t, s)
	for _, place := range []Place{at, left} {
		s := place.Open(t, Options{})
		want := []record.ID{accepted[1], accepted[2], accepted[0]}
		es := live(t, s, q)
		if !slices.Equal(ids(es), want) {
			t.Fatalf("order %v, want %v", ids(es), want)
		}
		if es[2] != *st.Next {
			t.Errorf("entry %+v, want %+v", es[2], *st.Next)
		}
		v := webhook(t, s, accepted[0])
		if !bytes.Equal(v.Payload, ds[0].Payload) || v.Entry == nil || *v.Entry != *st.Next || v.Final != nil {
			t.Errorf("shown as %+v", v)
		}
		if len(v.Attempts) != 1 || fmt.Sprint(v.Attempts[0]) != fmt.Sprint(*st.Attempt) {
			t.Errorf("attempts %+v, want %+v", v.Attempts, *st.Attempt)
		}
		shut(t, s)
	}
}

func moveWithoutAttempt(t *testing.T, at Place) {
	q := queue("move.example", "default")
	s := at.Open(t, Options{Metadata: time.Hour})
	defer shut(t, s)
	id := enqueue(t, s, deposits(q, 1)...)[0]
	base := time.Now().UnixMilli()
	for i, step := range []struct {
		attempt bool
		due     time.Duration
	}{{false, time.Hour}, {true, 3 * time.Hour}, {false, 2 * time.Hour}, {false, 5 * time.Hour}, {true, 4 * time.Hour}} {
		e := live(t, s, q)[0]
		st := retried(q, e, base+step.due.Milliseconds())
		if !step.attempt {
			st.Next.Tries, st.Attempt = e.Tries, nil
		}
		settle(t, s, persist.Batch{Settlements: []persist.Settlement{st}})
		if v := webhook(t, s, id); v.Entry == nil || *v.Entry != *st.Next {
			t.Errorf("step %d: shown at %+v, want %+v", i, v.Entry, st.Next)
		}
	}
	settle(t, s, persist.Batch{Settlements: []persist.Settlement{delivered(q, live(t, s, q)[0])}})
	if v := webhook(t, s, id); v.Entry != nil || len(v.Attempts) != 3 {
		t.Errorf("ended with %d attempts, want 3", len(v.Attempts))
	}
}

func orderedRetry(t *testing.T, at Place) {
	q := ordered("retry.example", "k")
	s := at.Open(t, Options{})
	defer shut(t, s)
	accepted := enqueue(t, s, deposits(q, 3)...)
	due := time.Now().Add(time.Hour).UnixMilli()
	settle(t, s, persist.Batch{Settlements: []persist.Settlement{retried(q, live(t, s, q)[0], due)}})
	es := live(t, s, q)
	if !slices.Equal(ids(es), accepted) || es[0].Due != due || es[0].Tries != 1 {
		t.Errorf("after a retry: %+v", es)
	}
	if v := webhook(t, s, accepted[0]); v.Entry == nil || *v.Entry != es[0] {
		t.Errorf("shown at %+v, want %+v", v.Entry, es[0])
	}
}

func finalAttempts(t *testing.T, at Place) {
	const tries = 150 // more than a store must keep
	q := queue("final.example", "default")
	s := at.Open(t, Options{Metadata: time.Hour})
	id := enqueue(t, s, deposits(q, 1)...)[0]
	for range tries {
		e := live(t, s, q)[0]
		settle(t, s, persist.Batch{Settlements: []persist.Settlement{retried(q, e, e.Due)}})
	}
	settle(t, s, persist.Batch{Settlements: []persist.Settlement{delivered(q, live(t, s, q)[0])}})
	v := webhook(t, s, id)
	if v.Final == nil || v.Final.State != record.Delivered || v.Entry != nil {
		t.Fatalf("shown as %+v", v)
	}
	check := func(as []record.Attempt) {
		t.Helper()
		if len(as) < 100 {
			t.Fatalf("%d attempts are kept", len(as))
		}
		for i, a := range as {
			if want := tries + 2 - len(as) + i; a.N != want {
				t.Fatalf("attempt %d of %d has number %d, want %d", i, len(as), a.N, want)
			}
		}
		if last := as[len(as)-1]; last.Outcome != "delivered" {
			t.Errorf("the last attempt is %+v", last)
		}
	}
	check(v.Attempts)
	shut(t, s)
	s = at.Open(t, Options{Metadata: time.Hour})
	defer shut(t, s)
	check(webhook(t, s, id).Attempts)
}

func settleTwice(t *testing.T, at Place) {
	q := queue("twice.example", "default")
	s := at.Open(t, Options{Metadata: time.Hour, Body: time.Hour})
	ds := deposits(q, 2)
	accepted := enqueue(t, s, ds...)
	es := live(t, s, q)
	due := time.Now().Add(time.Hour).UnixMilli()
	again := retried(q, es[0], due)
	for range 2 {
		settle(t, s, persist.Batch{Settlements: []persist.Settlement{again}})
	}
	moved := live(t, s, q)
	if !slices.Equal(ids(moved), []record.ID{accepted[1], accepted[0]}) {
		t.Fatalf("after a retry settled twice: %v", ids(moved))
	}
	over := delivered(q, moved[1])
	for range 2 {
		settle(t, s, persist.Batch{Settlements: []persist.Settlement{over, over}})
	}
	if got := live(t, s, q); len(got) != 1 || got[0].ID != accepted[1] {
		t.Errorf("left: %v, want the other one", ids(got))
	}
	v := webhook(t, s, accepted[0])
	if len(v.Attempts) != 2 || !bytes.Equal(v.Payload, ds[0].Payload) {
		t.Errorf("history has %d attempts and payload %q, want 2 and %q", len(v.Attempts), v.Payload, ds[0].Payload)
	}
	shut(t, s)
}

func lateRetry(t *testing.T, at Place) {
	q := queue("late.example", "default")
	s := at.Open(t, Options{})
	defer shut(t, s)
	enqueue(t, s, deposits(q, 1)...)
	e := live(t, s, q)[0]
	settle(t, s, persist.Batch{Settlements: []persist.Settlement{delivered(q, e)}})
	settle(t, s, persist.Batch{Settlements: []persist.Settlement{retried(q, e, 0)}})
	if got := window(t, s, q, record.Position{}); len(got) != 0 {
		t.Errorf("a finished webhook is back: %+v", got)
	}
}

func faultySettlement(t *testing.T, at Place) {
	q := queue("faulty.example", "default")
	s := at.Open(t, Options{})
	defer shut(t, s)
	enqueue(t, s, deposits(q, 2)...)
	es := live(t, s, q)
	both, neither, other, zero := delivered(q, es[1]), delivered(q, es[1]), delivered(q, es[1]), delivered(q, es[1])
	both.Next, neither.Final, other.ID, zero.Attempt.N = &es[1], nil, es[0].ID, 0
	for name, faulty := range map[string]persist.Settlement{
		"both Next and Final": both, "neither Next nor Final": neither, "another's place": other, "attempt 0": zero,
	} {
		b := persist.Batch{Settlements: []persist.Settlement{delivered(q, es[0]), faulty}}
		if _, err := s.Settle(t.Context(), "me", b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := live(t, s, q); len(got) != 2 {
		t.Errorf("%d webhooks are left of 2 that nothing faultless settled", len(got))
	}
}

// largeSettle settles more at once than an embedded store writes in one transaction.
func largeSettle(t *testing.T, at Place) {
	const n = 3000
	q := queue("large.example", "default")
	s := at.Open(t, Options{Metadata: time.Hour, Body: time.Hour})
	defer shut(t, s)
	enqueue(t, s, deposits(q, n)...)
	var retry, end persist.Batch
	body := bytes.Repeat([]byte("response "), 200)
	for _, e := range live(t, s, q) {
		st := retried(q, e, 0)
		st.Attempt.Body = body
		retry.Settlements = append(retry.Settlements, st)
	}
	settle(t, s, retry)
	es := live(t, s, q)
	if len(es) != n {
		t.Fatalf("%d webhooks after a retry of all %d", len(es), n)
	}
	for _, e := range es {
		end.Settlements = append(end.Settlements, delivered(q, e))
	}
	end.Marks = []persist.Mark{{Queue: ref(q), At: es[n-1].Position}}
	end.States = []persist.State{{Lane: q.Lane, Kind: persist.HostState, Data: []byte("state")}}
	settle(t, s, end)
	if left := window(t, s, q, record.Position{}); len(left) != 0 {
		t.Errorf("%d webhooks are left", len(left))
	}
	for _, i := range []int{0, n / 2, n - 1} {
		v := webhook(t, s, es[i].ID)
		if len(v.Attempts) != 2 || !bytes.Equal(v.Attempts[0].Body, body) || len(v.Payload) == 0 {
			t.Errorf("webhook %d: %d attempts, %d bytes of payload", i, len(v.Attempts), len(v.Payload))
		}
	}
}

func states(t *testing.T, at Place) {
	lane := record.Lane{Host: "state.example"}
	keyed := record.Lane{Host: "state.example", Key: record.Digest{1, 2, 3}}
	longer := record.Lane{Host: "state.example:8080"}
	s := at.Open(t, Options{})
	settle(t, s, persist.Batch{States: []persist.State{
		{Lane: lane, Kind: persist.HostState, Data: []byte("breaker")},
		{Lane: lane, Kind: persist.LaneState, Data: []byte("first")},
		{Lane: keyed, Kind: persist.LaneState, Data: []byte("keyed")},
		{Lane: longer, Kind: persist.LaneState, Data: []byte("other host")},
	}})
	settle(t, s, persist.Batch{States: []persist.State{
		{Lane: lane, Kind: persist.LaneState, Data: []byte("second")},
		{Lane: keyed, Kind: persist.LaneState},
		{Lane: keyed, Kind: persist.HostState}, // forgotten before it was known
	}})
	left := at.Crash(t)
	shut(t, s)
	for _, place := range []Place{at, left} {
		s := place.Open(t, Options{})
		got, err := s.States(t.Context(), record.PartOf("state.example"))
		if err != nil {
			t.Fatalf("States: %v", err)
		}
		want := []persist.State{
			{Lane: lane, Kind: persist.HostState, Data: []byte("breaker")},
			{Lane: lane, Kind: persist.LaneState, Data: []byte("second")},
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("states %v, want %v", got, want)
		}
		for host, want := range map[string][]persist.State{lane.Host: want, "nobody.example": nil, lane.Host[1:]: nil} {
			if got, err := s.StatesOf(t.Context(), host); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("states of %s: %v, %v; want %v", host, got, err, want)
			}
		}
		got, err = s.States(t.Context(), record.PartOf(longer.Host))
		if err != nil || len(got) != 1 || got[0].Lane != longer {
			t.Errorf("states of %s: %v, %v", longer.Host, got, err)
		}
		shut(t, s)
	}
}
