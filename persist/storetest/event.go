package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
)

// event returns an event whose webhooks go to n queues, one each.
func event(key byte, n int) persist.Event {
	e := persist.Event{
		Key: [32]byte{key}, Fingerprint: [16]byte{key}, Record: fmt.Appendf(nil, "event %d", key), Keep: 24 * time.Hour,
	}
	for i := range n {
		e.Deposits = append(e.Deposits, deposits(queue("events.example", fmt.Sprintf("sub-%d", i)), 1)...)
	}
	return e
}

func publish(t *testing.T, s persist.Store, events ...persist.Event) []persist.EventReceipt {
	t.Helper()
	receipts, err := s.Publish(t.Context(), events)
	if err != nil || len(receipts) != len(events) {
		t.Fatalf("Publish of %d events gave %d receipts, %v", len(events), len(receipts), err)
	}
	return receipts
}

func eventIsAtomic(t *testing.T, at Place) {
	const n, size = 3_000, 4 << 10
	q := queue("large.example", "default")
	large := event(1, 0)
	large.Deposits = deposits(q, n)
	for i := range large.Deposits {
		large.Deposits[i].Payload = append(large.Deposits[i].Payload, bytes.Repeat([]byte{'x'}, size)...)
	}
	var left []Place
	s := at.Open(t, Options{Split: func() { left = append(left, at.Crash(t)) }})
	published := publish(t, s, large)[0]
	left = append(left, at.Crash(t)) // after Publish returned
	shut(t, s)
	if published.Verdict != persist.New || len(published.Webhooks) != n {
		t.Fatalf("a new event of %d deposits: verdict %d, %d webhooks", n, published.Verdict, len(published.Webhooks))
	}
	was := false
	for i, place := range left {
		s := place.Open(t, Options{})
		view, err := s.Event(t.Context(), large.Key)
		got := ids(live(t, s, q))
		is := err == nil
		switch {
		case is && (!slices.Equal(view.Webhooks, published.Webhooks) || string(view.Record) != "event 1"):
			t.Errorf("crash %d of %d: %+v", i, len(left), view)
		case is && !slices.Equal(got, published.Webhooks):
			t.Errorf("crash %d of %d: the event is there, and %d of its %d webhooks", i, len(left), len(got), n)
		case !is && (len(got) > 0 || !errors.Is(err, persist.ErrNotFound)):
			t.Errorf("crash %d of %d: %d webhooks are there, and of the event: %v", i, len(left), len(got), err)
		}
		if was && !is || i == 0 && is || i == len(left)-1 && !is {
			t.Errorf("crash %d of %d: the event is there: %v, and one step before: %v", i, len(left), is, was)
		}
		was = is
		shut(t, s)
	}
}

func knownEvent(t *testing.T, at Place) {
	var committed int
	s := at.Open(t, Options{Committed: func(c []persist.Committed) { committed += len(c) }})
	again := event(1, 3)
	again.Record = []byte("the same, read at another time")
	other := event(1, 2)
	other.Fingerprint = [16]byte{9}
	got := publish(t, s, event(1, 3), event(2, 1), again, other)
	first := got[0].EventView
	shut(t, s)

	s = at.Open(t, Options{})
	got = append(got, publish(t, s, again)...)
	for i, want := range []persist.Verdict{persist.New, persist.New, persist.Existing, persist.Conflict, persist.Existing} {
		if got[i].Verdict != want {
			t.Errorf("event %d: verdict %d, want %d", i, got[i].Verdict, want)
		}
		if i != 1 && (!slices.Equal(got[i].Webhooks, first.Webhooks) || string(got[i].Record) != "event 1") {
			t.Errorf("event %d: answered with %s and %v, want what was stored first", i, got[i].Record, got[i].Webhooks)
		}
	}
	if committed != 4 {
		t.Errorf("%d webhooks were committed, want the 4 of two events", committed)
	}
	for i, want := range []int{2, 1, 1} {
		if n := len(live(t, s, queue("events.example", fmt.Sprintf("sub-%d", i)))); n != want {
			t.Errorf("queue %d holds %d webhooks, want %d", i, n, want)
		}
	}
	shut(t, s)
}

