package schedule_test

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// adaptive is a schedule whose lanes begin at a call a second and learn.
func adaptive() *schedule.Schedule {
	return schedule.New(schedule.Settings{
		Budget: func(_ record.Lane, now time.Time) *limiter.Budget {
			return limiter.New(limiter.Config{Start: 1}, now)
		},
		Breaker: func(string) *circuit.Breaker { return circuit.New(circuit.DefaultConfig()) },
	})
}

// held commits three webhooks to a host that refuses the first for an hour, having said that it allows 100 a minute.
func held(t *testing.T, s *schedule.Schedule, host string) (now time.Time) {
	t.Helper()
	for n := range 3 {
		s.Committed(epoch, fresh(queueOf(host, "f"), n, epoch))
	}
	started := s.Next(epoch).Start
	if len(started) != 1 {
		t.Fatalf("%d starts, want one a second", len(started))
	}
	now = epoch.Add(20 * time.Millisecond)
	s.Ended(now, &schedule.End{ID: started[0].Entry.ID, Permit: started[0].Permit, Health: circuit.Neutral, Seen: limiter.Observation{
		Sent: epoch, Received: now, Status: 429, Hint: &limiter.Hint{
			HasRetryAfter: true, RetryAfter: time.Hour, N: 1, Windows: [limiter.MaxWindows]limiter.Window{{
				Limit: 100, Remaining: 50, Length: time.Minute, Unit: limiter.UnitRequests, Source: "X-RateLimit-*",
			}},
		},
	}})
	s.Settled(now, started[0].Entry.ID, nil)
	s.Next(now)
	if l := lanes(t, s, host, now)[0]; l.Blocked != schedule.Pause || l.Until.Before(now.Add(59*time.Minute)) || len(l.Budget.Windows) != 1 {
		t.Fatalf("the lane stands as %+v, want an hour's pause and a window", l)
	}
	drainChanges(s)
	return now
}

func lanes(t *testing.T, s *schedule.Schedule, host string, now time.Time) []schedule.LaneView {
	t.Helper()
	v, ok := s.Host(now, host)
	if !ok {
		t.Fatalf("nothing is known of %s", host)
	}
	return v.Lanes
}

// drainChanges returns how many lanes and hosts want to be saved, as if they had been.
func drainChanges(s *schedule.Schedule) (lanes, hosts int) {
	s.Changed(func(record.Lane, *limiter.Budget) { lanes++ }, func(string, schedule.HostMemory) { hosts++ },
		func(schedule.FlowName, schedule.FlowMemory) {})
	return lanes, hosts
}

func TestAResumedLaneGoesOnAtOnceAndKnowsWhatItLearned(t *testing.T) {
	s := adaptive()
	now := held(t, s, "a.example")
	if !s.Resume(now, "a.example") {
		t.Fatal("the host is said to be unknown")
	}
	p := s.Next(now)
	if len(p.Start) == 0 && (p.Wake.IsZero() || p.Wake.After(now.Add(2*time.Second))) {
		t.Errorf("nothing starts, and nothing will before %v", p.Wake)
	}
	if l := lanes(t, s, "a.example", now)[0]; l.Blocked == schedule.Pause || len(l.Budget.Windows) != 1 {
		t.Errorf("the lane stands as %+v, want no pause and its window", l)
	}
	if l, _ := drainChanges(s); l != 1 {
		t.Errorf("%d lanes are to be saved, want the one", l)
	}
}

