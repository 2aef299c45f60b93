package limiter

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// limits are the ones that the bars are held over.
var limits = []Rule{{20, time.Second}, {100, 10 * time.Second}, {10, time.Second}, {100, time.Second}}

// bar is what a study must reach: use of the allowance, and the share of calls refused.
type bar struct{ use, refused float64 }

// hold runs a study for each limit and seed, for 1200 calls or a minute, and holds it to a bar.
func hold(t *testing.T, algorithm destination.Algorithm, told headers, want bar) {
	t.Helper()
	for _, l := range limits {
		for seed := range uint64(2) {
			s := study{
				cfg:  DefaultConfig(),
				spec: destination.Spec{Algorithm: algorithm, Limit: int(l.N), Per: l.Per}, headers: told,
				rtt: time.Millisecond, noise: 5 * time.Millisecond, after: time.Duration(seed) * 370 * time.Millisecond,
				calls: max(1200, int(float64(l.N)*60/l.Per.Seconds())), within: time.Hour, seed: seed,
			}
			f := s.run(t)
			if f.use(s.spec) < want.use || f.share() > want.refused {
				t.Errorf("%s, %s, %d/%v, seed %d: use %.3f, refused %.2f%%; want %.3f, %.2f%%", algorithm, told,
					l.N, l.Per, seed, f.use(s.spec), 100*f.share(), want.use, 100*want.refused)
			}
		}
	}
}

// TestUsesTheAllowanceAndHardlyHearsNo holds every kind of limiter, however it tells its limit, to a bar. A sliding
// counter rounds its estimate up, so that 10/1s is 9/1s in truth; a spacing of 10 ms cannot be kept exactly over a way
// whose length varies by 2.5 ms; both bound what anyone can use.
func TestUsesTheAllowanceAndHardlyHearsNo(t *testing.T) {
	for _, c := range []struct {
		algorithm destination.Algorithm
		bars      map[headers]bar
	}{
		{destination.Fixed, map[headers]bar{
			untold: {0.88, 0.03}, retryAfter: {0.85, 0.03}, deltaSeconds: {0.95, 0}, epochSeconds: {0.95, 0}, policy: {0.98, 0},
		}},
		{destination.FixedFirst, map[headers]bar{
			untold: {0.80, 0.03}, retryAfter: {0.85, 0.03}, deltaSeconds: {0.95, 0}, epochSeconds: {0.85, 0}, policy: {0.98, 0},
		}},
		{destination.SlidingLog, map[headers]bar{
			untold: {0.85, 0.03}, retryAfter: {0.85, 0.03}, deltaSeconds: {0.95, 0}, epochSeconds: {0.85, 0}, policy: {0.98, 0},
		}},
		{destination.SlidingCounter, map[headers]bar{
			untold: {0.85, 0.03}, retryAfter: {0.82, 0.03}, deltaSeconds: {0.85, 0.02}, epochSeconds: {0.85, 0.02},
			policy: {0.87, 0.02},
		}},
		{destination.Bucket, map[headers]bar{
			untold: {0.95, 0.03}, retryAfter: {0.93, 0.03}, deltaSeconds: {0.95, 0}, epochSeconds: {0.95, 0}, policy: {0.98, 0},
		}},
		{destination.GCRA, map[headers]bar{
			untold: {0.95, 0.03}, retryAfter: {0.93, 0.03}, deltaSeconds: {0.95, 0}, epochSeconds: {0.95, 0}, policy: {0.98, 0},
		}},
		{destination.Leaky, map[headers]bar{
			untold: {0.75, 0.03}, retryAfter: {0.70, 0.03}, deltaSeconds: {0.75, 0.03}, epochSeconds: {0.75, 0.03},
			policy: {0.60, 0.03},
		}},
		{destination.Counting, map[headers]bar{
			untold: {0.83, 0.03}, retryAfter: {0.82, 0.03}, deltaSeconds: {0.85, 0.02}, epochSeconds: {0.85, 0.02},
			policy: {0.87, 0.02},
		}},
	} {
		for told, want := range c.bars {
			t.Run(fmt.Sprintf("%s/%s", c.algorithm, told), func(t *testing.T) {
				t.Parallel()
				hold(t, c.algorithm, told, want)
			})
		}
	}
}

// TestWholeSecondResetsDeliver1200InAMinute is the case that whole seconds, rounded up, make hardest: the reset of a
// window of one second is always 1, and says nothing of when the window ends.
func TestWholeSecondResetsDeliver1200InAMinute(t *testing.T) {
	for _, c := range []struct {
		told    headers
		took    time.Duration
		refused int
	}{
		{deltaSeconds, 61500 * time.Millisecond, 3},
		{epochSeconds, 61500 * time.Millisecond, 3},
		{retryAfter, 70 * time.Second, 48},
	} {
		for seed := range uint64(5) {
			s := study{
				cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.Fixed, Limit: 20, Per: time.Second},
				headers: c.told, rtt: time.Millisecond, noise: 5 * time.Millisecond,
				after: time.Duration(seed) * 97 * time.Millisecond, calls: 1200, within: time.Hour, seed: seed,
			}
			if f := s.run(t); f.took > c.took || f.refused > c.refused {
				t.Errorf("%s, seed %d: %d of 1200 in %v, %d refused; want %v, %d", c.told, seed, f.accepted, f.took,
					f.refused, c.took, c.refused)
			}
		}
	}
}

func TestFindsALimitOfCallsAtOnce(t *testing.T) {
	for _, told := range []headers{untold, retryAfter, deltaSeconds} {
		for _, spread := range []float64{0, 0.1, 0.5} {
			for _, trip := range []time.Duration{time.Millisecond, 20 * time.Millisecond} {
				s := study{
					cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.Concurrency, Limit: 4, Per: time.Second},
					headers: told, service: 50 * time.Millisecond, spread: spread,
					rtt: trip, noise: 5 * time.Millisecond, within: 2 * time.Minute, seed: 3,
				}
				f := s.run(t)
				best := 4 / (s.service + s.rtt + s.noise/2).Seconds()
				if use := float64(f.accepted) / f.took.Seconds() / best; use < 0.9 || f.share() > 0.03 {
					t.Errorf("%s, service times ±%.0f%%, round trip %v: use %.3f, refused %.2f%%", told, 100*spread, trip,
						use, 100*f.share())
				}
			}
		}
	}
}
