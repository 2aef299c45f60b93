package schedule_test

import (
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

type budget = limiter.Budget

// TestACancelledFlowEndsWithoutAnAttemptInMemoryAndOnDiskAndWhatComesLaterGoesOn cancels a flow that was found on disk by a
// schedule which restored the cancellation, as after a restart.
func TestACancelledFlowEndsWithoutAnAttemptInMemoryAndOnDiskAndWhatComesLaterGoesOn(t *testing.T) {
	const backlog = 5000
	s := unlimited(schedule.Settings{Window: 64})
	d := disk{entries: map[record.QueueID]map[record.Position]record.Entry{}}
	q := queueOf("a.example", "f")
	for n := range backlog + 10 {
		d.put(q.ID(), fresh(q, n, epoch).Entry)
	}
	s.RestoreFlow(flowOf("f"), schedule.FlowMemory{CancelUpTo: idOf(backlog - 1), Cancelled: 7})
	s.Found(q.ID(), &q, record.Position{})
	s.AllFound()

	ended, started := map[int]bool{}, 0
	for range 10_000 {
		p := s.Next(epoch)
		if len(p.Cancelled) > 256 {
			t.Fatalf("%d were given out at once", len(p.Cancelled))
		}
		for _, st := range slices.Clone(p.Cancelled) {
			ended[numberOf(st.Entry.ID)] = true
			delete(d.entries[q.ID()], st.Entry.Position)
			s.Settled(epoch, st.Entry.ID, nil)
		}
		for _, st := range slices.Clone(p.Start) {
			if numberOf(st.Entry.ID) < backlog {
				t.Fatalf("webhook %d was attempted", numberOf(st.Entry.ID))
			}
			started++
			delete(d.entries[q.ID()], st.Entry.Position)
			finish(s, st, epoch)
		}
		if len(p.Start)+len(p.Cancelled)+len(p.Read) == 0 {
			break
		}
		for _, r := range p.Read {
			s.ReadDone(epoch, r.Queue, d.window(r.Queue, r.After, r.Limit), false)
		}
	}
	v, _ := s.Flow(flowOf("f"))
	if len(ended) != backlog || started != 10 || v.Cancelling || v.Cancelled != backlog+7 {
		t.Errorf("%d cancelled, %d started, the flow stands as %+v; want %d, 10 and an end", len(ended), started, v, backlog)
	}
}

func TestARetryOfACancelledFlowIsNotMade(t *testing.T) {
	s := unlimited(schedule.Settings{})
	s.Committed(epoch, fresh(queueOf("a.example", "f"), 0, epoch))
	st := s.Next(epoch).Start[0]
	s.CancelFlow(epoch, flowOf("f"), idOf(0))
	if p := s.Next(epoch); len(p.Cancelled) != 0 {
		t.Fatal("it was cancelled while its attempt was under way")
	}
	ended(s, st, epoch)
	s.Settled(epoch, st.Entry.ID, &st.Entry)
	p := s.Next(epoch)
	if len(p.Start) != 0 || len(p.Cancelled) != 1 {
		t.Fatalf("%d started, %d cancelled; want its end", len(p.Start), len(p.Cancelled))
	}
	s.Settled(epoch, st.Entry.ID, nil)
	if v, _ := s.Flow(flowOf("f")); v.Cancelling || v.Cancelled != 1 {
		t.Errorf("the flow stands as %+v", v)
	}
}

func TestACancelledFlowEndsThoughItsHostIsPausedAndHeld(t *testing.T) {
	s := adaptive()
	now := held(t, s, "a.example") // two wait for the end of a pause
	s.HoldHost(now, "a.example")
	s.CancelFlow(now, flowOf("f"), idOf(100))
	if p := s.Next(now); len(p.Cancelled) != 2 {
		t.Errorf("%d cancelled, want 2", len(p.Cancelled))
	}
}