func TestALaneThatForgotIsWhatItWasBeforeItsFirstResponse(t *testing.T) {
	s := adaptive()
	now := held(t, s, "a.example")
	s.Dialect("a.example").Resolve(&limiter.Hint{N: 1, Windows: [limiter.MaxWindows]limiter.Window{{
		Limit: 100, HasReset: true, ResetRaw: 30, ResetForm: limiter.DeltaSeconds, Source: "X-RateLimit-*",
	}}}, epoch, now)
	if *s.Dialect("a.example") == (limiter.Dialect{}) {
		t.Fatal("nothing was learned of its headers: that proves nothing")
	}
	if !s.Forget(now, "a.example") {
		t.Fatal("the host is said to be unknown")
	}
	if p := s.Next(now); len(p.Start) == 0 && (p.Wake.IsZero() || p.Wake.After(now.Add(2*time.Second))) {
		t.Errorf("nothing starts, and nothing will before %v", p.Wake)
	}
	l := lanes(t, s, "a.example", now)[0]
	if l.Blocked == schedule.Pause || len(l.Budget.Windows) != 0 || l.Budget.From != "start" || l.Budget.Rate != 1 {
		t.Errorf("the lane stands as %+v, want it at its start", l)
	}
	if *s.Dialect("a.example") != (limiter.Dialect{}) {
		t.Error("how its headers are to be read is remembered")
	}
	if l, h := drainChanges(s); l != 1 || h != 1 {
		t.Errorf("%d lanes and %d hosts are to be saved, want one of each", l, h)
	}
}

func TestOnlyTheHostThatWasNamedIsTouched(t *testing.T) {
	s := adaptive()
	now := held(t, s, "a.example")
	if s.Resume(now, "b.example") || s.Forget(now, "b.example") {
		t.Error("a host that nothing is known of was changed")
	}
	if l, h := drainChanges(s); l+h != 0 || lanes(t, s, "a.example", now)[0].Budget.PausedUntil.IsZero() {
		t.Errorf("%d lanes and %d hosts changed", l, h)
	}
	if _, known := s.Host(now, "b.example"); known {
		t.Error("asking made the host known")
	}
}

func TestAnotherConfigurationHoldsAtOnceAndLeavesAloneWhatItDoesNotChange(t *testing.T) {
	s := adaptive()
	for n := range 200 {
		s.Committed(epoch, fresh(queueOf("a.example", "f"), n, epoch))
		s.Committed(epoch, fresh(queueOf("b.example", "f"), 1000+n, epoch))
	}
	s.Next(epoch)
	drainChanges(s)
	s.Reconfigure(epoch,
		func(host string) (limiter.Config, bool) { return limiter.Config{Fixed: 50}, host == "a.example" },
		func(string) (circuit.Config, bool) { return circuit.Config{}, false })
	if l, h := drainChanges(s); l != 1 || h != 0 {
		t.Errorf("%d lanes and %d hosts are to be saved, want the one lane that changed", l, h)
	}
	started := map[string]int{}
	for now := epoch; now.Before(epoch.Add(time.Second)); now = now.Add(10 * time.Millisecond) {
		for _, st := range s.Next(now).Start {
			started[st.Lane.Host]++
			finish(s, st, now)
		}
	}
	if n := started["a.example"]; n < 40 || n > 60 {
		t.Errorf("%d started in a second under 50 a second", n)
	}
	if n := started["b.example"]; n > 1 {
		t.Errorf("%d started of the host whose configuration stayed, want at most 1", n)
	}
}

func TestABreakerUnderAnotherConfigurationOpensByIt(t *testing.T) {
	s := unlimited(schedule.Settings{})
	for n := range 4 {
		s.Committed(epoch, fresh(queueOf("a.example", "f"), n, epoch))
	}
	s.Breaker("a.example") // it was called before; those of others are made under the new configuration
	s.Reconfigure(epoch,
		func(string) (limiter.Config, bool) { return limiter.Config{}, false },
		func(string) (circuit.Config, bool) { return circuit.Config{MinRequests: 2}, true })
	opened := 0
	for i, st := range s.Next(epoch).Start {
		transition := s.Ended(epoch, &schedule.End{
			ID: st.Entry.ID, Permit: st.Permit, Health: circuit.Failure,
			Seen: limiter.Observation{Sent: epoch, Received: epoch, Status: 500},
		})
		if transition.To == circuit.Open && opened == 0 {
			opened = i + 1
		}
	}
	if opened != 2 {
		t.Errorf("the breaker opened at failure %d, want 2", opened)
	}
}
