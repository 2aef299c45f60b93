package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// TestTwoWindowsOfOneNameBothHold has a window of a second and one of a minute told by one trio, each time only the one
// that binds: the minute's is told of when it is nearly used up, and of its length there is no word.
func TestTwoWindowsOfOneNameBothHold(t *testing.T) {
	for _, algorithm := range []destination.Algorithm{destination.Fixed, destination.SlidingLog} {
		for _, dialect := range []destination.Dialect{destination.XRateLimitEpoch, destination.XRateLimitDelta} {
			for seed := range uint64(2) {
				s := study{
					cfg: DefaultConfig(), dialect: dialect, rtt: 80 * time.Millisecond, noise: 4 * time.Millisecond,
					spec:   destination.Spec{Algorithm: algorithm, Limit: 20, Per: time.Second},
					also:   []destination.Spec{{Algorithm: algorithm, Limit: 600, Per: time.Minute}},
					within: 15 * time.Minute, after: 370 * time.Millisecond, seed: seed,
				}
				f := s.run(t)
				use := float64(f.accepted) / (10 * f.took.Seconds())
				if use < 0.98 || f.refused > 8 {
					t.Errorf("%s, %s, seed %d: use %.3f of the minute's, %d refused", algorithm, dialect, seed, use, f.refused)
				}
				told := map[int64]time.Duration{}
				for _, w := range f.budget.View(epoch.Add(s.within)).Windows {
					told[w.Limit] = w.Per
				}
				if told[20] != time.Second || told[600] != time.Minute {
					t.Errorf("%s, %s, seed %d: windows %v", algorithm, dialect, seed, told)
				}
			}
		}
	}
}

// tells answers a call at now with one window, and returns the lane's windows then.
func tells(b *Budget, now time.Time, limit, remaining int64, reset time.Duration) []WindowView {
	answer(b, now, 200, left(limit, remaining, now.Add(reset)))
	return b.View(now).Windows
}

// TestRaisedLimitReplacesTheOldAtOnce: of a window of 100, 249 cannot remain.
func TestRaisedLimitReplacesTheOldAtOnce(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	tells(b, epoch, 100, 99, 10*time.Second)
	got := tells(b, epoch.Add(time.Second), 250, 248, 9*time.Second)
	if len(got) != 1 || got[0].Limit != 250 || got[0].Used == 0 {
		t.Errorf("windows %+v, want one of 250 that remembers the calls", got)
	}
}

// TestLoweredLimitHoldsAtOnce: whether a limit of 40 is the old one lowered or another beside it, no more than it allows
// goes from now on, and calls made before count.
func TestLoweredLimitHoldsAtOnce(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	now := epoch
	for range 3 {
		tells(b, now, 100, 60, 10*time.Second)
		now = now.Add(100 * time.Millisecond)
	}
	got := tells(b, now, 40, 1, 9*time.Second)
	var lowered WindowView
	for _, w := range got {
		if w.Limit == 40 {
			lowered = w
		}
	}
	if lowered.Used < 3 {
		t.Fatalf("windows %+v, want one of 40 that remembers the calls", got)
	}
	sent := saturate(b, now, 8*time.Second, ok)
	if sent > 2 {
		t.Errorf("%d calls before the reset, where 1 remains", sent)
	}
}

func TestManyLimitsUnderOneNameAreOneWindow(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	for i := range 100 {
		tells(b, epoch.Add(time.Duration(i)*time.Second), int64(1000-i), 500, 10*time.Second)
	}
	if n := len(b.View(epoch.Add(100 * time.Second)).Windows); n > mostTwins {
		t.Errorf("%d windows under one name, want at most %d", n, mostTwins)
	}
}

// TestSilentWindowsTakeBoundedMemory makes calls for hours whose responses tell of one of two windows only: what is
// remembered of the other one may not grow with them, nor what is of a configured one, which is never told.
func TestSilentWindowsTakeBoundedMemory(t *testing.T) {
	b := New(Config{Start: 100, Windows: []Rule{{500, time.Second}}}, epoch)
	now := epoch
	tells(b, now, 600, 599, time.Minute)
	for range 100_000 {
		now = now.Add(100 * time.Millisecond)
		b.Start(now)
		b.Observe(now.Add(10*time.Millisecond), Observation{
			Sent: now, Received: now.Add(10 * time.Millisecond), Status: 200, Hint: left(20, 10, now.Add(time.Second)),
		})
	}
	for _, w := range b.windows {
		if len(w.permits.ring) > 2*maxSlots {
			t.Errorf("the window of %d remembers %d slots after 100,000 calls", w.limit, len(w.permits.ring))
		}
	}
}
