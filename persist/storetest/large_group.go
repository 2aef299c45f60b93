package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// largeGroup is a group that no store writes in one step: its deposits have keys, and go to many queues that are new.
const (
	largeGroupDeposits, largeGroupSize = 10_000, 4 << 10
	largeGroupQueues                   = 20
)

func largeGroup() (ds []persist.Deposit) {
	for i := range largeGroupDeposits {
		ds = append(ds, persist.Deposit{
			Queue:       queue("large.example", fmt.Sprintf("flow-%d", i%largeGroupQueues)),
			Payload:     bytes.Repeat([]byte{'x'}, largeGroupSize),
			Idempotency: &persist.Idempotency{Key: [32]byte{byte(i), byte(i >> 8)}},
		})
	}
	return ds
}

// thereOf counts what is there of a large group: webhooks in the queues that are listed, of the log, and keys of a sample that
// stand for one whose payload is there.
func thereOf(t *testing.T, s persist.Store, ds []persist.Deposit) (queued, listed, known, sampled int) {
	t.Helper()
	for i := range largeGroupQueues {
		queued += len(live(t, s, ds[i].Queue))
	}
	for before, more := (record.ID{}), true; more; more = before != (record.ID{}) {
		page, err := s.Live(t.Context(), before, func(q *record.Queue) bool { return q.Flow != "before" }, 5000)
		if err != nil {
			t.Fatalf("Live: %v", err)
		}
		listed += len(page.Rows)
		before = page.Next
	}
	for k := 0; k < len(ds); k += 101 { // over all the steps
		sampled++
		r, err := s.Known(t.Context(), *ds[k].Idempotency)
		if err != nil {
			t.Fatalf("Known: %v", err)
		}
		if r.Verdict != persist.Existing {
			continue
		}
		payload, err := s.Payload(t.Context(), r.ID)
		if err != nil || len(payload) != largeGroupSize {
			t.Fatalf("payload of %s, which its key stands for: %d bytes, %v", r.ID, len(payload), err)
		}
		known++
	}
	return queued, listed, known, sampled
}

// isThere reports whether a large group is there, and fails where it is neither whole nor not there at all.
func isThere(t *testing.T, s persist.Store, ds []persist.Deposit, when string) bool {
	t.Helper()
	queued, listed, known, sampled := thereOf(t, s, ds)
	switch {
	case queued == len(ds) && listed == len(ds) && known == sampled:
		return true
	case queued+listed+known > 0:
		t.Errorf("%s: of a group of %d, %d are queued and %d listed, and %d of %d keys are known", when, len(ds), queued, listed,
			known, sampled)
	}
	return false
}

func largeGroupIsAtomic(t *testing.T, at Place) {
	ds := largeGroup()
	before := queue("large.example", "before")
	var left []Place
	s := at.Open(t, Options{Split: func() { left = append(left, at.Crash(t)) }})
	enqueue(t, s, deposits(before, 3)...)
	accepted := enqueue(t, s, ds...)
	left = append(left, at.Crash(t)) // after Enqueue returned
	shut(t, s)

	was := false
	for i, place := range left {
		s := place.Open(t, Options{})
		if got := len(live(t, s, before)); got != 3 {
			t.Errorf("crash %d: %d of the 3 webhooks accepted before are there", i, got)
		}
		is := isThere(t, s, ds, fmt.Sprintf("crash %d of %d", i, len(left)))
		if was && !is || i == 0 && is || i == len(left)-1 && !is {
			t.Errorf("crash %d of %d: the group is there: %v, and one step before: %v", i, len(left), is, was)
		}
		was = is
		receipts, err := s.Enqueue(t.Context(), ds[:1])
		if err != nil || is != (receipts[0] == persist.Receipt{ID: accepted[0], Verdict: persist.Existing}) {
			t.Errorf("crash %d: the first deposit again: %+v, %v; known should be %v", i, receipts, err, is)
		}
		shut(t, s)
	}
}

func largeGroupIsSeenWhole(t *testing.T, at Place) {
	ds := largeGroup()
	var s persist.Store
	steps, was := 0, false
	s = at.Open(t, Options{Split: func() {
		if steps++; s == nil {
			return
		}
		is := isThere(t, s, ds, fmt.Sprintf("before step %d", steps))
		if was && !is {
			t.Errorf("before step %d: the group is not there any more", steps)
		}
		was = is
	}})
	enqueue(t, s, ds...)
	if steps < 2 {
		t.Errorf("it was written in %d steps: that proves nothing", steps)
	}
	if !isThere(t, s, ds, "after Enqueue returned") {
		t.Error("after Enqueue returned: it is not there")
	}
	shut(t, s)
}
