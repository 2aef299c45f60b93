package schedule_test

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
)

// call is one under way in virtual time.
type call struct {
	ends time.Time
	st   schedule.Start
}

type calls []call

func (c calls) Len() int           { return len(c) }
func (c calls) Less(i, j int) bool { return c[i].ends.Before(c[j].ends) }
func (c calls) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *calls) Push(x any)        { *c = append(*c, x.(call)) } //nolint:forcetypeassert // a test's heap
func (c *calls) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// TestHealthyHostsFindASlotHoweverManyOthersNeverAnswer plays three minutes of a thousand hosts that answer within 20 ms,
// beside others that accept every call and never answer, until it times out after 90 s; those have more waiting than there are
// slots, no limit of calls at once and no breaker. The oracle is the same without them: no healthy webhook waits for a slot.
// A hundred are there from the start, when nothing is known of any host; three times as many as slots come later.
func TestHealthyHostsFindASlotHoweverManyOthersNeverAnswer(t *testing.T) {
	for _, tt := range []struct {
		black int
		after time.Duration
	}{{0, 0}, {1, 0}, {100, 0}, {3000, 30 * time.Second}} {
		t.Run(fmt.Sprint(tt.black), func(t *testing.T) {
			worst, lost, most := isolated(t, tt.black, tt.after, 1000)
			if worst > 0 || lost > 0 {
				t.Errorf("a healthy webhook waited for %v; %d never began", worst, lost)
			}
			if most > 1000 {
				t.Errorf("%d calls were under way at once, of 1000 slots", most)
			}
		})
	}
}

// isolated returns how long a healthy webhook waited at most, how many never began, and the most calls at once.
func isolated(t *testing.T, black int, after time.Duration, slots int) (worst time.Duration, lost, most int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(uint64(black), 9))
	s := schedule.New(schedule.Settings{
		MaxInFlight: slots,
		Budget:      unlimitedBudget,
		Breaker: func(string) *circuit.Breaker {
			return circuit.New(circuit.Config{FailureRatio: 1, MinRequests: 1 << 30})
		},
	})
	due := map[int]time.Time{}
	n := 1 << 20
	var under calls
	next := epoch
	for now := epoch; now.Before(epoch.Add(3 * time.Minute)); {
		for len(under) > 0 && !under[0].ends.After(now) {
			c := heap.Pop(&under).(call) //nolint:forcetypeassert // nothing else is in it
			if numberOf(c.st.Entry.ID) >= 1<<20 {
				finish(s, c.st, now)
				continue
			}
			s.Ended(now, &schedule.End{ID: c.st.Entry.ID, Permit: c.st.Permit, Health: circuit.Failure, Seen: limiter.Observation{
				Sent: now.Add(-90 * time.Second), Received: now, Failed: true, TimedOut: true,
			}})
			again := c.st.Entry
			again.Due = now.UnixMilli()
			again.Rank = again.Due
			s.Settled(now, c.st.Entry.ID, &again)
		}
		if black > 0 && !now.Before(epoch.Add(after)) {
			for i := range 20 * black {
				s.Committed(now, fresh(queueOf(fmt.Sprintf("black%d.example", i%black), "f"), i, now))
			}
			black = 0
		}
		for !next.After(now) {
			s.Committed(now, fresh(queueOf(fmt.Sprintf("h%d.example", rnd.IntN(1000)), "f"), n, now))
			due[n] = now
			n++
			next = next.Add(2 * time.Millisecond)
		}
		for _, st := range slices.Clone(s.Next(now).Start) {
			took := 90 * time.Second
			if id := numberOf(st.Entry.ID); id >= 1<<20 {
				worst = max(worst, now.Sub(due[id]))
				delete(due, id)
				took = time.Duration(5+rnd.IntN(15)) * time.Millisecond
			}
			heap.Push(&under, call{now.Add(took), st})
		}
		most = max(most, s.InFlight())
		now = next
		if len(under) > 0 && under[0].ends.Before(now) {
			now = under[0].ends
		}
	}
	return worst, len(due), most
}

func TestHostsThatNeverAnswerAreServedInTheEnd(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 16})
	for h := range 200 {
		s.Committed(epoch, fresh(queueOf(fmt.Sprintf("h%d.example", h), "f"), h, epoch))
	}
	done := 0
	for now := epoch; ; now = now.Add(90 * time.Second) {
		started := slices.Clone(s.Next(now).Start)
		if len(started) == 0 {
			break
		}
		for _, st := range started {
			done++
			finish(s, st, now.Add(90*time.Second))
		}
	}
	if done != 200 {
		t.Errorf("%d of 200 were ever started", done)
	}
}
