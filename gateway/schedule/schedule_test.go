package schedule_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// unlimited is a schedule whose budgets let everything through, so that only turns and windows decide.
func unlimited(set schedule.Settings) *schedule.Schedule {
	set.Budget = unlimitedBudget
	set.Breaker = func(string) *circuit.Breaker { return circuit.New(circuit.DefaultConfig()) }
	return schedule.New(set)
}

func unlimitedBudget(_ record.Lane, now time.Time) *limiter.Budget {
	return limiter.New(limiter.Config{Start: math.Inf(1), ConcurrencyStart: 1 << 20, ConcurrencyMax: 1 << 20}, now)
}

// paced is a schedule whose lanes all go at a fixed rate.
func paced(perSecond float64, set schedule.Settings) *schedule.Schedule {
	set.Budget = func(_ record.Lane, now time.Time) *limiter.Budget {
		return limiter.New(limiter.Config{Fixed: perSecond}, now)
	}
	set.Breaker = func(string) *circuit.Breaker { return circuit.New(circuit.DefaultConfig()) }
	return schedule.New(set)
}

// idOf returns the n-th id, n from 0; the zero id is nobody's.
func idOf(n int) (id record.ID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n+1))
	return id
}

func numberOf(id record.ID) int { return int(binary.BigEndian.Uint64(id[8:])) - 1 }

func fresh(q record.Queue, n int, at time.Time) *schedule.Fresh {
	ms := at.UnixMilli()
	rank := ms
	if q.Ordered() {
		rank = 0
	}
	return &schedule.Fresh{
		Queue: q, ID: q.ID(),
		Entry:   record.Entry{Position: record.Position{Rank: rank, ID: idOf(n)}, Due: ms},
		Content: schedule.Content{Payload: []byte{1}},
	}
}

func queueOf(host, flow string) record.Queue {
	return record.Queue{Lane: record.Lane{Host: host}, Tenant: "default", Flow: flow}
}

// finish ends an attempt well and settles its webhook.
func finish(s *schedule.Schedule, st schedule.Start, now time.Time) {
	ended(s, st, now)
	s.Settled(now, st.Entry.ID, nil)
}

func ended(s *schedule.Schedule, st schedule.Start, now time.Time) {
	s.Ended(now, &schedule.End{
		ID: st.Entry.ID, Permit: st.Permit, Health: circuit.Success,
		Seen: limiter.Observation{Sent: now, Received: now, Status: 200},
	})
}

func TestNothingToDoMeansNoWakeUp(t *testing.T) {
	s := unlimited(schedule.Settings{})
	q := queueOf("a.example", "f")
	s.Committed(epoch, fresh(q, 1, epoch))
	p := s.Next(epoch)
	if len(p.Start) != 1 {
		t.Fatalf("%d starts, want 1", len(p.Start))
	}
	finish(s, p.Start[0], epoch)
	if p = s.Next(epoch); len(p.Start)+len(p.Read)+len(p.Expired) != 0 || !p.Wake.IsZero() {
		t.Fatalf("an idle schedule asks for %+v", *p)
	}
}

func TestAWebhookDoesNotStartBeforeItIsDueAndTheScheduleAsksToBeWokenThen(t *testing.T) {
	s := unlimited(schedule.Settings{})
	due := epoch.Add(7 * time.Second)
	s.Committed(epoch, fresh(queueOf("a.example", "f"), 1, due))
	p := s.Next(epoch)
	if len(p.Start) != 0 || !p.Wake.Equal(due) {
		t.Fatalf("%d starts, wake %v; want none and %v", len(p.Start), p.Wake, due)
	}
	if p = s.Next(due); len(p.Start) != 1 {
		t.Fatalf("%d starts when due, want 1", len(p.Start))
	}
}

func TestAnEarlierDueTimeMovesTheWakeUpForward(t *testing.T) {
	s := unlimited(schedule.Settings{})
	s.Committed(epoch, fresh(queueOf("a.example", "f"), 1, epoch.Add(time.Hour)))
	s.Next(epoch)
	s.Committed(epoch, fresh(queueOf("a.example", "g"), 2, epoch.Add(time.Minute)))
	if p := s.Next(epoch); !p.Wake.Equal(epoch.Add(time.Minute)) {
		t.Fatalf("wake %v, want the earlier due time", p.Wake)
	}
}

func TestAHeldLaneDelaysNoOther(t *testing.T) {
	s := paced(1, schedule.Settings{})
	for n := range 100 {
		s.Committed(epoch, fresh(queueOf("slow.example", "f"), n, epoch))
	}
	s.Next(epoch)
	s.Committed(epoch, fresh(queueOf("other.example", "f"), 1000, epoch))
	p := s.Next(epoch)
	if len(p.Start) != 1 || p.Start[0].Lane.Host != "other.example" {
		t.Fatalf("started %+v, want the one for other.example", p.Start)
	}
}

