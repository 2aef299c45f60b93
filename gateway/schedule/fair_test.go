package schedule_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// TestEachFlowsShareIsWithinAFewPercentOfItsWeightOverAnyTenSeconds has a host at 50 a second, a flow with a backlog and nine
// that come later, of random weights, all with something due all the time.
func TestEachFlowsShareIsWithinAFewPercentOfItsWeightOverAnyTenSeconds(t *testing.T) {
	for seed := range uint64(10) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		weights, total := map[string]float64{}, 0.0
		for n := range 10 {
			w := float64(1 + rnd.IntN(4))
			weights[fmt.Sprintf("f%d", n)] = w
			total += w
		}
		s := paced(50, schedule.Settings{Flow: func(name schedule.FlowName) schedule.FlowRule {
			return schedule.FlowRule{Weight: weights[name.Flow]}
		}})
		id, owner := 0, map[record.ID]string{}
		put := func(flow string, n int, now time.Time) {
			for range n {
				owner[idOf(id)] = flow
				s.Committed(now, fresh(queueOf("a.example", flow), id, now))
				id++
			}
		}
		now := epoch
		put("f0", 1000, now)
		var turns []string
		step := func() {
			for _, st := range slices.Clone(s.Next(now).Start) {
				turns = append(turns, owner[st.Entry.ID])
				finish(s, st, now)
			}
			now = now.Add(20 * time.Millisecond)
		}
		for range 100 {
			step()
		}
		for n := 1; n < 10; n++ {
			put(fmt.Sprintf("f%d", n), 900, now)
		}
		turns = turns[:0]
		for len(turns) < 2000 {
			step()
		}
		for from := 0; from+500 <= len(turns); from += 50 {
			got := map[string]int{}
			for _, f := range turns[from : from+500] {
				got[f]++
			}
			for f, w := range weights {
				want := 500 * w / total
				if math.Abs(float64(got[f])-want) > math.Max(0.05*want, 1.5) {
					t.Fatalf("seed %d, turns %d to %d: %s of weight %v had %d, want %.1f within 5 %%", seed, from, from+500, f, w, got[f], want)
				}
			}
		}
	}
}

func TestAMillionWaitingDelayANewFlowByOneTurn(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 1, Window: 64})
	big := queueOf("a.example", "big")
	s.Found(big.ID(), &big, record.Position{}) // as after a restart: all of it is on disk
	read := s.Next(epoch).Read[0]
	var page []record.Entry
	for n := range 64 {
		page = append(page, fresh(big, n, epoch).Entry)
	}
	s.ReadDone(epoch, read.Queue, page, false)
	for range 20 {
		for _, st := range slices.Clone(s.Next(epoch).Start) {
			finish(s, st, epoch)
		}
	}
	s.Committed(epoch, fresh(queueOf("a.example", "new"), 1000, epoch))
	for turn := range 2 {
		st := slices.Clone(s.Next(epoch).Start)[0]
		if numberOf(st.Entry.ID) == 1000 {
			return
		}
		if turn == 1 {
			t.Error("the new flow's first webhook waited for more than a turn")
		}
		finish(s, st, epoch)
	}
}

func TestAFlowThatWasIdleGetsNoCredit(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 1})
	id := 0
	put := func(flow string, n int) {
		for range n {
			s.Committed(epoch, fresh(queueOf("a.example", flow), id, epoch))
			id++
		}
	}
	turn := func() int {
		st := s.Next(epoch).Start[0]
		finish(s, st, epoch)
		return numberOf(st.Entry.ID)
	}
	put("busy", 400)
	put("idle", 1)
	for range 100 {
		turn()
	}
	from := id
	put("idle", 50)
	got := 0
	for range 20 {
		if turn() >= from {
			got++
		}
	}
	if got > 11 {
		t.Errorf("of 20 turns the flow that had been idle had %d, want half", got)
	}
}

func TestAHighWebhookWaitsForTwoTurnsAtMost(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 1})
	for n := range 600 {
		q := queueOf("a.example", fmt.Sprint("f", n%7))
		q.Priority = []record.Priority{record.Normal, record.Low}[n%2]
		s.Committed(epoch, fresh(q, n, epoch))
	}
	high := queueOf("a.example", "receipts")
	high.Priority = record.High
	for round := range 100 {
		id := 10_000 + round
		s.Committed(epoch, fresh(high, id, epoch))
		for waited := 0; ; waited++ {
			st := s.Next(epoch).Start[0]
			finish(s, st, epoch)
			if numberOf(st.Entry.ID) == id {
				break
			}
			if waited == 2 {
				t.Fatalf("round %d: it waited for more than two turns", round)
			}
		}
	}
}

func TestEachLowerPriorityHasItsFloor(t *testing.T) {
	s := paced(10, schedule.Settings{Floor: 0.2})
	id, of := 0, map[record.ID]record.Priority{}
	for range 200 {
		for _, p := range []record.Priority{record.High, record.Normal, record.Low} {
			q := queueOf("a.example", "f")
			q.Priority = p
			of[idOf(id)] = p
			s.Committed(epoch, fresh(q, id, epoch))
			id++
		}
	}
	got := map[record.Priority]int{}
	for now, total := epoch, 0; total < 100; now = now.Add(100 * time.Millisecond) {
		for _, st := range slices.Clone(s.Next(now).Start) {
			total++
			got[of[st.Entry.ID]]++
			finish(s, st, now)
		}
	}
	if got[record.Normal] < 18 || got[record.Low] < 18 || got[record.High] < 50 {
		t.Errorf("of 100 turns high had %d, normal %d, low %d; want a fifth for each lower one", got[record.High], got[record.Normal], got[record.Low])
	}
}
