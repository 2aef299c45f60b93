package schedule_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
)

// TestATryTakesATokenAndNoTurn: what waits in the lane goes on at its pace, less the one call.
func TestATryTakesATokenAndNoTurn(t *testing.T) {
	s := paced(10, schedule.Settings{})
	q := queueOf("a.example", "f")
	if w := s.StartTry(epoch, &q, false); w != nil {
		t.Fatalf("kept back by %+v", w)
	}
	s.Committed(epoch, fresh(q, 0, epoch))
	if n := len(s.Next(epoch).Start); n != 0 {
		t.Errorf("%d started at the instant of the try", n)
	}
	w := s.StartTry(epoch, &q, false)
	if w == nil || w.Reason != schedule.Limit || w.Until.Sub(epoch).Round(time.Millisecond) != 100*time.Millisecond {
		t.Fatalf("a second try at the same instant is kept back by %+v, want the limit for 100 ms", w)
	}
	later := w.Until
	s.EndTry(later, q.Lane, limiter.Observation{Sent: epoch, Received: later, Status: 200})
	if n := len(s.Next(later).Start); n != 1 {
		t.Errorf("%d started when their time had come, want 1", n)
	}
}

func TestHoldsPausesAndBreakersKeepATryBackUnlessForced(t *testing.T) {
	q := queueOf("a.example", "f")
	for name, tt := range map[string]struct {
		hold func(*schedule.Schedule)
		want schedule.Reason
	}{
		"a held flow": {func(s *schedule.Schedule) { s.HoldFlow(epoch, flowOf("f")) }, schedule.Held},
		"a held host": {func(s *schedule.Schedule) { s.HoldHost(epoch, "a.example") }, schedule.Held},
		"a pause": {func(s *schedule.Schedule) {
			s.StartTry(epoch, &q, true)
			s.EndTry(epoch, q.Lane, limiter.Observation{
				Sent: epoch, Received: epoch, Status: 429, Hint: &limiter.Hint{HasRetryAfter: true, RetryAfter: time.Minute},
			})
		}, schedule.Pause},
	} {
		s := unlimited(schedule.Settings{})
		tt.hold(s)
		if w := s.StartTry(epoch, &q, false); w == nil || w.Reason != tt.want {
			t.Errorf("%s: kept back by %+v, want %s", name, w, tt.want)
		}
		if w := s.StartTry(epoch, &q, true); w != nil {
			t.Errorf("%s: kept back by %+v, though forced", name, w)
		}
	}
}

// TestTriesThatFailDoNotOpenTheBreaker: whoever tries things out may try them with mistakes in them.
func TestTriesThatFailDoNotOpenTheBreaker(t *testing.T) {
	s := unlimited(schedule.Settings{})
	q := queueOf("a.example", "f")
	for n := range 100 {
		s.Committed(epoch, fresh(q, n, epoch))
	}
	for range 100 {
		if w := s.StartTry(epoch, &q, false); w != nil {
			t.Fatalf("kept back by %+v", w)
		}
		s.EndTry(epoch, q.Lane, limiter.Observation{Sent: epoch, Received: epoch, Status: 500})
	}
	if n := len(slices.Clone(s.Next(epoch).Start)); n == 0 {
		t.Error("nothing starts any more")
	}
}

func TestWhatATryTaughtOfAHostsHeadersIsSaved(t *testing.T) {
	s := unlimited(schedule.Settings{})
	q := queueOf("a.example", "f")
	saved := 0
	at := epoch
	for n := range 5 { // counted down in milliseconds, as a few answers tell
		if w := s.StartTry(at, &q, false); w != nil {
			t.Fatalf("kept back by %+v", w)
		}
		hint := limiter.Hint{N: 1, Windows: [limiter.MaxWindows]limiter.Window{{
			Limit: 100, Remaining: int64(50 - n), HasReset: true, ResetRaw: float64(30_000 - 2000*n), ResetForm: limiter.DeltaSeconds, Source: "X-RateLimit-*",
		}}}
		s.EndTry(at, q.Lane, limiter.Observation{Sent: at, Received: at, Status: 200, Hint: &hint})
		_, hosts := drainChanges(s)
		saved += hosts
		at = at.Add(2 * time.Second)
	}
	if s.Dialect("a.example").Forms() == (new(limiter.Dialect)).Forms() {
		t.Fatal("nothing was learned: that proves nothing")
	}
	if saved == 0 {
		t.Error("what was learned of its resets is not to be saved")
	}
}
