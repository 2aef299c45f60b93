package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// A destination may tell of its limit and what remains with every answer, and of time only when it refuses. Its window is
// as long as from the first call that it counts to the reset, and is used from then on as if that had been told at first.
func TestAWindowWhoseTimeIsToldOnRefusalsIsLearnedFromOne(t *testing.T) {
	for _, c := range []struct {
		spec    destination.Spec
		within  time.Duration
		use     float64
		refused int
	}{
		{destination.Spec{Algorithm: destination.FixedFirst, Limit: 100, Per: 10 * time.Second}, 2 * time.Minute, 0.97, 4},
		{destination.Spec{Algorithm: destination.FixedFirst, Limit: 600, Per: time.Minute}, 5 * time.Minute, 0.97, 4},
		{destination.Spec{Algorithm: destination.Fixed, Limit: 600, Per: time.Minute}, 10 * time.Minute, 0.97, 6},
		{destination.Spec{Algorithm: destination.FixedFirst, Limit: 1000, Per: 5 * time.Minute}, 30 * time.Minute, 0.97, 4},
	} {
		for seed := range uint64(4) {
			s := study{
				cfg: DefaultConfig(), spec: c.spec, dialect: destination.XRateLimitCounts, rtt: time.Millisecond, noise: 2 * time.Millisecond,
				after: time.Duration(seed) * 7 * time.Second, within: c.within, seed: seed,
			}
			if f := s.run(t); f.use(s.spec) < c.use || f.refused > c.refused {
				t.Errorf("%s of %d per %s, seed %d: use %.3f, %d refused; want %.2f, %d", c.spec.Algorithm, c.spec.Limit, c.spec.Per, seed,
					f.use(s.spec), f.refused, c.use, c.refused)
			}
		}
	}
}

// What remains of a window shows how long it is when it comes back, without a refusal: in its first length where calls are slow enough
// for that, else the last few are kept for the instants at which windows end that people choose.
func TestAWindowThatTellsWhatRemainsIsKnownWhenItComesBack(t *testing.T) {
	for _, c := range []struct {
		spec   destination.Spec
		within time.Duration
		use    float64
	}{
		{destination.Spec{Algorithm: destination.FixedFirst, Limit: 100, Per: time.Second}, time.Minute, 0.9},
		{destination.Spec{Algorithm: destination.Fixed, Limit: 100, Per: time.Second}, time.Minute, 0.9},
		{destination.Spec{Algorithm: destination.FixedFirst, Limit: 100, Per: 10 * time.Second}, 2 * time.Minute, 0.98},
		{destination.Spec{Algorithm: destination.FixedFirst, Limit: 300, Per: time.Minute}, 5 * time.Minute, 0.98},
	} {
		for seed := range uint64(4) {
			for _, rtt := range []time.Duration{time.Millisecond, 80 * time.Millisecond} {
				s := study{
					cfg: DefaultConfig(), spec: c.spec, dialect: destination.XRateLimitCounts, rtt: rtt, noise: 2 * time.Millisecond,
					after: time.Duration(seed) * 7300 * time.Millisecond, within: c.within, seed: seed,
				}
				if f := s.run(t); f.use(s.spec) < c.use || f.refused > 0 {
					t.Errorf("%s of %d per %s, %v away, seed %d: use %.3f, %d refused; want %.2f, none", c.spec.Algorithm, c.spec.Limit,
						c.spec.Per, rtt, seed, f.use(s.spec), f.refused, c.use)
				}
			}
		}
	}
}

// Where so few are allowed that none can be kept for the ends of all lengths, refusals find the end, and are not taken for the word of a
// pace once the length is known.
func TestASmallWindowThatTellsWhatRemainsIsFoundByProbesAtItsEnd(t *testing.T) {
	for _, algorithm := range []destination.Algorithm{destination.FixedFirst, destination.Fixed, destination.SlidingLog} {
		for seed := range uint64(4) {
			s := study{
				cfg: DefaultConfig(), spec: destination.Spec{Algorithm: algorithm, Limit: 20, Per: 10 * time.Second},
				dialect: destination.XRateLimitCounts, rtt: 20 * time.Millisecond, noise: 2 * time.Millisecond,
				after: time.Duration(seed) * 2300 * time.Millisecond, within: 5 * time.Minute, seed: seed,
			}
			if f := s.run(t); f.use(s.spec) < 0.9 || f.refused > 7 {
				t.Errorf("%s, seed %d: use %.3f, %d refused; want 0.9, 7", algorithm, seed, f.use(s.spec), f.refused)
			}
		}
	}
}

// What a sliding window counts leaves it as it came: little is left when the length of it is over, and that is no bucket. Measured from the
// first call on, the length that it takes to learn it included.
func TestASlidingWindowThatTellsWhatRemainsIsNoBucket(t *testing.T) {
	for _, spec := range []destination.Spec{
		{Algorithm: destination.SlidingLog, Limit: 100, Per: time.Minute},
		{Algorithm: destination.SlidingLog, Limit: 600, Per: time.Minute},
		{Algorithm: destination.SlidingLog, Limit: 50, Per: 5 * time.Second},
	} {
		for seed := range uint64(4) {
			s := study{
				cfg: DefaultConfig(), spec: spec, dialect: destination.XRateLimitCounts, rtt: 20 * time.Millisecond, noise: 2 * time.Millisecond,
				after: time.Duration(seed) * 7300 * time.Millisecond, within: 10 * time.Minute, seed: seed,
			}
			if f := s.run(t); f.use(s.spec) < 0.97 || f.refused > 2 {
				t.Errorf("%d per %s, seed %d: use %.3f, %d refused; want 0.97, 2", spec.Limit, spec.Per, seed, f.use(s.spec), f.refused)
			}
		}
	}
}

func TestAsManyCallsAreKeptAsThereAreLengthsToLookFor(t *testing.T) {
	n := 0
	for _, l := range lengths {
		if l <= mostKept {
			n++
		}
	}
	if n != mostLooks {
		t.Errorf("%d lengths are looked for, and %d calls kept", n, mostLooks)
	}
}
