package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// modelled is a model of bench/destination that tells in a dialect.
type modelled struct {
	limiter *destination.Limiter
	dialect destination.Dialect
}

func model(t *testing.T, spec destination.Spec, d destination.Dialect) *modelled {
	t.Helper()
	l, err := destination.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return &modelled{l, d}
}

func (m *modelled) judge(now time.Time) (bool, []destination.Header) {
	v := m.limiter.Allow(now)
	return v.OK, m.dialect.Append(nil, v, now)
}

// TestAWindowIsKnownFromWhatItsFirstRefusalAsksFor: when a refusal says that there is room again tells how long the window is, and
// what was accepted before, how much it allows. Measured over the first minute after a window, ten seconds at least.
func TestAWindowIsKnownFromWhatItsFirstRefusalAsksFor(t *testing.T) {
	for _, c := range []struct {
		algorithm destination.Algorithm
		limit     Rule
		dialect   destination.Dialect
		use       float64
	}{
		{destination.FixedFirst, Rule{100, 10 * time.Second}, destination.RetryAfterOnly, 0.99},
		{destination.FixedFirst, Rule{300, time.Minute}, destination.RetryAfterOnly, 0.98},
		{destination.SlidingLog, Rule{100, 10 * time.Second}, destination.RetryAfterOnly, 0.99},
		{destination.SlidingLog, Rule{100, 10 * time.Second}, destination.RetryAfterFloor, 0.99},
		{destination.SlidingLog, Rule{300, time.Minute}, destination.RetryAfterOnly, 0.98},
		{destination.SlidingLog, Rule{20, time.Second}, destination.RetryAfterOnly, 0.99},
		{destination.SlidingLog, Rule{50, time.Second}, destination.RetryAfterOnly, 0.99},
		{destination.Fixed, Rule{50, time.Second}, destination.RetryAfterOnly, 0.97},
		{destination.Fixed, Rule{20, time.Second}, destination.RetryAfterOnly, 0.96},
		// The first refusal asks for the whole window: of the minute that is measured, four seconds are over when it ends.
		{destination.FixedFirst, Rule{100, 10 * time.Second}, destination.RetryAfterWindow, 0.94},
		{destination.SlidingLog, Rule{100, 10 * time.Second}, destination.RetryAfterWindow, 0.94},
	} {
		for seed := range uint64(5) {
			host := model(t, destination.Spec{Algorithm: c.algorithm, Limit: int(c.limit.N), Per: c.limit.Per}, c.dialect)
			if f := driveReal(t, host, c.limit, seed); f.late < c.use || f.refused > 0.005 {
				t.Errorf("%s, %d per %v, %s, seed %d: use %.3f, refused %.2f%%; want %.2f, 0.5%%", c.algorithm, c.limit.N, c.limit.Per,
					c.dialect, seed, f.late, 100*f.refused, c.use)
			}
		}
	}
}

// TestABucketsPauseIsNoWindow: it asks for the time of a call, rounded up to a second. A window of a second explains its first
// refusal; the next ones show that it is none.
func TestABucketsPauseIsNoWindow(t *testing.T) {
	for _, burst := range []int{2, 10, 20} {
		for seed := range uint64(5) {
			limit := Rule{20, time.Second}
			spec := destination.Spec{Algorithm: destination.Bucket, Limit: 20, Per: time.Second, Burst: burst}
			if f := driveReal(t, model(t, spec, destination.RetryAfterOnly), limit, seed); f.late < 0.97 || f.refused > 0.005 {
				t.Errorf("bucket of %d, seed %d: use %.3f, refused %.2f%%; want 0.97, 0.5%%", burst, seed, f.late, 100*f.refused)
			}
		}
	}
}

// TestWhatABucketSavedUpIsTakenForNoWindow: it lasts for some seconds of a limit that is too high, and refuses one that a window of a
// second had kept. Then the limit before is right; going on from what was accepted took ten refusals.
func TestWhatABucketSavedUpIsTakenForNoWindow(t *testing.T) {
	for _, c := range []struct {
		rate    int64
		burst   int
		refused float64
	}{{5, 10, 0.0125}, {10, 10, 0.005}, {10, 20, 0.006}, {20, 50, 0.004}, {50, 100, 0.002}} {
		for seed := range uint64(5) {
			limit := Rule{c.rate, time.Second}
			spec := destination.Spec{Algorithm: destination.Bucket, Limit: int(c.rate), Per: time.Second, Burst: c.burst}
			if f := driveReal(t, model(t, spec, destination.RetryAfterOnly), limit, seed); f.late < 0.97 || f.refused > c.refused {
				t.Errorf("%d a second, %d saved up, seed %d: use %.3f, refused %.2f%%; want 0.97, %.2f%%", c.rate, c.burst, seed, f.late, 100*f.refused, 100*c.refused)
			}
		}
	}
}