func TestFlowsOfALaneTakeTurnsHoweverMuchOneHasWaiting(t *testing.T) {
	s := paced(10, schedule.Settings{})
	for n := range 400 {
		s.Committed(epoch, fresh(queueOf("a.example", "campaign"), n, epoch))
	}
	for n := range 5 {
		s.Committed(epoch, fresh(queueOf("a.example", "receipts"), 1000+n, epoch))
	}
	var flows []string
	for now := epoch; len(flows) < 12; now = now.Add(100 * time.Millisecond) {
		for _, st := range s.Next(now).Start {
			flows = append(flows, map[bool]string{true: "receipts", false: "campaign"}[numberOf(st.Entry.ID) >= 1000])
			finish(s, st, now)
		}
	}
	got := 0
	for _, f := range flows[:10] {
		if f == "receipts" {
			got++
		}
	}
	if got != 5 {
		t.Fatalf("of the first ten turns the small flow had %d, want 5: %v", got, flows)
	}
}

func TestHighPriorityGoesFirstButLeavesTheLowAFloor(t *testing.T) {
	s := paced(10, schedule.Settings{})
	for n := range 200 {
		high, low := queueOf("a.example", "f"), queueOf("a.example", "f")
		high.Priority, low.Priority = record.High, record.Low
		s.Committed(epoch, fresh(high, n, epoch))
		s.Committed(epoch, fresh(low, 1000+n, epoch))
	}
	low, total := 0, 0
	for now := epoch; total < 100; now = now.Add(100 * time.Millisecond) {
		for _, st := range s.Next(now).Start {
			total++
			if numberOf(st.Entry.ID) >= 1000 {
				low++
			}
			finish(s, st, now)
		}
	}
	if low != 10 {
		t.Fatalf("of 100 turns the low priority had %d, want 10", low)
	}
}

func TestAnOrderedQueueSendsOneAtATimeInTheOrderOfAcceptanceAlsoOverRetries(t *testing.T) {
	s := unlimited(schedule.Settings{})
	q := queueOf("a.example", "f")
	q.Ordering = record.Digest{1}
	for n := range 5 {
		s.Committed(epoch, fresh(q, n, epoch))
	}
	var order []int
	retried := false
	now := epoch
	for len(order) < 5 {
		p := s.Next(now)
		if len(p.Start) > 1 {
			t.Fatalf("%d in flight at once", len(p.Start))
		}
		if len(p.Start) == 0 {
			if !p.Wake.After(now) {
				t.Fatalf("nothing starts and wake is %v at %v", p.Wake, now)
			}
			now = p.Wake
			continue
		}
		st := p.Start[0]
		if n := numberOf(st.Entry.ID); n == 2 && !retried {
			retried = true
			ended(s, st, now)
			if more := s.Next(now); len(more.Start) != 0 {
				t.Fatal("one behind an unsettled head was started")
			}
			next := st.Entry
			next.Due = now.Add(time.Minute).UnixMilli()
			s.Settled(now, st.Entry.ID, &next)
			continue
		}
		order = append(order, numberOf(st.Entry.ID))
		finish(s, st, now)
	}
	if !slices.Equal(order, []int{0, 1, 2, 3, 4}) || !retried || now.Before(epoch.Add(time.Minute)) {
		t.Fatalf("ended in order %v (retried %v) by %v", order, retried, now.Sub(epoch))
	}
}

func TestNoMoreAreInFlightThanThereAreSlotsAndHostsShareThem(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 32})
	for n := range 40 {
		for h := range 8 {
			s.Committed(epoch, fresh(queueOf(fmt.Sprintf("h%d.example", h), "f"), 100*h+n, epoch))
		}
	}
	p := s.Next(epoch)
	of := map[string]int{}
	for _, st := range p.Start {
		of[st.Lane.Host]++
	}
	if len(p.Start) != 27 || len(of) != 8 {
		t.Fatalf("%d started, of %d hosts; want 4 each, as far as there are some beyond the eighth for hosts that answer", len(p.Start), len(of))
	}
	first := p.Start[0]
	if len(s.Next(epoch).Start) != 0 {
		t.Fatal("more started than there are slots")
	}
	finish(s, first, epoch)
	if n := len(s.Next(epoch).Start); n != 4 || s.InFlight() > 32 {
		t.Fatalf("%d started of a host that has answered, %d are in flight; want 4, into the eighth", n, s.InFlight())
	}
}

