package schedule_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

func flowOf(flow string) schedule.FlowName { return schedule.FlowName{Tenant: "default", Flow: flow} }

func TestAHeldFlowStartsNothingOnAnyHostAndOthersGoOn(t *testing.T) {
	s := unlimited(schedule.Settings{})
	s.HoldFlow(epoch, flowOf("campaign")) // before anything is known of it
	for n, host := range []string{"a.example", "b.example"} {
		s.Committed(epoch, fresh(queueOf(host, "campaign"), n, epoch))
		s.Committed(epoch, fresh(queueOf(host, "receipts"), 10+n, epoch))
	}
	for _, st := range slices.Clone(s.Next(epoch).Start) {
		if numberOf(st.Entry.ID) < 10 {
			t.Errorf("webhook %d of the held flow started", numberOf(st.Entry.ID))
		}
		finish(s, st, epoch)
	}
	q := queueOf("a.example", "campaign")
	e := fresh(q, 0, epoch).Entry
	if w := s.Why(epoch, &q, &e); w.Reason != schedule.Held {
		t.Errorf("it is said to wait for %q, want %q", w.Reason, schedule.Held)
	}
	if v, ok := s.Flow(flowOf("campaign")); !ok || !v.Held || v.Waiting != 2 || v.Oldest != idOf(0) {
		t.Errorf("the flow stands as %+v", v)
	}
	s.ResumeFlow(epoch, flowOf("campaign"))
	if n := len(s.Next(epoch).Start); n != 2 {
		t.Errorf("%d started after the hold, want 2", n)
	}
}

func TestAFlowHeldWhileItWaitsForItsLimitComesBackAtThePace(t *testing.T) {
	s := paced(10, schedule.Settings{})
	for n := range 50 {
		s.Committed(epoch, fresh(queueOf("a.example", "f"), n, epoch))
	}
	for _, st := range slices.Clone(s.Next(epoch).Start) {
		finish(s, st, epoch)
	}
	s.HoldFlow(epoch, flowOf("f"))
	now := epoch.Add(time.Hour)
	if p := s.Next(now); len(p.Start) != 0 {
		t.Fatalf("%d started while held", len(p.Start))
	}
	s.ResumeFlow(now, flowOf("f"))
	started := 0
	for end := now.Add(2 * time.Second); now.Before(end); now = now.Add(10 * time.Millisecond) {
		for _, st := range slices.Clone(s.Next(now).Start) {
			started++
			finish(s, st, now)
		}
	}
	if started < 19 || started > 22 {
		t.Errorf("%d started in the two seconds after the hold, at 10 a second", started)
	}
}

func TestAHeldHostStartsNothingUntilItIsResumedWhateverIsAcceptedMeanwhile(t *testing.T) {
	s := unlimited(schedule.Settings{})
	s.Committed(epoch, fresh(queueOf("a.example", "f"), 0, epoch.Add(time.Minute)))
	s.Next(epoch)
	s.HoldHost(epoch, "a.example")
	keyed := queueOf("a.example", "f")
	keyed.Lane.Key = record.Digest{1}
	s.Committed(epoch, fresh(keyed, 1, epoch))
	s.Committed(epoch, fresh(queueOf("b.example", "f"), 2, epoch))
	now := epoch.Add(2 * time.Minute)
	if p := s.Next(now); len(p.Start) != 1 || numberOf(p.Start[0].Entry.ID) != 2 || !p.Wake.IsZero() {
		t.Fatalf("started %+v, wake %v; want the other host's alone", p.Start, p.Wake)
	}
	if v, _ := s.Host(now, "a.example"); !v.Held || v.Lanes[0].Blocked != schedule.Held {
		t.Errorf("the host stands as %+v", v)
	}
	s.ResumeHost(now, "a.example")
	if p := s.Next(now); len(p.Start) != 2 {
		t.Errorf("%d started after the hold, want 2", len(p.Start))
	}
}

func TestWhatIsHeldOrBeingCancelledIsSavedUntilItIsOver(t *testing.T) {
	s := unlimited(schedule.Settings{})
	saved := map[schedule.FlowName]schedule.FlowMemory{}
	hosts := map[string]bool{}
	save := func() {
		s.Changed(func(record.Lane, *budget) {}, func(name string, m schedule.HostMemory) { hosts[name] = m.Held },
			func(name schedule.FlowName, m schedule.FlowMemory) { saved[name] = m })
	}
	s.Committed(epoch, fresh(queueOf("a.example", "f"), 0, epoch))
	s.HoldFlow(epoch, flowOf("f"))
	s.HoldHost(epoch, "a.example")
	save()
	if !saved[flowOf("f")].Held || !hosts["a.example"] {
		t.Errorf("saved %+v and %v", saved, hosts)
	}
	s.CancelFlow(epoch, flowOf("f"), idOf(5))
	save()
	if m := saved[flowOf("f")]; m.CancelUpTo != idOf(5) {
		t.Errorf("saved %+v", m)
	}
	s.Settled(epoch, s.Next(epoch).Cancelled[0].Entry.ID, nil)
	s.ResumeFlow(epoch, flowOf("f"))
	s.ResumeHost(epoch, "a.example")
	save()
	if m := saved[flowOf("f")]; m != (schedule.FlowMemory{}) || hosts["a.example"] {
		t.Errorf("saved %+v and %v when all is over", m, hosts)
	}
}

func TestASuspendedFlowStartsNothingWhateverAnOperatorDoesUntilItsRuleSaysOtherwise(t *testing.T) {
	suspended := map[schedule.FlowName]bool{flowOf("f"): true}
	s := unlimited(schedule.Settings{Flow: func(name schedule.FlowName) schedule.FlowRule {
		return schedule.FlowRule{Suspended: suspended[name]}
	}})
	s.Committed(epoch, fresh(queueOf("a.example", "f"), 0, epoch))
	s.HoldFlow(epoch, flowOf("f"))
	s.ResumeFlow(epoch, flowOf("f"))
	if p := s.Next(epoch); len(p.Start) != 0 {
		t.Fatalf("%d of a suspended flow started", len(p.Start))
	}
	if v, _ := s.Flow(flowOf("f")); !v.Suspended || v.Held || v.Over {
		t.Errorf("the flow stands as %+v", v)
	}
	s.Changed(func(record.Lane, *budget) {}, func(string, schedule.HostMemory) {}, func(name schedule.FlowName, m schedule.FlowMemory) {
		if m.Held {
			t.Errorf("that %s is suspended is saved", name.Flow)
		}
	})
	delete(suspended, flowOf("f"))
	if p := s.Next(epoch); len(p.Start) != 0 {
		t.Fatalf("%d started before the flow was told of its rule", len(p.Start))
	}
	s.RuleFlow(epoch, flowOf("f"))
	for _, st := range slices.Clone(s.Next(epoch).Start) {
		finish(s, st, epoch)
	}
	if v, _ := s.Flow(flowOf("f")); v.Suspended || !v.Over {
		t.Errorf("when its rule let it go, the flow stands as %+v", v)
	}
	s.Committed(epoch, fresh(queueOf("a.example", "f"), 1, epoch))
	suspended[flowOf("f")] = true
	s.RuleFlow(epoch, flowOf("f"))
	if p := s.Next(epoch); len(p.Start) != 0 {
		t.Errorf("%d started after its rule suspended it again", len(p.Start))
	}
}
