package schedule_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// expiring is a webhook that expires at an instant.
func expiring(q record.Queue, n int, at time.Time, after time.Duration, early bool) *schedule.Fresh {
	f := fresh(q, n, at)
	f.Entry.Expires, f.Entry.Early = at.Add(after).UnixMilli(), early
	return f
}

func TestWhatCannotMakeItsDeadlineEndsEarlyAndNothingElseDoes(t *testing.T) {
	s := paced(10, schedule.Settings{})
	q := queueOf("a.example", "f")
	for n := range 300 { // 30 s of calls; the last ten seconds' worth of them cannot make it
		s.Committed(epoch, expiring(q, n, epoch, 20*time.Second, n%2 == 0))
	}
	p := s.Next(epoch)
	first := 300
	for _, e := range p.Expired {
		n := numberOf(e.Entry.ID)
		first = min(first, n)
		if n%2 != 0 {
			t.Errorf("%d expired early, which it did not ask for", n)
		}
	}
	// 200 calls, a second of them at once, and one.
	if first < 200 || first > 214 || len(p.Expired) < 43 {
		t.Errorf("%d expired early, the first is %d; want those from about 212 on", len(p.Expired), first)
	}
}

// TestNothingExpiresEarlyThatIsSentWhereNothingExpiresEarly plays queues of random deadlines twice, and holds against each other
// what is sent.
func TestNothingExpiresEarlyThatIsSentWhereNothingExpiresEarly(t *testing.T) {
	for seed := range uint64(30) {
		sent := func(early bool) (ids []int, ended int) {
			rnd := rand.New(rand.NewPCG(seed, 4))
			s := paced(10, schedule.Settings{})
			q := queueOf("a.example", "f")
			for n := range 200 {
				after, wants := time.Duration(1+rnd.IntN(15_000))*time.Millisecond, rnd.IntN(3) > 0
				s.Committed(epoch, expiring(q, n, epoch, after, early && wants))
			}
			for now := epoch; now.Sub(epoch) < 20*time.Second; now = now.Add(50 * time.Millisecond) {
				p := s.Next(now)
				for _, e := range slices.Clone(p.Expired) {
					if e.Entry.Expires > now.UnixMilli() {
						ended++
					}
					s.Settled(now, e.Entry.ID, nil)
				}
				for _, st := range slices.Clone(p.Start) {
					ids = append(ids, numberOf(st.Entry.ID))
					finish(s, st, now)
				}
			}
			return ids, ended
		}
		late, _ := sent(false)
		early, ended := sent(true)
		if ended < 10 {
			t.Errorf("seed %d: only %d ended early, of 200 where half cannot make it", seed, ended)
		}
		if !slices.Equal(late, early) {
			t.Errorf("seed %d: sent were %v, and %v where %d ended early", seed, late, early, ended)
		}
	}
}

func TestAPauseBeyondTheDeadlineEndsWhatExpiresEarly(t *testing.T) {
	s := paced(10, schedule.Settings{})
	q := queueOf("a.example", "f")
	s.Committed(epoch, fresh(q, 0, epoch))
	st := s.Next(epoch).Start[0]
	s.Committed(epoch, expiring(q, 1, epoch, 20*time.Second, true))
	s.Committed(epoch, expiring(q, 2, epoch, 2*time.Minute, true))
	s.Ended(epoch, &schedule.End{
		ID: st.Entry.ID, Permit: st.Permit, Health: circuit.Neutral,
		Seen: limiter.Observation{
			Sent: epoch, Received: epoch, Status: 429, Hint: &limiter.Hint{HasRetryAfter: true, RetryAfter: time.Minute},
		},
	})
	var expired []int
	for now := epoch; now.Sub(epoch) < 15*time.Second; now = now.Add(time.Second) {
		for _, e := range s.Next(now).Expired {
			expired = append(expired, numberOf(e.Entry.ID))
		}
	}
	if !slices.Equal(expired, []int{1}) {
		t.Errorf("expired early: %v, want the one whose deadline is within the pause", expired)
	}
}
