package schedule_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// side is one of two schedules that live through the same: its calls are admitted, or all of them stand in line.
type side struct {
	s        *schedule.Schedule
	admits   bool
	admitted int
	under    []schedule.Start // calls under way
	webhooks []schedule.Start
	began    []string
}

// call has a call come, and then the schedule asked.
func (d *side) call(now time.Time, q *record.Queue) {
	if d.admits {
		if st, ok := d.s.Admit(now, q); ok {
			d.admitted++
			d.begin(now, st)
			return
		}
	}
	d.s.Line(now, q)
	d.next(now)
}

func (d *side) next(now time.Time) {
	p := d.s.Next(now)
	for _, st := range p.Passed {
		d.begin(now, st)
	}
	for _, st := range p.Start {
		d.began = append(d.began, fmt.Sprintf("%s webhook %s", now.Sub(epoch), st.Entry.ID))
		d.webhooks = append(d.webhooks, st)
	}
}

func (d *side) begin(now time.Time, st schedule.Start) {
	d.began = append(d.began, fmt.Sprintf("%s call %s", now.Sub(epoch), st.Entry.ID))
	d.under = append(d.under, st)
}

// end ends what has been under way for longest.
func (d *side) end(now time.Time, health circuit.Result, seen limiter.Observation) {
	if len(d.under) > 0 {
		st := d.under[0]
		d.under = d.under[1:]
		_, next := d.s.PassEnded(now, &schedule.End{ID: st.Entry.ID, Permit: st.Permit, Health: health, Seen: seen})
		if next || !d.admits {
			d.next(now)
		}
	}
	if len(d.webhooks) > 0 {
		finish(d.s, d.webhooks[0], now)
		d.webhooks = d.webhooks[1:]
		d.next(now)
	}
}

func limitedBudget(lane record.Lane, now time.Time) *limiter.Budget {
	if lane.Host == "paced.example" {
		return limiter.New(limiter.Config{Fixed: 20}, now)
	}
	return limiter.New(limiter.Config{Start: 1000, ConcurrencyStart: 3, ConcurrencyMax: 3}, now)
}

// TestAdmitDecidesAsLineAndNextDo has calls and webhooks come to two schedules, under limits of pace and concurrency, holds, a
// flow's rate, pauses and a breaker: what is admitted at once in one of them begins at the same instant in the other, where all
// stand in line, and so does everything else.
func TestAdmitDecidesAsLineAndNextDo(t *testing.T) {
	admitted := 0
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		set := schedule.Settings{
			MaxInFlight: 40, Budget: limitedBudget,
			Breaker: func(string) *circuit.Breaker { return circuit.New(circuit.DefaultConfig()) },
			Flow: func(f schedule.FlowName) schedule.FlowRule {
				if f.Flow == "gated" {
					return schedule.FlowRule{Rate: 15, Concurrency: 2}
				}
				return schedule.FlowRule{Weight: float64(1 + len(f.Flow)%2)}
			},
		}
		line, fast := &side{s: schedule.New(set)}, &side{s: schedule.New(set), admits: true}
		now, n := epoch, 0
		for range 600 {
			now = now.Add(time.Duration(rng.IntN(40)) * time.Millisecond)
			q := queueOf([]string{"paced.example", "busy.example"}[rng.IntN(2)], []string{"a", "bb", "gated"}[rng.IntN(3)])
			health, seen := circuit.Success, limiter.Observation{Sent: now, Received: now, Status: 200}
			if rng.IntN(4) == 0 {
				health, seen.Status = circuit.Failure, 500
			}
			what, hold := rng.IntN(20), rng.IntN(3) == 0
			for _, d := range []*side{line, fast} {
				d.next(now)
				switch {
				case what < 9:
					d.call(now, &q)
				case what < 17:
					d.end(now, health, seen)
				case what < 19:
					d.s.Committed(now, fresh(q, n, now))
					d.next(now)
				case hold:
					d.s.HoldFlow(now, flowOf("a"))
				default:
					d.s.ResumeFlow(now, flowOf("a"))
				}
			}
			n++
		}
		if !slices.Equal(line.began, fast.began) {
			for i := range min(len(line.began), len(fast.began)) {
				if line.began[i] != fast.began[i] {
					t.Fatalf("seed %d: start %d of %d is %s; where all stand in line, %s", seed, i, len(line.began), fast.began[i], line.began[i])
				}
			}
			t.Fatalf("seed %d: %d began; where all stand in line, %d", seed, len(fast.began), len(line.began))
		}
		admitted += fast.admitted
	}
	if admitted < 4000 {
		t.Errorf("%d calls were admitted at once: that proves little", admitted)
	}
}

func TestNobodyIsAdmittedBeforeWhoWaits(t *testing.T) {
	s := paced(1, schedule.Settings{})
	q := queueOf("a.example", "f")
	if _, ok := s.Admit(epoch, &q); ok {
		t.Error("a call was admitted to a lane that nothing is known of")
	}
	lineUp(t, s, "f", epoch)
	passed(s, s.Next(epoch).Passed[0], epoch)
	lineUp(t, s, "other", epoch) // waits for the lane's next call, in a second
	s.Next(epoch)
	later := epoch.Add(1100 * time.Millisecond)
	if _, ok := s.Admit(later, &q); ok {
		t.Error("a call overtook one that stood in line")
	}
	p := s.Next(later)
	if len(p.Passed) != 1 {
		t.Fatalf("%d passed, want who stood in line", len(p.Passed))
	}
	passed(s, p.Passed[0], later)
	start, ok := s.Admit(later.Add(1100*time.Millisecond), &q)
	if !ok {
		t.Fatal("a call that nothing stands before was not admitted")
	}
	passed(s, start, later.Add(1200*time.Millisecond))
	if s.InFlight()+s.Unsettled()+s.InMemory() != 0 {
		t.Errorf("left over: in flight %d, unsettled %d, waiting %d", s.InFlight(), s.Unsettled(), s.InMemory())
	}
}

// A lane that had no room for a call which then went elsewhere (its flow was held) has room again when another call ends.
func TestWhatALaneHadNoRoomForHoldsNobodyBackOnceItIsGone(t *testing.T) {
	s := schedule.New(schedule.Settings{
		Budget: func(_ record.Lane, now time.Time) *limiter.Budget {
			return limiter.New(limiter.Config{Start: math.Inf(1), ConcurrencyStart: 3, ConcurrencyMax: 3}, now)
		},
		Breaker: func(string) *circuit.Breaker { return circuit.New(circuit.DefaultConfig()) },
	})
	now := epoch
	for range 4 {
		lineUp(t, s, "f", now)
	}
	began := slices.Clone(s.Next(now).Passed)
	s.HoldFlow(now, flowOf("f"))
	passed(s, began[0], now)
	s.Next(now)
	lineUp(t, s, "g", now)
	if p := s.Next(now); len(began) != 3 || len(p.Passed) != 1 {
		t.Errorf("%d and %d began: want 3, and one as soon as one ended", len(began), len(p.Passed))
	}
}
