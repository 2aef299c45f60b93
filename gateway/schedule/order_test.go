package schedule_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

func TestAFailingHeadBlocksItsOrderingKeyOnlyUntilItEnds(t *testing.T) {
	s := unlimited(schedule.Settings{})
	keyed, other, free := queueOf("a.example", "f"), queueOf("a.example", "f"), queueOf("a.example", "f")
	keyed.Ordering, other.Ordering = record.Digest{1}, record.Digest{2}
	s.Committed(epoch, fresh(keyed, 0, epoch))
	s.Committed(epoch, fresh(keyed, 1, epoch))
	s.Committed(epoch, fresh(other, 10, epoch))
	s.Committed(epoch, fresh(free, 20, epoch))
	now := epoch
	began := map[int]int{}
	for tries := 0; began[1] == 0; {
		p := s.Next(now)
		first := now.Equal(epoch) && len(p.Start) > 0 && tries == 0
		for _, st := range slices.Clone(p.Start) {
			n := numberOf(st.Entry.ID)
			began[n]++
			if n != 0 || tries == 5 { // its policy gives up then
				finish(s, st, now)
				continue
			}
			tries++
			ended(s, st, now)
			next := st.Entry
			next.Due = now.Add(time.Minute).UnixMilli()
			s.Settled(now, st.Entry.ID, &next)
		}
		if first && (began[10] != 1 || began[20] != 1) {
			t.Fatal("another key, or none, waited for the failing head")
		}
		if len(p.Start) == 0 {
			if !p.Wake.After(now) {
				t.Fatalf("stuck after %v", now.Sub(epoch))
			}
			now = p.Wake
		}
		if now.After(epoch.Add(time.Hour)) {
			t.Fatal("the second of the key never began")
		}
	}
	if began[0] != 6 || now.Before(epoch.Add(5*time.Minute)) {
		t.Errorf("the head was tried %d times until %v, want 6 and five minutes", began[0], now.Sub(epoch))
	}
}

func TestAnOrderingKeyKeepsTheOrderOfAcceptanceAfterARestart(t *testing.T) {
	s := unlimited(schedule.Settings{Window: 16})
	d := disk{entries: map[record.QueueID]map[record.Position]record.Entry{}}
	q := queueOf("a.example", "f")
	q.Ordering = record.Digest{1}
	for n := range 100 {
		e := fresh(q, n, epoch).Entry
		e.Due = epoch.Add(time.Duration(100-n) * time.Second).UnixMilli() // the earlier ones are due later
		d.put(q.ID(), e)
	}
	s.Found(q.ID(), &q, record.Position{})
	var order []int
	for now := epoch; len(order) < 100; {
		p := s.Next(now)
		wake := p.Wake
		reads := slices.Clone(p.Read)
		if len(p.Start) > 1 {
			t.Fatalf("%d began at once", len(p.Start))
		}
		for _, st := range slices.Clone(p.Start) {
			order = append(order, numberOf(st.Entry.ID))
			delete(d.entries[q.ID()], st.Entry.Position)
			finish(s, st, now)
		}
		for _, r := range reads {
			s.ReadDone(now, r.Queue, d.window(r.Queue, r.After, r.Limit), false)
		}
		if len(p.Start)+len(reads) == 0 {
			if !wake.After(now) {
				t.Fatalf("stuck after %d", len(order))
			}
			now = wake
		}
	}
	if !slices.IsSorted(order) {
		t.Errorf("they began in the order %v", order)
	}
}

// TestWhatAPauseDeferredComesBackAtThePace has five hundred in retry when a pause ends, all due.
func TestWhatAPauseDeferredComesBackAtThePace(t *testing.T) {
	s := paced(20, schedule.Settings{})
	for n := range 500 {
		s.Committed(epoch, fresh(queueOf("a.example", "f"), n, epoch))
	}
	first := slices.Clone(s.Next(epoch).Start)
	for _, st := range first {
		s.Ended(epoch, &schedule.End{ID: st.Entry.ID, Permit: st.Permit, Health: circuit.Neutral, Seen: limiter.Observation{
			Sent: epoch, Received: epoch, Status: 429, Hint: &limiter.Hint{HasRetryAfter: true, RetryAfter: time.Minute},
		}})
		next := st.Entry
		next.Due = epoch.Add(time.Minute).UnixMilli()
		next.Rank = next.Due
		s.Settled(epoch, st.Entry.ID, &next)
	}
	began := 0
	for now := epoch; now.Before(epoch.Add(65 * time.Second)); now = now.Add(10 * time.Millisecond) {
		n := 0
		for _, st := range slices.Clone(s.Next(now).Start) {
			n++
			finish(s, st, now)
		}
		if n > 0 && now.Before(epoch.Add(time.Minute)) {
			t.Fatalf("%d began %v into the pause", n, now.Sub(epoch))
		}
		if n > 2 {
			t.Fatalf("%d began at once, %v after the pause began", n, now.Sub(epoch))
		}
		began += n
	}
	if began < 75 || began > 105 {
		t.Errorf("%d began in the five seconds after the pause, at 20 a second", began)
	}
}