// TestABucketThatMayBeAWindowRefusesFewOfTheNextCalls: it is far away, so that all that is on its way is refused with the first one.
func TestABucketThatMayBeAWindowRefusesFewOfTheNextCalls(t *testing.T) {
	for seed := range uint64(5) {
		spec := destination.Spec{Algorithm: destination.Bucket, Limit: 100, Per: 10 * time.Second, Burst: 200}
		host := model(t, spec, destination.RetryAfterOnly)
		if f := driveFrom(t, host, Rule{100, 10 * time.Second}, 80*time.Millisecond, time.Millisecond, 0, seed); f.refused > 0.025 {
			t.Errorf("seed %d: refused %.2f%%, want 2.5%%", seed, 100*f.refused)
		}
	}
}

// TestAnInferredWindowFollowsALimitThatChanges, down with the next refusal, and up within the time that is asked for: five minutes.
func TestAnInferredWindowFollowsALimitThatChanges(t *testing.T) {
	for _, to := range []int{40, 250} {
		for _, per := range []time.Duration{10 * time.Second, time.Minute} {
			s := study{
				cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.FixedFirst, Limit: 100, Per: per},
				dialect: destination.RetryAfterOnly, rtt: time.Millisecond, noise: 2 * time.Millisecond, within: 40 * time.Minute, change: to,
			}
			f := s.run(t)
			from := epoch.Add(s.within/2 + 5*time.Minute + 3*per)
			late := 0
			for _, at := range f.arrivals {
				if at.After(from) {
					late++
				}
			}
			lengths := s.within/2 - 5*time.Minute - 3*per
			if use := float64(late) / float64(to) / (float64(lengths) / float64(per)); use < 0.9 || use > 1.02 || f.share() > 0.01 {
				t.Errorf("100 to %d per %v: use %.3f five minutes later, %.2f%% refused", to, per, use, 100*f.share())
			}
		}
	}
}

// refusedOnce is a lane whose 21st call in its first two seconds was refused, for a second.
func refusedOnce(t *testing.T) (*Budget, time.Time) {
	t.Helper()
	b, now := New(DefaultConfig(), epoch), epoch
	for n := 0; n < 21; {
		at, why := b.ReadyAt(now)
		if why != Ready {
			now = at
			continue
		}
		n++
		if n < 21 {
			answer(b, now, 200, nil)
		} else {
			answer(b, now, 429, &Hint{HasRetryAfter: true, RetryAfter: time.Second})
		}
	}
	if w := b.inferredWindow(); w == nil || w.per != time.Second {
		t.Fatalf("no window of a second was inferred: %+v", w)
	}
	return b, now
}

func TestAnInferredWindowIsForgottenWhenTheDestinationTellsOne(t *testing.T) {
	b, now := refusedOnce(t)
	now = now.Add(2 * time.Second)
	answer(b, now, 200, left(100, 99, now.Add(10*time.Second)))
	if len(b.windows) != 1 || b.inferredWindow() != nil {
		t.Errorf("%d windows, inferred: %v; want the one that is told", len(b.windows), b.inferredWindow() != nil)
	}
}

func TestAnInferredWindowIsForgottenAfterTenIdleMinutesButNotByARestart(t *testing.T) {
	b, now := refusedOnce(t)
	s := b.Snapshot(now)
	for after, kept := range map[time.Duration]bool{time.Second: true, 11 * time.Minute: false} {
		later := now.Add(after)
		again := New(DefaultConfig(), later)
		again.Restore(s, later)
		if (again.inferredWindow() != nil) != kept {
			t.Errorf("%v later, restored: inferred %v, want %v", after, again.inferredWindow() != nil, kept)
		}
	}
	b.Start(now.Add(11 * time.Minute))
	if b.inferredWindow() != nil {
		t.Error("it was kept over ten idle minutes")
	}
}

func TestALimitIsTakenForANumberThatPeopleChoose(t *testing.T) {
	for _, c := range []struct{ lo, hi, want int64 }{
		{14, 29, 20}, {31, 62, 50}, {63, 125, 100}, {7, 14, 10}, {8, 9, 8}, {9, 9, 9}, {12, 9, 9}, {0, 1, 1}, {0, 3, 2},
		{27, 49, 40}, {112, 119, 115}, {4, 6, 5}, {21, 29, 25}, {310, 390, 350}, {1200, 1900, 1500}, {600, 900, 700},
	} {
		if got := roundest(c.lo, c.hi); got != c.want {
			t.Errorf("between %d and %d: %d, want %d", c.lo, c.hi, got, c.want)
		}
	}
}

func TestNoWaitThatIsAskedForAgainAndAgainOverflows(t *testing.T) {
	cfg := DefaultConfig()
	b := New(cfg, epoch)
	now := b.tick(epoch.Add(time.Minute))
	w := newWindow(inferredSource, now)
	w.timing, w.inferred = allOnRefusal, &inferred{wait: time.Second}
	w.setLimit(10, 1)
	w.setLength(time.Second)
	b.windows = append(b.windows, w)
	for attempts := range int32(20) {
		b.pause.attempts, b.pause.until = 2+attempts, 0
		o := &Observation{Status: statusTooManyRequests, Hint: &Hint{HasRetryAfter: true, RetryAfter: maxDelay}}
		if !b.infer(now, now, o) {
			t.Fatal("the window does not explain it: that proves nothing")
		}
		if held := b.pause.until - now; held != maxBackoff {
			t.Errorf("after %d refusals in a row it is held for %v, want %v", attempts+2, held, maxBackoff)
		}
	}
}
