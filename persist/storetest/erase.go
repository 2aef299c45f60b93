package storetest

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// eraseLeavesTheRest: what is meant loses what it said and its payload, for good; everything else stays as it was, cursors
// and all.
func eraseLeavesTheRest(t *testing.T, at Place) {
	q := queue("history.example", "default")
	o := Options{Metadata: time.Hour, Body: time.Hour}
	s := at.Open(t, o)
	ada, bob := record.Digest{1}, record.Digest{2}
	about := map[record.ID]record.Digest{}
	add := func(n int) {
		for i := range n {
			id := enqueue(t, s, deposits(q, 1)[0])[0]
			st := delivered(q, live(t, s, q)[0])
			st.Final.Subject, st.Final.Metadata = []record.Digest{ada, bob, {}}[i%3], map[string]string{"who": "somebody"}
			st.Attempt.Headers, st.Attempt.Body = []record.Header{{Name: "Location", Value: "/who"}}, []byte("somebody")
			settle(t, s, persist.Batch{Settlements: []persist.Settlement{st}})
			about[id] = st.Final.Subject
		}
	}
	add(30)
	shut(t, s)
	s = at.Open(t, o) // one file is sealed
	add(30)
	first, err := s.History(t.Context(), &persist.Filter{}, "", 25)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := s.Erase(t.Context(), &persist.Filter{Subject: ada}); err != nil || n != 20 {
		t.Fatalf("erased %d, %v; want 20", n, err)
	}
	rest, err := s.History(t.Context(), &persist.Filter{}, first.Next, 100)
	if err != nil || len(first.Finals)+len(rest.Finals) != len(about) {
		t.Errorf("a cursor from before goes on with %d of %d, %v", len(rest.Finals), len(about)-len(first.Finals), err)
	}
	left := at.Crash(t)
	shut(t, s)
	for _, place := range []Place{at, left} {
		s := place.Open(t, o)
		for id, subject := range about {
			if v := webhook(t, s, id); subject == ada {
				checkErased(t, v)
			} else {
				checkWhole(t, v, subject)
			}
		}
		if again := history(t, s, persist.Filter{Subject: bob}, 7); len(again) != 20 {
			t.Errorf("%d of another subject are found, want 20", len(again))
		}
		if n, err := s.Erase(t.Context(), &persist.Filter{Subject: ada}); err != nil || n != 0 {
			t.Errorf("erased %d once more, %v", n, err)
		}
		shut(t, s)
	}
}

// checkErased checks that nothing of a webhook is left but that it was, when, for whom and what became of it.
func checkErased(t *testing.T, v *persist.View) {
	t.Helper()
	a := v.Final.Attempts[0]
	if v.Payload != nil || v.Final.URL != "" || v.Final.Metadata != nil || a.Headers != nil || a.Body != nil || v.Final.Subject != (record.Digest{}) {
		t.Errorf("erased, and shown as %+v with %d bytes of payload", v.Final, len(v.Payload))
	}
	if v.Final.State != record.Delivered || v.Final.Host != "history.example" || a.Status != 200 {
		t.Errorf("nothing is left to tell what became of it: %+v", v.Final)
	}
}

// checkWhole checks that a webhook about somebody else is as it was.
func checkWhole(t *testing.T, v *persist.View, subject record.Digest) {
	t.Helper()
	a := v.Final.Attempts[0]
	if v.Payload == nil || v.Final.URL == "" || len(v.Final.Metadata) != 1 || len(a.Headers) != 1 || len(a.Body) == 0 || v.Final.Subject != subject {
		t.Errorf("of another: shown as %+v", v.Final)
	}
}
