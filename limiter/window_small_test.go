package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

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
			if w.small >= smallLimit {
				t.Errorf("seed %d: taken for a bucket of %d", seed, w.most+1)
			}
		}
	}
}
