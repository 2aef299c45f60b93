package badgerstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// held is a Committed callback that keeps the committer until it is let go.
type held struct{ entered, letGo chan struct{} }

func hold() held { return held{make(chan struct{}, 100), make(chan struct{})} }

func (h held) committed([]persist.Committed) {
	h.entered <- struct{}{}
	<-h.letGo
}

func one(q record.Queue, size int) []persist.Deposit {
	return []persist.Deposit{{Queue: q, Payload: make([]byte, size)}}
}

func TestTooMuchWaitingIsRefusedAtOnce(t *testing.T) {
	h := hold()
	s := open(t, t.TempDir(), Options{Committed: h.committed})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 1)); err != nil {
			t.Errorf("the first: %v", err)
		}
	})
	<-h.entered
	big := make([]persist.Deposit, 40)
	for i := range big {
		big[i] = one(goldenQueue, 700<<10)[0]
	}
	ctx, cancel := context.WithCancel(t.Context())
	for range 2 { // 56 MiB of the 64
		g, err := newGroup(s, big)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.committer.submit(g.operation(), g.size); err != nil {
			t.Fatalf("submit: %v", err)
		}
	}
	if _, err := s.Enqueue(ctx, big); !errors.Is(err, persist.ErrBusy) {
		t.Errorf("84 MiB waiting: %v, want ErrBusy", err)
	}
	cancel()
	close(h.letGo)
	wg.Wait()
	if err := s.Close(); err != nil { // writes what waits
		t.Fatal(err)
	}
	if s.committer.pending != 0 {
		t.Errorf("%d bytes are still counted as waiting", s.committer.pending)
	}
}

