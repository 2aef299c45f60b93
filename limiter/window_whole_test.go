package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// TestAWindowIsNotTakenForTheNextLongerOne: five seconds are told as six where they are rounded up, which is nearer to ten, and one as
// two; but its first call tells its whole length, and it is whole again too often.
func TestAWindowIsNotTakenForTheNextLongerOne(t *testing.T) {
	for _, limit := range []Rule{{10, 5 * time.Second}, {50, 5 * time.Second}, {20, time.Second}, {50, time.Second}} {
		for _, algorithm := range []destination.Algorithm{destination.Fixed, destination.FixedFirst} {
			for _, trip := range []time.Duration{time.Millisecond, 80 * time.Millisecond} {
				for seed := range uint64(6) {
					s := study{
						cfg:     DefaultConfig(),
						spec:    destination.Spec{Algorithm: algorithm, Limit: int(limit.N), Per: limit.Per},
						dialect: destination.XRateLimitEpoch, rtt: trip, noise: time.Millisecond,
						after: time.Duration(seed) * 370 * time.Millisecond, within: time.Minute, seed: seed,
					}
					f := s.run(t)
					if w := f.budget.windows[0]; w.per != limit.Per || f.use(s.spec) < 0.93 || f.refused > 0 {
						t.Errorf("%s, %d/%v from %v away, seed %d: taken to be %v long; use %.3f, %d refused", algorithm, limit.N, limit.Per,
							trip, seed, w.per, f.use(s.spec), f.refused)
					}
				}
			}
		}
	}
}

// TestAWindowIsAsLongAfterARestartAsBefore: what remained is remembered, but not of which call.
func TestAWindowIsAsLongAfterARestartAsBefore(t *testing.T) {
	for seed := range uint64(12) {
		s := study{
			cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.Fixed, Limit: 20, Per: time.Second},
			dialect: destination.XRateLimitDelta, rtt: time.Millisecond, within: 20 * time.Second, seed: seed,
		}
		for i := range 9 {
			s.crashes = append(s.crashes, time.Duration(i+1)*(1900+time.Duration(seed)*17)*time.Millisecond)
		}
		if f := s.run(t); f.budget.windows[0].per != time.Second || f.refused > 0 {
			t.Errorf("seed %d: taken to be %v long; %d refused", seed, f.budget.windows[0].per, f.refused)
		}
	}
}
