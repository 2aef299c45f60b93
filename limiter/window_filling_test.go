package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// filled runs a minute and more against a destination that tells its limit by a trio, the reset in milliseconds.
func filled(t *testing.T, spec destination.Spec, dialect destination.Dialect, seed uint64) (*window, findings) {
	t.Helper()
	s := study{
		cfg: DefaultConfig(), spec: spec, dialect: dialect, rtt: 20 * time.Millisecond, noise: 4 * time.Millisecond,
		within: 3 * time.Minute, seed: seed, after: time.Duration(seed) * 170 * time.Millisecond,
	}
	f := s.run(t)
	if len(f.budget.windows) != 1 {
		t.Fatalf("%v: %d windows", spec, len(f.budget.windows))
	}
	return f.budget.windows[0], f
}

// TestBucketIsRecognisedByItsReset: the reset of a bucket is when it is whole again, so its length shows long before
// it is empty.
func TestBucketIsRecognisedByItsReset(t *testing.T) {
	for _, algorithm := range []destination.Algorithm{destination.Bucket, destination.GCRA} {
		for _, c := range []struct{ limit, burst int }{{100, 100}, {100, 50}, {100, 200}} {
			spec := destination.Spec{Algorithm: algorithm, Limit: c.limit, Per: 10 * time.Second, Burst: c.burst}
			w, f := filled(t, spec, destination.XRateLimitEpochMs, 1)
			fills := time.Duration(c.burst) * spec.Per / time.Duration(c.limit)
			if !w.filling.sure || w.per != fills || f.use(spec) < 0.99 || f.share() > 0.001 {
				t.Errorf("%s, %d per 10 s, burst of %d: sure %v, %v to fill, want %v; use %.3f, %d refused", algorithm, c.limit,
					c.burst, w.filling.sure, w.per, fills, f.use(spec), f.refused)
			}
		}
	}
}

// TestBucketThatIsFilledInNoCommonLengthIsUsed: one of 31 calls that come back 10 a second is whole again in 3.1 seconds. Taken for the
// next length that people choose, 5, it would be used at 0.62. Whole seconds tell it only roughly; what remains tells the rest.
func TestBucketThatIsFilledInNoCommonLengthIsUsed(t *testing.T) {
	for _, c := range []struct{ burst, perMinute int }{{60, 600}, {31, 600}, {16, 300}} {
		for seed := range uint64(4) {
			spec := destination.Spec{Algorithm: destination.GCRA, Limit: c.perMinute, Per: time.Minute, Burst: c.burst}
			if _, f := filled(t, spec, destination.XRateLimitDelta, seed); f.use(spec) < 0.9 || f.share() > 0.001 {
				t.Errorf("%d of %d a minute, seed %d: use %.3f of the first three minutes, %d refused; want 0.9, 0.1%%", c.burst,
					c.perMinute, seed, f.use(spec), f.refused)
			}
		}
	}
}

// TestWindowIsNeverTakenForABucket, whatever phase it has against whole seconds.
func TestWindowIsNeverTakenForABucket(t *testing.T) {
	for _, algorithm := range []destination.Algorithm{destination.Fixed, destination.FixedFirst} {
		for _, l := range []Rule{{20, time.Second}, {100, 10 * time.Second}, {600, time.Minute}} {
			for _, dialect := range []destination.Dialect{destination.XRateLimitEpoch, destination.XRateLimitDelta} {
				for seed := range uint64(4) {
					spec := destination.Spec{Algorithm: algorithm, Limit: int(l.N), Per: l.Per}
					w, f := filled(t, spec, dialect, seed)
					if w.filling.sure || w.per != l.Per || f.use(spec) < 0.94 {
						t.Errorf("%s, %v, %s, seed %d: taken for a bucket: %v; %v long; use %.3f", algorithm, spec, dialect, seed,
							w.filling.sure, w.per, f.use(spec))
					}
				}
			}
		}
	}
}

// TestCoincidenceIsTakenBack: what was taken for a bucket comes back in one step.
func TestCoincidenceIsTakenBack(t *testing.T) {
	w := newWindow("", 0)
	w.setLimit(100, 1)
	w.setLength(10 * time.Second)
	w.filling, w.basis, w.ledger.left = filling{n: fillings, lo: 9 * time.Second, hi: 11 * time.Second, sure: true}, lengthConfirmed, 10
	w.jump(&statement{received: time.Second, remaining: 99}, 900*time.Millisecond)
	if w.filling.sure || !w.filling.never || w.confirmed() {
		t.Errorf("89 calls that came back within 100 ms leave %+v, confirmed %v", w.filling, w.confirmed())
	}
}

// A bucket of 5 that is filled 50 times a second never leaves more than 4. Were the 46 others taken for calls of others,
// 4 calls a second would be sent.
func TestASmallBucketIsNotTakenForTheUseOfOthers(t *testing.T) {
	for seed := range uint64(4) {
		s := study{
			cfg:     DefaultConfig(),
			spec:    destination.Spec{Algorithm: destination.GCRA, Limit: 50, Per: time.Second, Burst: 5},
			dialect: destination.Draft8, rtt: time.Millisecond, within: time.Minute, seed: seed,
		}
		if f := s.run(t); f.use(s.spec) < 0.93 || f.share() > 0.002 {
			t.Errorf("seed %d: use %.3f, refused %.2f%%; want 0.93, 0.2%%", seed, f.use(s.spec), 100*f.share())
		}
	}
}

// Nor is a window that others use taken for a small bucket: they never leave just as much each time.
func TestTheUseOfOthersIsNotTakenForASmallBucket(t *testing.T) {
	for seed := range uint64(4) {
		s := study{
			cfg:     DefaultConfig(),
			spec:    destination.Spec{Algorithm: destination.SlidingLog, Limit: 100, Per: 10 * time.Second},
			dialect: destination.Draft8, rtt: time.Millisecond, within: 5 * time.Minute, foreign: 7, seed: seed,
		}
		for _, w := range s.run(t).budget.windows {
			if w.small.shown() {
				t.Errorf("seed %d: taken for a bucket of %d", seed, w.small.most+1)
			}
		}
	}
}

// What a bucket had saved up is used while its pace is not known yet; that then is no reason to wait until so many have come back.
func TestBucketThatHoldsMoreThanItsPaceIsUsedWithoutAPause(t *testing.T) {
	for seed := range uint64(6) {
		spec := destination.Spec{Algorithm: destination.Bucket, Limit: 100, Per: 10 * time.Second, Burst: 200}
		s := study{
			cfg: DefaultConfig(), spec: spec, dialect: destination.XRateLimitDelta, rtt: 80 * time.Millisecond, noise: 4 * time.Millisecond,
			within: time.Minute, seed: seed, after: time.Duration(seed) * 170 * time.Millisecond,
		}
		if f := s.run(t); f.use(spec) < 1 || f.refused > 0 {
			t.Errorf("seed %d: use %.3f of the first minute, %d refused; want all and none", seed, f.use(spec), f.refused)
		}
	}
}
