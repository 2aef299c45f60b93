package schedule_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
)

// startsOf runs the schedule for a while, waking when it asks to be woken, each call taking took; it returns how many began,
// by host and flow.
func startsOf(s *schedule.Schedule, from time.Time, d, took time.Duration) (byHost map[string]int, wakes int) {
	byHost = map[string]int{}
	type call struct {
		at time.Time
		st schedule.Start
	}
	var calls []call
	for now := from; now.Before(from.Add(d)); {
		for len(calls) > 0 && !calls[0].at.After(now) {
			finish(s, calls[0].st, now)
			calls = calls[1:]
		}
		p := s.Next(now)
		wakes++
		for _, st := range slices.Clone(p.Start) {
			byHost[st.Lane.Host]++
			calls = append(calls, call{now.Add(took), st})
		}
		next := p.Wake
		if len(calls) > 0 && (next.IsZero() || calls[0].at.Before(next)) {
			next = calls[0].at
		}
		if next.IsZero() {
			break
		}
		now = later(next, now)
	}
	for _, c := range calls {
		finish(s, c.st, c.at)
	}
	return byHost, wakes
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b.Add(time.Millisecond)
}

func fill(s *schedule.Schedule, hosts int, flow string, each, from int) {
	for h := range hosts {
		for n := range each {
			s.Committed(epoch, fresh(queueOf(fmt.Sprintf("h%d.example", h), flow), from+h*each+n, epoch))
		}
	}
}