func TestAHostWithManyLanesLeavesSlotsForOthersAndGoesOnWhenItsOwnCallsEnd(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 64})
	for n := range 500 {
		q := queueOf("black.hole", "f")
		q.Lane.Key = record.Digest{byte(n), byte(n >> 8)}
		s.Committed(epoch, fresh(q, n, epoch))
	}
	hogged := slices.Clone(s.Next(epoch).Start)
	if len(hogged) != 4 {
		t.Fatalf("a host of which nothing is known holds %d slots, want 4", len(hogged))
	}
	now := s.Next(epoch).Wake
	if hogged = append(hogged, s.Next(now).Start...); len(hogged) != 16 || now.After(epoch.Add(time.Second)) {
		t.Fatalf("a slow host holds %d of 64 slots after %v, want half of the slow ones'", len(hogged), now.Sub(epoch))
	}
	for n := range 16 {
		s.Committed(now, fresh(queueOf("healthy.example", "f"), 1000+n, now))
	}
	healthy := slices.Clone(s.Next(now).Start)
	for n := 0; n < len(healthy); n++ {
		finish(s, healthy[n], now)
		healthy = append(healthy, s.Next(now).Start...)
	}
	if len(healthy) != 16 {
		t.Fatalf("%d of the healthy host's 16 were started", len(healthy))
	}
	done := 0
	for ; len(hogged) > 0; done++ {
		finish(s, hogged[0], now)
		hogged = append(hogged[1:], s.Next(now).Start...)
	}
	if done != 500 {
		t.Fatalf("%d of the crowded host's 500 were ever started", done)
	}
}

func TestPayloadsUnderWayAreBoundedInBytes(t *testing.T) {
	s := unlimited(schedule.Settings{MaxBytes: 10 << 10})
	for n := range 100 {
		f := fresh(queueOf("a.example", "f"), n, epoch)
		f.Entry.Size = 1 << 10
		s.Committed(epoch, f)
	}
	if n := len(s.Next(epoch).Start); n != 10 {
		t.Fatalf("%d KiB under way, want 10", n)
	}
}

func TestAStartTakenBackIsNeverPassedOverByAMark(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 600, Window: 1000})
	q := queueOf("a.example", "f")
	for n := range 600 {
		s.Committed(epoch, fresh(q, n, epoch))
	}
	var starts []schedule.Start
	for len(starts) < 450 { // the host's share of the slots
		more := s.Next(epoch).Start
		if len(more) == 0 {
			break
		}
		starts = append(starts, more...)
	}
	s.Abandon(&starts[3])
	for i, st := range starts {
		if i != 3 {
			finish(s, st, epoch)
		}
	}
	for {
		more := slices.Clone(s.Next(epoch).Start)
		if len(more) == 0 {
			break
		}
		for _, st := range more {
			finish(s, st, epoch)
		}
	}
	marks := 0
	s.Marks(func(_ string, _ record.QueueID, at record.Position) {
		marks++
		if at.Compare(starts[3].Entry.Position) >= 0 {
			t.Errorf("the mark %v passes a webhook that is still on disk, %v", at, starts[3].Entry.Position)
		}
	})
	if marks != 1 || s.InFlight() != 0 {
		t.Errorf("%d marks, %d in flight; want 1 and 0", marks, s.InFlight())
	}
}

func TestAWebhookThatAReadBroughtIsNotTakenAgainWhenItsCommitIsHeardOf(t *testing.T) {
	s := unlimited(schedule.Settings{})
	q := queueOf("a.example", "f")
	f := fresh(q, 7, epoch)
	s.Found(f.ID, &q, record.Position{})
	read := s.Next(epoch).Read[0]
	s.ReadDone(epoch, read.Queue, []record.Entry{f.Entry}, false)
	if n := len(s.Next(epoch).Start); n != 1 {
		t.Fatalf("%d started", n)
	}
	s.Committed(epoch, f)
	if n := len(s.Next(epoch).Start); n != 0 {
		t.Fatal("it was started twice")
	}
}

func TestAClockSetBackDoesNotHoldWhatIsToGoAtOnce(t *testing.T) {
	s := unlimited(schedule.Settings{})
	tomorrow := epoch.Add(24 * time.Hour)
	f := fresh(queueOf("a.example", "f"), 1, tomorrow)
	if err := f.Entry.ID.SetTime(uint64(tomorrow.UnixMilli())); err != nil {
		t.Fatal(err)
	}
	s.Committed(epoch, f)
	if n := len(s.Next(epoch).Start); n != 1 {
		t.Fatal("it waits for the clock to come to where the store's was")
	}
}

