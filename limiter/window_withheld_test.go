package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// A sliding counter that rounds up counts a call more than we do, and then not, and so on. Taken for the use of others, that
// hid why it refuses, each second or two for ever.
func TestRoundingIsNotTakenForTheUseOfOthers(t *testing.T) {
	for seed := range uint64(12) {
		s := study{
			cfg:     DefaultConfig(),
			spec:    destination.Spec{Algorithm: destination.SlidingCounter, Limit: 20, Per: time.Second},
			dialect: destination.XRateLimitDelta, rtt: time.Millisecond, noise: 4 * time.Millisecond,
			after: time.Duration(seed) * 83 * time.Millisecond, within: 5 * time.Minute, seed: seed,
		}
		if f := s.run(t); f.use(s.spec) < 0.94 || f.refused > 4 {
			t.Errorf("seed %d: use %.3f, %d refused; want 0.94 and 4 at most", seed, f.use(s.spec), f.refused)
		}
	}
}

// What others were thought to use a while ago does not hide why a small one refuses now.
func TestASmallSlidingCounterRefusesOnceOrTwice(t *testing.T) {
	for seed := range uint64(20) {
		s := study{
			cfg:     DefaultConfig(),
			spec:    destination.Spec{Algorithm: destination.SlidingCounter, Limit: 5, Per: 10 * time.Second},
			dialect: destination.XRateLimitEpochFloor, rtt: time.Millisecond, noise: 4 * time.Millisecond,
			after: time.Duration(seed) * 517 * time.Millisecond, within: 10 * time.Minute, seed: seed,
		}
		if f := s.run(t); f.refused > 2 {
			t.Errorf("seed %d: %d refused, want 2 at most", seed, f.refused)
		}
	}
}
