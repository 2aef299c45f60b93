package schedule_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// TestTheInstantThatIsToldIsTheOneAtWhichItsTurnComes plays lanes of random weights and backlogs to their end and holds what
// was said at the beginning of each webhook's turn against when it came.
func TestTheInstantThatIsToldIsTheOneAtWhichItsTurnComes(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		weights := map[string]float64{}
		s := paced(10, schedule.Settings{Flow: func(name schedule.FlowName) schedule.FlowRule {
			return schedule.FlowRule{Weight: weights[name.Flow]}
		}})
		var all []*schedule.Fresh
		high, lower := map[record.ID]bool{}, false
		for f := range 1 + rnd.IntN(4) {
			q := queueOf("a.example", fmt.Sprintf("f%d", f))
			weights[q.Flow] = float64(1 + rnd.IntN(3))
			if rnd.IntN(4) == 0 {
				q.Priority = record.High
			}
			for range 1 + rnd.IntN(150) {
				e := fresh(q, len(all), epoch)
				high[e.Entry.ID] = q.Priority == record.High
				lower = lower || q.Priority == record.High
				all = append(all, e)
				s.Committed(epoch, e)
			}
		}
		now := epoch
		begins := func() []schedule.Start {
			starts := slices.Clone(s.Next(now).Start)
			for _, st := range starts {
				finish(s, st, now)
			}
			now = now.Add(100 * time.Millisecond)
			return starts
		}
		gone := map[record.ID]bool{}
		for _, st := range begins() {
			gone[st.Entry.ID] = true
		}
		told := map[record.ID]time.Time{}
		for _, f := range all {
			if !gone[f.Entry.ID] {
				told[f.Entry.ID] = s.Why(now, &f.Queue, &f.Entry).About
			}
		}
		for at := now; len(told) > 0; at = now {
			for _, st := range begins() {
				about := told[st.Entry.ID]
				delete(told, st.Entry.ID)
				// Turns are whole: one of each other flow at ten a second, and below others in priority at one.
				turns := 600 * time.Millisecond
				if lower && !high[st.Entry.ID] {
					turns = 2 * time.Second
				}
				if off := about.Sub(at).Abs(); off > turns+at.Sub(epoch)/10 {
					t.Errorf("seed %d: %s began after %v, told were %v", seed, st.Entry.ID, at.Sub(epoch), about.Sub(epoch))
				}
			}
			if now.Sub(epoch) > 5*time.Minute {
				t.Fatalf("seed %d: %d never began", seed, len(told))
			}
		}
	}
}

func TestAFlowsOwnRateIsInTheInstantThatIsTold(t *testing.T) {
	s := paced(100, schedule.Settings{Flow: func(schedule.FlowName) schedule.FlowRule { return schedule.FlowRule{Rate: 2} }})
	var last *schedule.Fresh
	for n := range 101 {
		last = fresh(queueOf("a.example", "f"), n, epoch)
		s.Committed(epoch, last)
	}
	for _, st := range slices.Clone(s.Next(epoch).Start) {
		finish(s, st, epoch)
	}
	w := s.Why(epoch, &last.Queue, &last.Entry)
	if off := w.About.Sub(epoch.Add(50 * time.Second)).Abs(); w.Position != 99 || off > time.Second {
		t.Errorf("position %d, about %v after the beginning; want 99, and 50 s", w.Position, w.About.Sub(epoch))
	}
}

func TestWhatIsOnDiskIsToldHowManyAreBeforeItAtLeast(t *testing.T) {
	s := paced(1, schedule.Settings{Window: 16})
	q := queueOf("a.example", "f")
	for n := range 100 {
		s.Committed(epoch, fresh(q, n, epoch))
	}
	s.Next(epoch)
	w := s.Why(epoch, &q, &fresh(q, 99, epoch).Entry)
	if w.Position != -1 || w.Before < 8 || w.Before > 16 || !w.About.IsZero() {
		t.Errorf("position %d behind %d, about %v; want one that is on disk behind a window", w.Position, w.Before, w.About)
	}
}