func eventWithoutWebhooks(t *testing.T, at Place) {
	s := at.Open(t, Options{})
	publish(t, s, event(1, 0))
	left := at.Crash(t)
	shut(t, s)
	s = left.Open(t, Options{})
	view, err := s.Event(t.Context(), [32]byte{1})
	if err != nil || string(view.Record) != "event 1" || len(view.Webhooks) != 0 {
		t.Errorf("an event that nobody wanted: %+v, %v", view, err)
	}
	if _, err := s.Event(t.Context(), [32]byte{2}); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("an unknown event: %v", err)
	}
	shut(t, s)
}

func eventEnds(t *testing.T, at Place) {
	synctest.Test(t, func(t *testing.T) {
		s := at.Open(t, Options{})
		first := publish(t, s, event(1, 1))[0]
		time.Sleep(23 * time.Hour)
		if again := publish(t, s, event(1, 1))[0]; again.Verdict != persist.Existing {
			t.Errorf("an hour before its time is up: verdict %d", again.Verdict)
		}
		time.Sleep(2 * time.Hour)
		if _, err := s.Event(t.Context(), [32]byte{1}); !errors.Is(err, persist.ErrNotFound) {
			t.Errorf("after its time: %v", err)
		}
		again := publish(t, s, event(1, 1))[0]
		if again.Verdict != persist.New || again.Webhooks[0] == first.Webhooks[0] {
			t.Errorf("after its time: verdict %d, webhook %s", again.Verdict, again.Webhooks[0])
		}
		if got := live(t, s, queue("events.example", "sub-0")); len(got) != 2 {
			t.Errorf("%d webhooks are live, want both: the end of an event is not theirs", len(got))
		}
		shut(t, s)
	})
}

func fullDiskEvents(t *testing.T, at Place) {
	s := at.Open(t, Options{Full: true})
	if _, err := s.Publish(t.Context(), []persist.Event{event(1, 1)}); !errors.Is(err, persist.ErrFull) {
		t.Errorf("publishing on a full disk: %v", err)
	}
	shut(t, s)
}

func documents(t *testing.T, at Place) {
	doc := func(key, data string) persist.Document {
		return persist.Document{Kind: persist.SubscriptionDocument, Key: key, Data: []byte(data)}
	}
	s := at.Open(t, Options{})
	save := func(docs ...persist.Document) {
		t.Helper()
		if err := s.SaveDocuments(t.Context(), docs); err != nil {
			t.Fatal(err)
		}
	}
	save(doc("b", "2"), doc("a", "1"), doc("c", "3"), doc("d", "4"))
	save(persist.Document{Kind: persist.StandingDocument, Key: "a", Data: []byte("other")})
	save(doc("b", "two"), doc("c", ""), doc("never", ""))
	left := at.Crash(t)
	shut(t, s)

	s = left.Open(t, Options{})
	var got []string
	for after := ""; ; {
		page, err := s.Documents(t.Context(), persist.SubscriptionDocument, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page {
			got, after = append(got, d.Key+"="+string(d.Data)), d.Key
		}
		if len(page) < 2 {
			break
		}
	}
	if want := []string{"a=1", "b=two", "d=4"}; !slices.Equal(got, want) {
		t.Errorf("documents are %v, want %v", got, want)
	}
	shut(t, s)
}

func documentsTooLarge(t *testing.T, at Place) {
	s := at.Open(t, Options{})
	docs := make([]persist.Document, 8)
	for i := range docs {
		docs[i] = persist.Document{Kind: persist.StandingDocument, Key: fmt.Sprint(i), Data: make([]byte, 900_000)}
	}
	if err := s.SaveDocuments(t.Context(), docs); !errors.Is(err, persist.ErrTooLarge) {
		t.Errorf("8 documents of 900,000 bytes: %v", err)
	}
	if got, err := s.Documents(t.Context(), persist.StandingDocument, "", 10); err != nil || len(got) != 0 {
		t.Errorf("%d of them were saved, %v", len(got), err)
	}
	shut(t, s)
}
