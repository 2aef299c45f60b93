package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// TestABucketThatHoldsLittleIsFoundByWhatRemains: its limit is what it holds, as throttled tells it, and whole seconds tell nothing of how
// fast it is filled: 2 that come back 20 a second look like 2 a second. What remains shows it, without a refusal.
func TestABucketThatHoldsLittleIsFoundByWhatRemains(t *testing.T) {
	for _, c := range []struct {
		spec         destination.Spec
		use, refused float64
	}{
		{destination.Spec{Limit: 5, Per: time.Second, Burst: 2}, 0.92, 0},
		{destination.Spec{Limit: 20, Per: time.Second, Burst: 2}, 0.78, 0},
		{destination.Spec{Limit: 50, Per: time.Second, Burst: 3}, 0.87, 0},
		{destination.Spec{Limit: 100, Per: time.Second, Burst: 6}, 0.88, 0},
		{destination.Spec{Limit: 5, Per: time.Second, Burst: 11}, 0.97, 0},
		{destination.Spec{Limit: 60, Per: time.Minute, Burst: 6}, 0.95, 0},
		{destination.Spec{Limit: 30, Per: time.Minute, Burst: 6}, 0.93, 0},
		{destination.Spec{Limit: 120, Per: time.Minute, Burst: 8}, 0.94, 0},
		{destination.Spec{Limit: 300, Per: time.Minute, Burst: 21}, 0.97, 0},
	} {
		c.spec.Algorithm = destination.GCRA
		for seed := range uint64(3) {
			s := study{
				cfg: DefaultConfig(), spec: c.spec, headers: deltaSeconds, rtt: 20 * time.Millisecond, noise: 3 * time.Millisecond,
				after: time.Duration(seed) * 1970 * time.Millisecond, within: 2 * time.Minute, seed: seed,
			}
			if f := s.run(t); f.use(c.spec) < c.use || f.share() > c.refused {
				t.Errorf("%d of %d/%v, seed %d: use %.3f, %.2f%% refused; want %.2f and %.2f%%", c.spec.Burst, c.spec.Limit, c.spec.Per, seed,
					f.use(c.spec), 100*f.share(), c.use, 100*c.refused)
			}
		}
	}
}

// TestWhatIsFullThoughLittleIsSentSaysNothing: only calls at the pace show that a bucket is filled faster.
func TestWhatIsFullThoughLittleIsSentSaysNothing(t *testing.T) {
	for _, every := range []time.Duration{time.Second, time.Minute} {
		w := newWindow("test", 0)
		w.setLimit(10, 1)
		w.setLength(5 * time.Second)
		w.basis, w.filling.sure = lengthMeasured, true
		for n := range 200 {
			at := time.Duration(n) * every
			w.drained(&statement{sent: at, received: at, accepted: true, limit: 10, remaining: 9})
		}
		if w.per != 5*time.Second {
			t.Errorf("a call every %v: taken to be filled in %v, want 5s", every, w.per)
		}
	}
}
