package limiter

import (
	"math"
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

func TestWhatPausesALane(t *testing.T) {
	reset := epoch.Add(10 * time.Second)
	for _, c := range []struct {
		name   string
		status int
		hint   *Hint
		until  time.Duration // 0: no pause
	}{
		{"429 with Retry-After", 429, after(7 * time.Second), 7 * time.Second},
		{"503 with Retry-After", 503, after(7 * time.Second), 7 * time.Second},
		{"529 with Retry-After", 529, after(7 * time.Second), 7 * time.Second},
		{"403 with Retry-After", 403, after(7 * time.Second), 7 * time.Second},
		{"longer than the longest pause", 429, after(100 * time.Hour), DefaultMaxPause},
		{"of no time at all", 429, after(0), minPause},
		{"200 with Retry-After", 200, after(7 * time.Second), 0},
		{"404 with Retry-After", 404, after(7 * time.Second), 0},
		{"500 with Retry-After", 500, after(7 * time.Second), 0},
		{"503 without", 503, nil, 0},
		{"403 without", 403, nil, 0},
		{"403 with something left", 403, left(10, 1, reset), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := New(DefaultConfig(), epoch)
			answer(b, epoch, c.status, c.hint)
			at, why := b.ReadyAt(epoch)
			if (why == Pause) != (c.until > 0) || c.until > 0 && at.Sub(epoch) != c.until {
				t.Errorf("ready in %v (%v), want a pause of %v", at.Sub(epoch), why, c.until)
			}
		})
	}
}

func TestRetryAfterNeverShortensPause(t *testing.T) {
	b := New(Config{Start: math.Inf(1)}, epoch)
	b.Start(epoch)
	b.Start(epoch)
	b.Observe(epoch, Observation{Sent: epoch, Status: 429, Hint: after(30 * time.Second)})
	b.Observe(epoch, Observation{Sent: epoch, Status: 429, Hint: after(time.Second)})
	if at, why := b.ReadyAt(epoch); why != Pause || at.Sub(epoch) != 30*time.Second {
		t.Errorf("ready in %v (%v), want the longer pause", at.Sub(epoch), why)
	}
}

func TestOneProbeThenThePaceNoBurst(t *testing.T) {
	b := New(Config{Start: 100}, epoch)
	answer(b, epoch, 429, after(time.Second))
	now := epoch.Add(time.Second)
	if _, why := b.ReadyAt(now); why != Ready {
		t.Fatalf("%v after the pause, want the probe to be ready", why)
	}
	b.Start(now)
	if at, why := b.ReadyAt(now.Add(time.Hour)); why != Pause || at != Never {
		t.Errorf("%v at %v with the probe in flight, want Never", why, at)
	}
	now = now.Add(2 * time.Hour)
	b.Observe(now, Observation{Sent: now.Add(-time.Hour), Status: 200})
	if at, why := b.ReadyAt(now); why != Limit || at.Equal(Never) {
		t.Errorf("%v at %v after the probe, want the pace", why, at)
	}
}

func TestProbeThatGetsNoAnswerGivesWayToAnother(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	answer(b, epoch, 429, after(time.Second))
	now := epoch.Add(time.Second)
	b.Start(now)
	b.Observe(now.Add(time.Second), Observation{Sent: now, Failed: true, TimedOut: true})
	if _, why := b.ReadyAt(now.Add(time.Second)); why != Ready {
		t.Errorf("%v, want another probe", why)
	}
}
