package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// Of one call at a time whole seconds tell next to nothing; how long its window is shows after two refusals at most, however
// seconds are rounded. A sliding counter that rounds up accepts one call in two windows.
func TestAWindowOfOneCallIsKnownAfterTwoRefusals(t *testing.T) {
	second := destination.Spec{Limit: 1, Per: time.Second}
	for _, c := range []struct {
		algorithm destination.Algorithm
		spec      destination.Spec
		dialect   destination.Dialect
		use       float64
	}{
		{destination.Fixed, second, destination.XRateLimitEpoch, 0.98},
		{destination.Fixed, second, destination.XRateLimitDelta, 0.98},
		{destination.Bucket, second, destination.XRateLimitEpoch, 0.98},
		{destination.Bucket, second, destination.XRateLimitEpochFloor, 0.98},
		{destination.SlidingCounter, second, destination.XRateLimitEpoch, 0.49},
		{destination.SlidingCounter, second, destination.Draft8, 0.49},
		{destination.Leaky, destination.Spec{Limit: 5, Per: 10 * time.Second}, destination.XRateLimitEpochFloor, 0.98},
	} {
		c.spec.Algorithm = c.algorithm
		for seed := range uint64(5) {
			s := study{
				cfg: DefaultConfig(), spec: c.spec, dialect: c.dialect, rtt: 80 * time.Millisecond, noise: 4 * time.Millisecond,
				after: time.Duration(seed) * 170 * time.Millisecond, within: 10 * time.Minute, seed: seed,
			}
			if f := s.run(t); f.use(c.spec) < c.use || f.refused > 2 {
				t.Errorf("%s, %s, seed %d: use %.3f, %d refused; want %.2f and 2 at most", c.algorithm, c.dialect, seed,
					f.use(c.spec), f.refused, c.use)
			}
		}
	}
}

// Where the second is much too long, that shows as soon.
func TestASecondThatIsTooLongForOneCallIsFoundOut(t *testing.T) {
	for _, dialect := range []destination.Dialect{destination.XRateLimitEpoch, destination.XRateLimitDelta} {
		for _, limit := range []int{3, 10, 50} {
			s := study{
				cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.Leaky, Limit: limit, Per: time.Second},
				dialect: dialect, rtt: 20 * time.Millisecond, within: 5 * time.Minute,
			}
			if f := s.run(t); f.use(s.spec) < 0.9 {
				t.Errorf("%s, %d a second: use %.3f, want 0.9", dialect, limit, f.use(s.spec))
			}
		}
	}
}

// The trial begins at some call, if not at the third: the reset of that one may be too near to try.
func TestASecondThatIsTooLongIsFoundOutInWhateverPhase(t *testing.T) {
	for seed := range uint64(30) {
		s := study{
			cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.Leaky, Limit: 100, Per: time.Second},
			dialect: destination.XRateLimitEpoch, rtt: 80 * time.Millisecond, noise: 2 * time.Millisecond,
			after: time.Duration(seed) * 130 * time.Millisecond, within: time.Minute, seed: seed,
		}
		if f := s.run(t); f.use(s.spec) < 0.7 {
			t.Errorf("seed %d: use %.3f, want 0.7", seed, f.use(s.spec))
		}
	}
}

// A refusal that a call of others caused must not halve a lane for good.
func TestAWindowOfOneCallThatWasDoubledIsTriedAgain(t *testing.T) {
	s := study{
		cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.SlidingCounter, Limit: 1, Per: time.Second},
		dialect: destination.Draft8, rtt: time.Millisecond, within: 3 * onceAgain * time.Second,
	}
	if f := s.run(t); f.refused != 2 {
		t.Errorf("%d refused of %d; after %d calls the length is to be tried again, once", f.refused, f.accepted+f.refused, onceAgain)
	}
}

// A bucket of two that is used at its rate never has more than one call missing: that is no sign that it is filled faster.
func TestABucketOfTwoIsNotTakenForAFasterOne(t *testing.T) {
	for seed := range uint64(4) {
		s := study{
			cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.Bucket, Limit: 1, Per: time.Second, Burst: 2},
			dialect: destination.XRateLimitEpoch, rtt: time.Millisecond, noise: 4 * time.Millisecond,
			within: 10 * time.Minute, seed: seed,
		}
		if f := s.run(t); f.use(s.spec) < 0.98 || f.refused > 2 {
			t.Errorf("seed %d: use %.3f, %d refused; want 0.98, 2 at most", seed, f.use(s.spec), f.refused)
		}
	}
}