func TestAClockSetBackWhileTheyWaitDoesNotHoldWhatIsToGoAtOnce(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 3})
	for i := range 9 {
		f := fresh(queueOf("a.example", "f"), i, epoch)
		if err := f.Entry.ID.SetTime(uint64(epoch.UnixMilli())); err != nil {
			t.Fatal(err)
		}
		s.Committed(epoch, f)
	}
	for back := range 3 { // again and again
		now := epoch.Add(-time.Duration(back) * time.Hour)
		starts := slices.Clone(s.Next(now).Start)
		if len(starts) == 0 {
			t.Fatalf("set back by %d h, none starts: they wait for the clock to come to where it was", back)
		}
		for _, st := range starts {
			finish(s, st, now)
		}
	}
}

func TestAQueueThatKeepsUpGetsItsMarks(t *testing.T) {
	s := unlimited(schedule.Settings{})
	now, marks := epoch, 0
	for n := range 5000 {
		now = now.Add(time.Millisecond)
		s.Committed(now, fresh(queueOf("a.example", "f"), n, now))
		for _, st := range slices.Clone(s.Next(now).Start) {
			finish(s, st, now)
		}
		s.Marks(func(string, record.QueueID, record.Position) { marks++ })
	}
	if marks < 5 {
		t.Errorf("%d marks for 5000 webhooks", marks)
	}
}

func TestAWebhookPastItsDeadlineIsExpiredWithoutAnAttempt(t *testing.T) {
	s := unlimited(schedule.Settings{})
	f := fresh(queueOf("a.example", "f"), 1, epoch)
	f.Entry.Expires = epoch.Add(time.Second).UnixMilli()
	s.Committed(epoch, f)
	p := s.Next(epoch.Add(2 * time.Second))
	if len(p.Start) != 0 || len(p.Expired) != 1 {
		t.Fatalf("%d started, %d expired; want 0 and 1", len(p.Start), len(p.Expired))
	}
	s.Settled(epoch, p.Expired[0].Entry.ID, nil)
	if s.InFlight() != 0 || s.Unsettled() != 0 {
		t.Fatalf("in flight %d, unsettled %d after it was settled", s.InFlight(), s.Unsettled())
	}
}

func TestADeadlineEndsAWebhookThoughItsLaneIsHeld(t *testing.T) {
	s := paced(0.01, schedule.Settings{})
	var fs []*schedule.Fresh
	for n := range 4 {
		f := fresh(queueOf("a.example", "f"), n, epoch)
		if n == 2 {
			f.Entry.Expires = epoch.Add(3 * time.Second).UnixMilli()
		}
		fs = append(fs, f)
		s.Committed(epoch, f)
	}
	p := s.Next(epoch)
	if len(p.Start) != 1 || !p.Wake.Equal(epoch.Add(3*time.Second)) {
		t.Fatalf("%d started, wake %v; want 1 and the deadline", len(p.Start), p.Wake)
	}
	p = s.Next(p.Wake)
	if len(p.Start) != 0 || len(p.Expired) != 1 || p.Expired[0].Entry.ID != fs[2].Entry.ID {
		t.Fatalf("at the deadline %d started and %d expired", len(p.Start), len(p.Expired))
	}
}

func TestAnOpenBreakerHoldsTheLanesOfItsHostAndProbesLater(t *testing.T) {
	s := unlimited(schedule.Settings{})
	for n := range 100 {
		s.Committed(epoch, fresh(queueOf("down.example", "f"), n, epoch))
	}
	now := epoch
	p := s.Next(now)
	opened := false
	for _, st := range p.Start {
		tr := s.Ended(now, &schedule.End{
			ID: st.Entry.ID, Permit: st.Permit, Health: circuit.Failure,
			Seen: limiter.Observation{Sent: now, Received: now, Status: 500},
		})
		opened = opened || tr.To == circuit.Open
		next := st.Entry
		next.Due = now.Add(10 * time.Second).UnixMilli()
		next.Rank = next.Due
		s.Settled(now, st.Entry.ID, &next)
	}
	if !opened {
		t.Fatalf("%d failures did not open the breaker", len(p.Start))
	}
	now = now.Add(11 * time.Second)
	if p = s.Next(now); len(p.Start) != 0 || !p.Wake.Equal(epoch.Add(circuit.DefaultConfig().CoolDown)) {
		t.Fatalf("%d started while open; wake %v", len(p.Start), p.Wake)
	}
	now = p.Wake
	if p = s.Next(now); len(p.Start) != circuit.DefaultConfig().Probes {
		t.Fatalf("%d probes, want %d", len(p.Start), circuit.DefaultConfig().Probes)
	}
	for _, st := range slices.Clone(p.Start) {
		finish(s, st, now)
	}
	if p = s.Next(now); len(p.Start) > 1 || !p.Wake.After(now) {
		t.Fatalf("%d started as soon as the breaker closed; wake %v", len(p.Start), p.Wake)
	}
	now = now.Add(circuit.DefaultRamp)
	if p = s.Next(now); len(p.Start) < 10 {
		t.Fatalf("%d started after the breaker closed", len(p.Start))
	}
}
