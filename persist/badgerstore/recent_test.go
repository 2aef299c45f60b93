package badgerstore

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

func numbered(n int) []persist.Committed {
	id := record.ID{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	return []persist.Committed{{
		Queue: goldenQueue, QueueID: goldenRef.ID, Entry: record.Entry{Position: record.Position{Rank: int64(n), ID: id}},
	}}
}

func TestRecentKnowsTheNewestAndStaysBounded(t *testing.T) {
	var r recent
	const all = 5 * recentEach / 2
	for i := range all {
		r.add(numbered(i))
	}
	if n := len(r.young) + len(r.old); n > 2*recentEach {
		t.Errorf("it remembers %d entries, at most %d", n, 2*recentEach)
	}
	for i := all - recentEach; i < all; i += 997 {
		e := numbered(i)[0].Entry
		here := entryPlace{goldenRef, e.Rank}
		for name, elsewhere := range map[string]entryPlace{
			"rank": {goldenRef, e.Rank + 1}, "queue": {persist.QueueRef{Part: goldenRef.Part}, e.Rank},
		} {
			if r.has(e.ID, elsewhere, true) || r.take(e.ID, elsewhere, true) {
				t.Errorf("entry %d is known under another %s", i, name)
			}
		}
		if !r.has(e.ID, here, false) || !r.take(e.ID, here, false) {
			t.Errorf("entry %d of %d is not known", i, all)
		}
		if r.has(e.ID, here, true) || r.take(e.ID, here, true) {
			t.Errorf("entry %d is known though it was taken", i)
		}
	}
	if e := numbered(0)[0].Entry; r.has(e.ID, entryPlace{goldenRef, e.Rank}, true) {
		t.Error("the oldest is still known")
	}
}

func TestAViewOlderThanASettlementBringsNothingBack(t *testing.T) {
	var r recent
	e := numbered(1)[0].Entry
	here := entryPlace{goldenRef, e.Rank}
	view := r.now()
	r.seen(e.ID, here, view)
	if r.has(e.ID, here, false) || !r.has(e.ID, here, true) {
		t.Error("what was read counts for the end of a first attempt, and only for that")
	}
	if !r.take(e.ID, here, true) {
		t.Error("what was read is not known")
	}
	if r.seen(e.ID, here, view); r.has(e.ID, here, true) {
		t.Error("it is known again by a view from before it was taken")
	}
	for i := range 2 * recentEach { // and that is forgotten
		r.leave(numbered(2 + i)[0].Entry.ID)
	}
	if r.seen(e.ID, here, view); r.has(e.ID, here, true) {
		t.Error("it is known again by a view from before all that is remembered")
	}
	if r.seen(e.ID, here, r.now()); !r.has(e.ID, here, true) {
		t.Error("a view of now is not believed")
	}
}

// Each webhook is settled twice, with what memory knows and without: its end is recorded, and its queue counts it once.
func TestSettlingIsTheSameForWhatMemoryForgot(t *testing.T) {
	forget := func(s *Store, _ record.ID) { clear(s.recent.young) }
	for name, before := range map[string]func(*Store, record.ID){
		"known": func(*Store, record.ID) {}, "forgotten": forget, "read": func(s *Store, id record.ID) {
			forget(s, id)
			if _, err := s.Payload(t.Context(), id); err != nil || len(s.recent.young) != 1 {
				t.Errorf("%v, %d entries are remembered, want the one that was read", err, len(s.recent.young))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), Options{Retention: Retention{Metadata: time.Hour, Body: time.Hour}})
			receipts, err := s.Enqueue(t.Context(), append(one(goldenQueue, 10), one(goldenQueue, 20)...))
			if err != nil {
				t.Fatal(err)
			}
			id := receipts[0].ID
			before(s, id)
			for _, reason := range []string{"the first", "the second"} {
				final := benchFinal(id)
				final.Reason = reason
				if _, err := s.Settle(t.Context(), "me", persist.Batch{Settlements: []persist.Settlement{{
					Queue: goldenRef, Was: record.Position{Rank: int64(id.Time()), ID: id}, ID: id, Final: final,
					Attempt: &record.Attempt{N: 1, At: 1, Status: 200, Outcome: "delivered"}, Payload: make([]byte, 10),
				}}}); err != nil {
					t.Fatal(err)
				}
			}
			v, err := s.Webhook(t.Context(), id)
			if err != nil || v.Final == nil || v.Final.Reason != "the first" || len(v.Attempts) != 1 || len(v.Payload) != 10 {
				t.Errorf("Webhook: %+v, %v; want what was settled first", v, err)
			}
			if err := s.Close(); err != nil { // and the committer's memory may be looked at
				t.Fatal(err)
			}
			if q := s.committer.registry.known[goldenRef.ID]; q == nil || q.live != 1 {
				t.Errorf("the queue is known as %+v, want one live webhook of the two", q)
			}
		})
	}
}
