package limiter

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// limits are the ones that the bars are held over.
var limits = []Rule{{20, time.Second}, {100, 10 * time.Second}}

// bar is what a study must reach: use of the allowance, and the share of calls refused.
type bar struct{ use, refused float64 }

// hold runs a study for each limit, for ten minutes, its beginning included, and holds it to a bar.
func hold(t *testing.T, algorithm destination.Algorithm, told headers, want bar) {
	t.Helper()
	for seed, l := range limits {
		s := study{
			cfg:  DefaultConfig(),
			spec: destination.Spec{Algorithm: algorithm, Limit: int(l.N), Per: l.Per}, headers: told,
			rtt: time.Millisecond, noise: 5 * time.Millisecond, after: 370 * time.Millisecond,
			within: 10 * time.Minute, seed: uint64(seed),
		}
		f := s.run(t)
		if f.use(s.spec) < want.use || f.share() > want.refused {
			t.Errorf("%s, %s, %d/%v: use %.3f, refused %.2f%%; want %.3f, %.2f%%", algorithm, told, l.N, l.Per,
				f.use(s.spec), 100*f.share(), want.use, 100*want.refused)
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
			untold: {0.96, 0.004}, retryAfter: {0.965, 0.003}, deltaSeconds: {0.99, 0}, epochSeconds: {0.99, 0}, policy: {0.99, 0},
		}},
		{destination.FixedFirst, map[headers]bar{
			untold: {0.96, 0.005}, retryAfter: {0.955, 0.003}, deltaSeconds: {0.99, 0}, epochSeconds: {0.48, 0}, policy: {0.99, 0},
		}},
		{destination.SlidingLog, map[headers]bar{
			untold: {0.96, 0.004}, retryAfter: {0.945, 0.003}, deltaSeconds: {0.99, 0}, epochSeconds: {0.98, 0}, policy: {0.99, 0},
		}},
		{destination.SlidingCounter, map[headers]bar{
			untold: {0.92, 0.004}, retryAfter: {0.91, 0.003}, deltaSeconds: {0.935, 0.0005}, epochSeconds: {0.935, 0.0005}, policy: {0.935, 0.0005},
		}},
		{destination.Bucket, map[headers]bar{
			untold: {0.985, 0.004}, retryAfter: {0.985, 0.003}, deltaSeconds: {0.99, 0}, epochSeconds: {0.99, 0}, policy: {0.99, 0},
		}},
		{destination.GCRA, map[headers]bar{
			untold: {0.985, 0.004}, retryAfter: {0.985, 0.003}, deltaSeconds: {0.99, 0}, epochSeconds: {0.99, 0}, policy: {0.99, 0},
		}},
		{destination.Leaky, map[headers]bar{
			untold: {0.915, 0.004}, retryAfter: {0.89, 0.003}, deltaSeconds: {0.915, 0.004}, epochSeconds: {0.915, 0.004}, policy: {0.925, 0.002},
		}},
		{destination.Counting, map[headers]bar{
			untold: {0.91, 0.008}, retryAfter: {0.91, 0.003}, deltaSeconds: {0.935, 0.0005}, epochSeconds: {0.935, 0.0005}, policy: {0.935, 0.0005},
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

// TestAnUnknownLimitIsKnownWithinItsFirstWindows holds the first minute, in which nothing is known of a destination that
// says nothing but 429, to most of what it allows.
func TestAnUnknownLimitIsKnownWithinItsFirstWindows(t *testing.T) {
	for _, spec := range []destination.Spec{
		{Algorithm: destination.FixedFirst, Limit: 100, Per: 10 * time.Second},
		{Algorithm: destination.SlidingLog, Limit: 100, Per: 10 * time.Second},
		{Algorithm: destination.Bucket, Limit: 100, Per: 10 * time.Second},
		{Algorithm: destination.GCRA, Limit: 100, Per: 10 * time.Second, Burst: 10},
		{Algorithm: destination.SlidingLog, Limit: 60, Per: 30 * time.Second},
		{Algorithm: destination.Leaky, Limit: 10, Per: time.Second},
	} {
		for seed := range uint64(5) {
			s := study{
				cfg: DefaultConfig(), spec: spec, headers: untold, rtt: time.Millisecond, noise: 5 * time.Millisecond,
				after: time.Duration(seed) * 1970 * time.Millisecond, within: time.Minute, seed: seed,
			}
			if f := s.run(t); f.use(spec) < 0.85 || f.refused > 16 {
				t.Errorf("%s %d/%v, seed %d: use %.3f in the first minute, %d refused; want 0.85 and 16 at most",
					spec.Algorithm, spec.Limit, spec.Per, seed, f.use(spec), f.refused)
			}
		}
	}
}

// TestASlowHostIsFoundByFewRefusals holds an hour with a host of half a call, and of one call, a second to half a percent of
// refusals: of so few calls that is no more than the search for their pace takes.
func TestASlowHostIsFoundByFewRefusals(t *testing.T) {
	for _, c := range []struct {
		spec    destination.Spec
		told    headers
		refused int
	}{
		{destination.Spec{Algorithm: destination.Bucket, Limit: 5, Per: 10 * time.Second}, untold, 9},
		{destination.Spec{Algorithm: destination.Bucket, Limit: 5, Per: 10 * time.Second}, retryAfter, 9},
		{destination.Spec{Algorithm: destination.Fixed, Limit: 5, Per: 10 * time.Second}, untold, 10},
		{destination.Spec{Algorithm: destination.SlidingLog, Limit: 5, Per: 10 * time.Second}, retryAfter, 9},
		{destination.Spec{Algorithm: destination.Bucket, Limit: 1, Per: time.Second}, untold, 18},
	} {
		for seed := range uint64(3) {
			s := study{
				cfg: DefaultConfig(), spec: c.spec, headers: c.told, rtt: 80 * time.Millisecond, noise: 4 * time.Millisecond,
				after: time.Duration(seed) * 2970 * time.Millisecond, within: time.Hour, seed: seed,
			}
			if f := s.run(t); f.use(c.spec) < 0.955 || f.refused > c.refused {
				t.Errorf("%s %d/%v, %s, seed %d: use %.3f, %d refused; want 0.955, %d", c.spec.Algorithm, c.spec.Limit, c.spec.Per,
					c.told, seed, f.use(c.spec), f.refused, c.refused)
			}
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
					rtt: trip, noise: 5 * time.Millisecond, within: 10 * time.Minute, seed: 3,
				}
				f := s.run(t)
				best := 4 / (s.service + s.rtt + s.noise/2).Seconds()
				want := 0.87
				if told == retryAfter { // each refusal costs a pause of a second, so places are tried for but slowly
					want = 0.66
				}
				if use := float64(f.accepted) / f.took.Seconds() / best; use < want || f.share() > 0.005 {
					t.Errorf("%s, service times ±%.0f%%, round trip %v: use %.3f, refused %.2f%%", told, 100*spread, trip,
						use, 100*f.share())
				}
			}
		}
	}
}
