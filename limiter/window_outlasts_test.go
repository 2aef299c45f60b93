package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// Who begins where others call all the time hears of short resets only: the first of the calls that a sliding window counts leaves it soon.
func TestSlidingWindowThatOthersUsedBeforeIsFoundAsLongAsItIs(t *testing.T) {
	for _, spec := range []destination.Spec{
		{Algorithm: destination.SlidingLog, Limit: 100, Per: 10 * time.Second},
		{Algorithm: destination.SlidingLog, Limit: 600, Per: time.Minute},
	} {
		for seed := range uint64(6) {
			s := study{
				cfg: DefaultConfig(), spec: spec, dialect: destination.XRateLimitEpoch, rtt: 80 * time.Millisecond, noise: 4 * time.Millisecond,
				after: time.Duration(seed) * 83 * time.Millisecond, within: 10 * time.Minute, seed: seed,
				foreign: 3, already: spec.Per,
			}
			f := s.run(t)
			if w := f.budget.windows[0]; w.per != spec.Per || f.share() > 0.015 || f.use(spec) < 0.6 {
				t.Errorf("%d per %s, seed %d: taken for %s; use %.3f, %d refused", spec.Limit, spec.Per, seed, w.per, f.use(spec), f.refused)
			}
		}
	}
}

// A length that refusals made too long, which were for what others did, is taken back by what is counted.
func TestWindowOutlastsNoLongerThanItsCountAllows(t *testing.T) {
	w := newWindow("X-RateLimit-*", 0)
	w.setLimit(100, 1)
	w.setLength(10 * time.Second)
	w.sliding.fades, w.ledger.foreign, w.others.rate = fadesNeeded, 40, 3
	for range overuseRefusals {
		w.outlasts(time.Minute)
	}
	if w.per != 15*time.Second {
		t.Fatalf("%d refusals within its length leave it at %s, want 15s", overuseRefusals, w.per)
	}
	w.overstays(&statement{limit: 100, remaining: 3}, 100)
	if w.per != 15*time.Second {
		t.Errorf("97 counted where 100 are ours are rounding; it is %s", w.per)
	}
	w.overstays(&statement{limit: 100, remaining: 10}, 100)
	if w.per != 10*time.Second {
		t.Errorf("90 counted where 100 are ours within it: it is %s, want 10s", w.per)
	}
}
