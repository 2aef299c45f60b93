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

func passed(s *schedule.Schedule, st schedule.Start, now time.Time) {
	s.PassEnded(now, &schedule.End{
		ID: st.Entry.ID, Permit: st.Permit, Health: circuit.Success,
		Seen: limiter.Observation{Sent: now, Received: now, Status: 200},
	})
}

// lineUp has a caller stand in line for a flow of a.example.
func lineUp(t *testing.T, s *schedule.Schedule, flow string, now time.Time) record.ID {
	t.Helper()
	q := queueOf("a.example", flow)
	id, ok := s.Line(now, &q)
	if !ok {
		t.Fatal("there was no room in the line")
	}
	return id
}

func TestCallersTakeTheirFlowsTurnsUnderTheLanesPace(t *testing.T) {
	s := paced(10, schedule.Settings{})
	for n := range 200 {
		s.Committed(epoch, fresh(queueOf("a.example", "campaign"), n, epoch))
	}
	for range 50 {
		lineUp(t, s, "proxied", epoch)
	}
	calls, webhooks := 0, 0
	for now := epoch; now.Before(epoch.Add(5 * time.Second)); now = now.Add(50 * time.Millisecond) {
		p := s.Next(now)
		for _, st := range slices.Clone(p.Start) {
			webhooks++
			finish(s, st, now)
		}
		for _, st := range slices.Clone(p.Passed) {
			calls++
			passed(s, st, now)
		}
	}
	if n := calls + webhooks; n < 49 || n > 52 || calls < 24 || calls > 27 {
		t.Errorf("%d calls and %d webhooks began in 5 s at 10 a second; want half each", calls, webhooks)
	}
}

func TestACallerWhoStepsOutLearnsWhyAndTakesNoTurn(t *testing.T) {
	s := adaptive()
	now := held(t, s, "a.example") // an hour's pause
	id := lineUp(t, s, "f", now)
	s.Next(now)
	w := s.StepOut(now, id)
	if w == nil || w.Reason != schedule.Pause || w.Until.Before(now.Add(59*time.Minute)) {
		t.Fatalf("it is said to wait for %+v, want the pause", w)
	}
	if s.StepOut(now, id) != nil {
		t.Error("it could step out twice")
	}
	if p := s.Next(now.Add(2 * time.Hour)); len(p.Passed) != 0 {
		t.Error("it took a turn after it had gone")
	}
}

func TestCallersObeyHoldsAndNoCancellationTakesThem(t *testing.T) {
	s := unlimited(schedule.Settings{})
	id := lineUp(t, s, "f", epoch)
	s.HoldFlow(epoch, flowOf("f"))
	s.CancelFlow(epoch, flowOf("f"), idOf(1<<30))
	if p := s.Next(epoch); len(p.Passed)+len(p.Cancelled) != 0 {
		t.Fatalf("%d passed, %d were cancelled under a hold", len(p.Passed), len(p.Cancelled))
	}
	s.ResumeFlow(epoch, flowOf("f"))
	p := s.Next(epoch)
	if len(p.Passed) != 1 || p.Passed[0].Entry.ID != id {
		t.Fatalf("passed %+v, want the caller", p.Passed)
	}
	if s.StepOut(epoch, id) != nil {
		t.Error("it stepped out after its turn had come")
	}
	passed(s, p.Passed[0], epoch)
	if s.InFlight()+s.Unsettled()+s.InMemory() != 0 {
		t.Errorf("left over: in flight %d, unsettled %d, waiting %d", s.InFlight(), s.Unsettled(), s.InMemory())
	}
	later := epoch.Add(time.Hour)
	s.Next(later)
	s.Changed(func(record.Lane, *budget) {}, func(string, schedule.HostMemory) {}, func(schedule.FlowName, schedule.FlowMemory) {})
	if v, known := s.Flow(flowOf("f")); known {
		t.Errorf("the flow is not forgotten: %+v", v)
	}
}

func TestALineIsBounded(t *testing.T) {
	s := paced(1, schedule.Settings{Window: 16})
	q := queueOf("a.example", "f")
	in := 0
	for range 100 {
		if _, ok := s.Line(epoch, &q); ok {
			in++
		}
	}
	if in != 16 || s.InMemory() != 16 {
		t.Errorf("%d stand in line, %d are in memory; want 16", in, s.InMemory())
	}
}