func sum(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

func TestAFlowKeepsItsRateOverAllHostsTogetherAndServesThemInTurn(t *testing.T) {
	s := unlimited(schedule.Settings{Flow: func(schedule.FlowName) schedule.FlowRule { return schedule.FlowRule{Rate: 50} }})
	fill(s, 20, "f", 100, 0)
	got, wakes := startsOf(s, epoch, 10*time.Second, time.Millisecond)
	if n := sum(got); n < 495 || n > 505 {
		t.Errorf("%d began in 10 s at 50 a second", n)
	}
	for h, n := range got {
		if n < 23 || n > 27 {
			t.Errorf("%s had %d of them, want a twentieth", h, n)
		}
	}
	if wakes > 3*sum(got) {
		t.Errorf("the schedule was woken %d times for %d starts", wakes, sum(got))
	}
}

func TestOfAFlowsAndItsTenantsRateTheLowerHolds(t *testing.T) {
	for _, tt := range []struct{ flow, tenant, want float64 }{{20, 50, 20}, {50, 20, 20}, {0, 20, 20}, {20, 0, 20}} {
		s := unlimited(schedule.Settings{
			Flow:   func(schedule.FlowName) schedule.FlowRule { return schedule.FlowRule{Rate: tt.flow} },
			Tenant: func(string) schedule.TenantRule { return schedule.TenantRule{Rate: tt.tenant} },
		})
		fill(s, 3, "f", 200, 0)
		got, _ := startsOf(s, epoch, 10*time.Second, time.Millisecond)
		if n := float64(sum(got)); n < 10*tt.want-5 || n > 10*tt.want+5 {
			t.Errorf("flow %v, tenant %v: %v began in 10 s", tt.flow, tt.tenant, n)
		}
	}
}

func TestAFlowAtItsRateDelaysNoOtherOfItsLane(t *testing.T) {
	s := unlimited(schedule.Settings{Flow: func(name schedule.FlowName) schedule.FlowRule {
		return map[string]schedule.FlowRule{"slow": {Rate: 1}}[name.Flow]
	}})
	fill(s, 1, "slow", 100, 0)
	fill(s, 1, "f", 100, 1000)
	if got, _ := startsOf(s, epoch, time.Second, time.Millisecond); sum(got) < 101 || sum(got) > 103 {
		t.Errorf("%d began in a second, want all of one flow and one of the other", sum(got))
	}
}

func TestAFlowHasNoMoreCallsUnderWayThanItMay(t *testing.T) {
	s := unlimited(schedule.Settings{Flow: func(schedule.FlowName) schedule.FlowRule { return schedule.FlowRule{Concurrency: 3} }})
	fill(s, 10, "f", 100, 0)
	first := slices.Clone(s.Next(epoch).Start)
	if len(first) != 3 {
		t.Fatalf("%d under way at once, want 3", len(first))
	}
	for _, st := range first {
		finish(s, st, epoch)
	}
	if got, _ := startsOf(s, epoch, time.Second, 100*time.Millisecond); sum(got) != 30 {
		t.Errorf("%d began in a second with calls of a tenth of one, three at a time", sum(got))
	}
}

func TestARateTakenAwayHoldsNothingBackAnyMore(t *testing.T) {
	rate := 0.01
	s := unlimited(schedule.Settings{Flow: func(schedule.FlowName) schedule.FlowRule { return schedule.FlowRule{Rate: rate} }})
	fill(s, 2, "f", 10, 0)
	if n := len(s.Next(epoch).Start); n != 1 {
		t.Fatalf("%d began, want 1", n)
	}
	rate = 0
	s.ReconfigureFlows(epoch, schedule.DefaultFloor)
	if n := len(s.Next(epoch).Start); n != 19 {
		t.Errorf("%d began without a rate, want the 19 that wait", n)
	}
}

func TestAHeldFlowWithARateComesBackAtItsRate(t *testing.T) {
	s := unlimited(schedule.Settings{Flow: func(schedule.FlowName) schedule.FlowRule { return schedule.FlowRule{Rate: 10} }})
	fill(s, 4, "f", 50, 0)
	startsOf(s, epoch, time.Second, time.Millisecond)
	s.HoldFlow(epoch.Add(time.Second), flowOf("f"))
	if got, _ := startsOf(s, epoch.Add(time.Second), time.Minute, time.Millisecond); sum(got) != 0 {
		t.Fatalf("%d began while held", sum(got))
	}
	s.ResumeFlow(epoch.Add(time.Minute), flowOf("f"))
	if got, _ := startsOf(s, epoch.Add(time.Minute), 5*time.Second, time.Millisecond); sum(got) < 48 || sum(got) > 53 {
		t.Errorf("%d began in the five seconds after the hold, at 10 a second", sum(got))
	}
}

// TestWhatAFlowsOwnRuleKeepsBackIsSaidToWaitForThatRule, and not for the destination's limit.
func TestWhatAFlowsOwnRuleKeepsBackIsSaidToWaitForThatRule(t *testing.T) {
	for _, c := range []struct {
		flow   schedule.FlowRule
		tenant schedule.TenantRule
		reason schedule.Reason
		gate   schedule.GateView
		until  time.Time
		drains time.Time
	}{
		{
			flow: schedule.FlowRule{Rate: 2}, reason: schedule.Limit, gate: schedule.GateView{Rate: 2},
			until: epoch.Add(500*time.Millisecond - 25*time.Millisecond), drains: epoch.Add(10 * time.Second),
		},
		{flow: schedule.FlowRule{Concurrency: 1}, reason: schedule.Concurrency, gate: schedule.GateView{Most: 1}, drains: epoch},
		{
			tenant: schedule.TenantRule{Rate: 1}, reason: schedule.Limit, gate: schedule.GateView{OfTenant: true, Rate: 1},
			until: epoch.Add(975 * time.Millisecond), drains: epoch.Add(20 * time.Second),
		},
	} {
		s := paced(100, schedule.Settings{
			Flow:   func(schedule.FlowName) schedule.FlowRule { return c.flow },
			Tenant: func(string) schedule.TenantRule { return c.tenant },
		})
		var last *schedule.Fresh
		for n := range 21 {
			last = fresh(queueOf("a.example", "f"), n, epoch)
			s.Committed(epoch, last)
		}
		s.Next(epoch)
		c.gate.Flow = schedule.FlowName{Tenant: last.Queue.Tenant, Flow: "f"}
		if w := s.Why(epoch, &last.Queue, &last.Entry); w.Reason != c.reason || w.Gate != c.gate || !w.Until.Equal(c.until) {
			t.Errorf("it waits for %s, %+v, until %v; want %s, %+v, until %v", w.Reason, w.Gate, w.Until, c.reason, c.gate, c.until)
		}
		h, _ := s.Host(epoch, "a.example")
		if l := h.Lanes[0]; l.Gate != c.gate || !l.Until.Equal(c.until) || c.gate.Rate > 0 && !l.Drains.Equal(c.drains) {
			t.Errorf("the lane waits for %+v, until %v, and drains at %v; want %+v, %v, %v", l.Gate, l.Until, l.Drains, c.gate, c.until, c.drains)
		}
	}
}