func TestEndedContextEndsOnlyTheWaiting(t *testing.T) {
	h := hold()
	dir := t.TempDir()
	s := open(t, dir, Options{Committed: h.committed})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() { _, err := s.Enqueue(ctx, one(goldenQueue, 10)); failed <- err }()
	<-h.entered
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("Enqueue: %v", err)
	}
	close(h.letGo)
	if es, err := s.Window(t.Context(), goldenRef, record.Position{}, 10); err != nil || len(es) != 1 {
		t.Errorf("%d webhooks are stored, %v", len(es), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A rank is given when Settle is called; a mark saved while it waits must not pass it.
func TestSettlementThatWaitedTooLongIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hold()
		s := open(t, t.TempDir(), Options{Committed: h.committed})
		go func() { _, _ = s.Enqueue(t.Context(), one(goldenQueue, 10)) }()
		<-h.entered
		es, err := s.Window(t.Context(), goldenRef, record.Position{}, 10)
		if err != nil || len(es) != 1 {
			t.Fatalf("Window: %v, %v", es, err)
		}
		failed := make(chan error)
		next := es[0]
		batch := persist.Batch{
			Settlements: []persist.Settlement{{Queue: goldenRef, Was: es[0].Position, ID: es[0].ID, Next: &next}},
			Marks:       []persist.Mark{{Queue: goldenRef, At: es[0].Position}},
		}
		go func() { _, err := s.Settle(t.Context(), "me", batch); failed <- err }()
		synctest.Wait()
		time.Sleep((markLag + 1) * time.Millisecond)
		close(h.letGo)
		if err := <-failed; !errors.Is(err, persist.ErrBusy) {
			t.Errorf("Settle: %v, want ErrBusy", err)
		}
		heads, err := s.Queues(t.Context(), goldenRef.Part, record.QueueID{}, 10)
		if err != nil || len(heads) != 1 || heads[0].Mark.Compare(es[0].Position) >= 0 {
			t.Errorf("the refused batch's mark was saved: %v, %v", heads, err)
		}
		if _, err := s.Settle(t.Context(), "me", batch); err != nil {
			t.Errorf("again: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRowOfAnIdleEmptyQueueIsSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir(), Options{})
		busy := record.Queue{Lane: goldenQueue.Lane, Flow: "busy"}
		for _, q := range []record.Queue{goldenQueue, busy} {
			if _, err := s.Enqueue(t.Context(), one(q, 1)); err != nil {
				t.Fatal(err)
			}
		}
		es, err := s.Window(t.Context(), goldenRef, record.Position{}, 10)
		if err != nil || len(es) != 1 {
			t.Fatalf("Window: %v, %v", es, err)
		}
		final := &record.Final{State: record.Cancelled}
		if _, err := s.Settle(t.Context(), "me", persist.Batch{Settlements: []persist.Settlement{
			{Queue: goldenRef, Was: es[0].Position, ID: es[0].ID, Final: final},
		}}); err != nil {
			t.Fatal(err)
		}
		names := func() (flows []string) {
			heads, err := s.Queues(t.Context(), goldenRef.Part, record.QueueID{}, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range heads {
				flows = append(flows, h.Queue.Flow)
			}
			return flows
		}
		touch := func() {
			st := persist.State{Lane: busy.Lane, Kind: persist.HostState, Data: []byte("x")}
			if _, err := s.Settle(t.Context(), "me", persist.Batch{States: []persist.State{st}}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(9 * time.Minute)
		touch()
		if got := names(); len(got) != 2 {
			t.Errorf("after 9 minutes: %q, want both", got)
		}
		time.Sleep(2 * time.Minute)
		touch()
		if got := names(); len(got) != 1 || got[0] != "busy" {
			t.Errorf("after 11 minutes: %q, want the one with a webhook", got)
		}
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 1)); err != nil {
			t.Fatal(err)
		}
		if got := names(); len(got) != 2 {
			t.Errorf("used again: %q, want both", got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestForgettingAQueueInMemoryLosesNoMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir(), Options{})
		s.committer.registry.limit = 2
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 1)); err != nil {
			t.Fatal(err)
		}
		mark := record.Position{Rank: time.Now().Add(20 * time.Second).UnixMilli()}
		time.Sleep(time.Minute)
		marks := persist.Batch{Marks: []persist.Mark{{Queue: goldenRef, At: mark}}}
		if _, err := s.Settle(t.Context(), "me", marks); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			q := record.Queue{Lane: goldenQueue.Lane, Flow: fmt.Sprint(i)}
			if _, err := s.Enqueue(t.Context(), one(q, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.committer.registry.known); n > 2 {
			t.Errorf("%d queues are remembered, want at most 2", n)
		}
		if _, err := s.Enqueue(t.Context(), one(goldenQueue, 1)); err != nil {
			t.Fatal(err)
		}
		heads, err := s.Queues(t.Context(), goldenRef.Part, record.QueueID{}, 100)
		if err != nil || len(heads) != 21 {
			t.Fatalf("%d queues, %v", len(heads), err)
		}
		for _, h := range heads {
			if h.ID == goldenRef.ID && h.Mark != mark {
				t.Errorf("mark %v, want %v", h.Mark, mark)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFullDiskGivesUpItsBallastBeforeItsWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir, Options{MinFree: 1 << 30})
		free := uint64(1 << 40)
		s.space.ask = func(string) (room, error) { return room{free, noLimit}, nil }
		ballast := func() bool {
			n, err := filesize(dir + "/ballast")
			return err == nil && n == ballastSize
		}
		for _, step := range []struct {
			free            uint64
			enqueue, settle error
			ballast         bool
		}{
			{1 << 40, nil, nil, true},
			{1<<30 - 1, persist.ErrFull, nil, true},
			{ballastFloor - 1, persist.ErrFull, nil, false},
			{exhaustedFloor - 1, persist.ErrFull, persist.ErrFull, false},
			{ballastFloor + ballastSize, persist.ErrFull, nil, false}, // not enough to fill it and stay above
			{1 << 30, nil, nil, true},
		} {
			free = step.free
			time.Sleep(time.Second)
			_, err := s.Enqueue(t.Context(), one(goldenQueue, 1))
			if !errors.Is(err, step.enqueue) {
				t.Errorf("%d bytes free: Enqueue: %v, want %v", free, err, step.enqueue)
			}
			st := persist.State{Lane: goldenQueue.Lane, Kind: persist.HostState, Data: []byte("x")}
			_, err = s.Settle(t.Context(), "me", persist.Batch{States: []persist.State{st}})
			if !errors.Is(err, step.settle) {
				t.Errorf("%d bytes free: Settle: %v, want %v", free, err, step.settle)
			}
			if ballast() != step.ballast {
				t.Errorf("%d bytes free: ballast there: %v, want %v", free, ballast(), step.ballast)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// What Badger would commit behind a failed sync could go with a power cut, though each later sync succeeds.
func TestNothingIsWrittenAfterTheDatabaseFailed(t *testing.T) {
	s := open(t, t.TempDir(), Options{Retention: Retention{Metadata: time.Hour}})
	register(t, s, goldenQueue)
	e := entryOf(t, s, accept(t, s, goldenQueue, 10))
	whole, broken := s.db, open(t, t.TempDir(), Options{})
	if err := broken.Close(); err != nil {
		t.Fatal(err)
	}
	s.db = broken.db // the committer waits for work
	other := record.Queue{Lane: goldenQueue.Lane, Flow: "other"}
	retry := persist.Batch{Settlements: []persist.Settlement{retryOf(goldenQueue, e, time.Minute)}}
	if _, err := s.Settle(t.Context(), "me", retry); err == nil {
		t.Fatal("a webhook is settled that could not be written")
	}
	s.db = whole
	for _, q := range []record.Queue{goldenQueue, other} {
		if _, err := s.Enqueue(t.Context(), one(q, 1)); err == nil {
			t.Errorf("flow %q: a webhook is accepted", q.Flow)
		}
	}
	history := s.Sizes().Metadata
	final := persist.Batch{Settlements: []persist.Settlement{finalOf(goldenQueue, e)}}
	if _, err := s.Settle(t.Context(), "me", final); err == nil {
		t.Error("a webhook is settled")
	}
	if n := s.Sizes().Metadata; n != history {
		t.Errorf("history grew by %d bytes", n-history)
	}
	s = reopenFailed(t, s)
	if got := sizes(t, s, goldenQueue); len(got) != 1 || got[0] != 10 {
		t.Errorf("after a restart there are webhooks of %v bytes, want the one of 10", got)
	}
	accept(t, s, other, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// The clock may leap, as when a machine was asleep, between a webhook's round and the sweep in it.
func TestQueueThatAWebhookIsBeingAcceptedForIsNotSwept(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	register(t, s, goldenQueue)
	accept(t, s, record.Queue{Lane: goldenQueue.Lane, Flow: "other"}, 1)
	c := s.committer // it waits for work
	q := c.registry.known[goldenRef.ID]
	c.registry.swept, q.used = 0, 0
	w := c.begin()
	w.change(q, 1)
	c.registry.sweep(w)
	if len(w.dropped) != 0 {
		t.Error("its row is deleted")
	}
	w.discard()
	c.registry.swept = 0
	w = c.begin()
	c.registry.sweep(w)
	if len(w.dropped) != 1 {
		t.Error("without it, the row is not deleted: that proves nothing")
	}
	w.discard()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
