package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// TestOnlyRefusalsPauseALane sends a Retry-After with every status there is: but for the four that defer a call, it is
// about that call alone.
func TestOnlyRefusalsPauseALane(t *testing.T) {
	for status := 200; status < 600; status++ {
		b := New(DefaultConfig(), epoch)
		answer(b, epoch, status, after(30*time.Second))
		_, why := b.ReadyAt(epoch)
		want := status == 403 || status == 429 || status == 503 || status == 529
		if paused := !b.View(epoch).PausedUntil.IsZero(); paused != want || (why == Pause) != want {
			t.Errorf("after %d with a Retry-After the lane is held by %v, paused: %v; want %v", status, why, paused, want)
		}
	}
}

func TestForbiddenPausesOnlyWithNothingLeft(t *testing.T) {
	reset := epoch.Add(40 * time.Second)
	for remaining, want := range []bool{true, false} {
		b := New(DefaultConfig(), epoch)
		answer(b, epoch, 403, left(10, int64(remaining), reset))
		if paused := !b.View(epoch).PausedUntil.IsZero(); paused != want {
			t.Errorf("403 with %d remaining: paused %v, want %v", remaining, paused, want)
		}
	}
}

// TestMaxPauseEndsInOneProbe asks for four days again and again: each hour one call finds out, and its refusal holds the
// lane for another hour. When one is accepted, the lane is at work again.
func TestMaxPauseEndsInOneProbe(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	now := epoch
	answer(b, now, 429, after(96*time.Hour))
	for range 5 {
		at, why := b.ReadyAt(now)
		if why != Pause || at.Sub(now) != DefaultMaxPause {
			t.Fatalf("held by %v for %v, want a pause of %v", why, at.Sub(now), DefaultMaxPause)
		}
		now = at
		if _, why := b.ReadyAt(now); why != Ready {
			t.Fatalf("%v when the pause is over, want the probe", why)
		}
		b.Start(now)
		if at, why := b.ReadyAt(now.Add(time.Minute)); why != Pause || at != Never {
			t.Fatalf("a second call may go at %v (%v) while the probe is out", at, why)
		}
		now = now.Add(time.Minute)
		b.Observe(now, Observation{Sent: now.Add(-time.Minute), Status: 429, Hint: after(96 * time.Hour)})
	}
	now = now.Add(DefaultMaxPause)
	answer(b, now, 200, nil)
	if n := saturate(b, now, time.Minute, ok); n < 10 {
		t.Errorf("%d calls in the minute after the probe was accepted", n)
	}
}

// TestHeadersOnSuccessesHoldTenMinutes tells on every success that nothing is left for a day, of a limit that others use
// up: that is hearsay, which a call tries out each ten minutes.
func TestHeadersOnSuccessesHoldTenMinutes(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	calls := saturate(b, epoch, 3*time.Hour, func(sent time.Time) Observation {
		return Observation{Status: 200, Hint: left(5000, 0, sent.Add(24*time.Hour))}
	})
	if calls < 18 || calls > 19 {
		t.Errorf("%d calls in three hours, want one each ten minutes", calls)
	}
}

// TestRefusalsOfADayHoldLongerEachTime uses up a window of a day, and goes on being told so by refusals that do not ask
// for a pause: the next call comes after 10 minutes, 20, 40, and then each max_pause.
func TestRefusalsOfADayHoldLongerEachTime(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	reset := epoch.Add(24 * time.Hour)
	answer(b, epoch, 200, left(5000, 0, reset))
	now := epoch
	for _, want := range []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute, time.Hour, time.Hour} {
		at, _ := b.ReadyAt(now)
		now = later(at, now)
		answer(b, now, 429, left(5000, 0, reset))
		if until := b.View(now).PausedUntil; until.Sub(now).Round(time.Second) != want {
			t.Fatalf("held for %v, want %v", until.Sub(now), want)
		}
	}
}

// TestRefusalsByChanceNeverStopALane refuses a quarter of all calls, whatever the pace: that cannot be avoided, and a lane
// that went slower for each refusal would come to a stop.
func TestRefusalsByChanceNeverStopALane(t *testing.T) {
	for _, told := range []headers{untold, retryAfter} {
		for seed := range uint64(8) {
			s := study{
				cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.Fixed, Limit: 100, Per: 10 * time.Second},
				headers: told, rtt: 20 * time.Millisecond, noise: 4 * time.Millisecond, within: time.Hour, seed: seed,
				chance: 0.25,
			}
			f := s.run(t)
			longest, last := time.Duration(0), epoch
			for _, at := range append(f.arrivals, epoch.Add(s.within)) {
				longest, last = max(longest, at.Sub(last)), at
			}
			if longest > 5*time.Minute || f.accepted < 100 {
				t.Errorf("%s, seed %d: %d accepted in an hour, none for %v", told, seed, f.accepted, longest)
			}
		}
	}
}
