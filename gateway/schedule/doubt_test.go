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

// fail ends an attempt with a time-out, and puts its webhook off for an hour.
func fail(s *schedule.Schedule, st schedule.Start, now time.Time) {
	s.Ended(now, &schedule.End{
		ID: st.Entry.ID, Permit: st.Permit, Health: circuit.Failure,
		Seen: limiter.Observation{Sent: now, Received: now, Failed: true, TimedOut: true},
	})
	again := st.Entry
	again.Due = now.Add(time.Hour).UnixMilli()
	again.Rank = again.Due
	s.Settled(now, st.Entry.ID, &again)
}

// post has webhooks wait for a.example, numbered from an id on, in a lane each: those that are kept out must be woken.
func post(s *schedule.Schedule, from, n int) {
	for n := range n {
		q := queueOf("a.example", "f")
		q.Lane.Key = record.Digest{byte(n), byte(n >> 8)}
		s.Committed(epoch, fresh(q, from+n, epoch))
	}
}

// underWay has so many calls of a.example begin, which has answered one.
func underWay(t *testing.T, s *schedule.Schedule, n int) []schedule.Start {
	t.Helper()
	post(s, 0, 1)
	finish(s, s.Next(epoch).Start[0], epoch)
	post(s, 1, n)
	out := slices.Clone(s.Next(epoch).Start)
	if len(out) != n {
		t.Fatalf("%d of %d began", len(out), n)
	}
	return out
}

// A host with as many calls under way as open its breaker, when they fail, gets none in the place of those that time out.
func TestIntoASilentHostGoNoMoreCallsThanOpenItsBreaker(t *testing.T) {
	for _, flying := range []int{3, 19, 20, 64} {
		s := unlimited(schedule.Settings{MaxInFlight: 1 << 12})
		out := underWay(t, s, flying)
		post(s, 1000, 400)
		calls := len(out)
		for now := epoch.Add(90 * time.Second); len(out) > 0; now = now.Add(time.Millisecond) {
			fail(s, out[0], now)
			more := s.Next(now).Start
			out, calls = append(out[1:], more...), calls+len(more)
		}
		if b := s.Breaker("a.example"); b.State() != circuit.Open || calls != max(flying, circuit.DefaultMinRequests) {
			t.Errorf("with %d under way: %d calls were made, and the breaker is %s", flying, calls, b.State())
		}
	}
}

// Those that doubt kept out go on when a call succeeds.
func TestDoubtEndsWithASuccess(t *testing.T) {
	s := unlimited(schedule.Settings{MaxInFlight: 1 << 12})
	out := underWay(t, s, 30)
	post(s, 1000, 100)
	fail(s, out[0], epoch)
	if n := len(s.Next(epoch).Start); n != 0 {
		t.Fatalf("%d began though %d under way are enough to find out", n, len(out)-1)
	}
	for out = out[1:]; len(out) > 0; out = out[1:] {
		finish(s, out[0], epoch)
		out = append(out, s.Next(epoch).Start...)
	}
	if s.InFlight() != 0 || s.InMemory() != 1 { // the one that was put off
		t.Errorf("%d are under way and %d wait after all that was begun has ended", s.InFlight(), s.InMemory())
	}
}
