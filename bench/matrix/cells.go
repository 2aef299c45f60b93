package matrix

import (
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// What chosen cells have in common unless they are about it.
const (
	chosenJitter  = 2 * time.Millisecond
	chosenWorkers = 64
	callService   = 50 * time.Millisecond // where calls at once are limited
	callSpread    = 0.2
	foreignShare  = 0.3
	farSkew       = 90 * time.Second
)

var (
	per1s   = limits(destination.Spec{Limit: 1, Per: time.Second})
	per10s5 = limits(destination.Spec{Limit: 5, Per: 10 * time.Second})
	per1s20 = limits(destination.Spec{Limit: 20, Per: time.Second})
	per10s  = limits(destination.Spec{Limit: 100, Per: 10 * time.Second})
	per60s  = limits(destination.Spec{Limit: 600, Per: time.Minute})
	per1s1c = limits(destination.Spec{Limit: 100, Per: time.Second})
)

func limits(specs ...destination.Spec) []destination.Spec { return specs }

// by makes limits of specs that leave the algorithm out.
func by(a destination.Algorithm, specs []destination.Spec) []destination.Spec {
	specs = slices.Clone(specs)
	for i := range specs {
		specs[i].Algorithm = a
	}
	return specs
}

// bursting are limits by a bucket or its like that holds so many times the limit; 0: one call.
func bursting(a destination.Algorithm, times int, specs []destination.Spec) []destination.Spec {
	specs = by(a, specs)
	for i := range specs {
		specs[i].Burst = max(1, times*specs[i].Limit)
	}
	return specs
}

// set gathers cells; what is not said of a cell is as chosen.
type set struct{ cells []Cell }

// roundTrips are the two that the chosen cells come with.
var roundTrips = []time.Duration{time.Millisecond, 80 * time.Millisecond}

// add adds a cell for each dialect and round trip, after changes to it.
func (s *set) add(l []destination.Spec, rtts []time.Duration, changes func(*Cell), dialects ...destination.Dialect) {
	for _, d := range dialects {
		for _, rtt := range rtts {
			c := Cell{Limits: l, Dialect: d, Workers: chosenWorkers, RTT: rtt, Jitter: chosenJitter}
			if changes != nil {
				changes(&c)
			}
			if c.is(destination.Concurrency) {
				c.Service, c.Spread = callService, callSpread
			}
			s.cells = append(s.cells, c)
		}
	}
}

// shapes are the algorithms that refuse by time, with every kind of burst.
func shapes(specs []destination.Spec) [][]destination.Spec {
	return [][]destination.Spec{
		by(destination.Fixed, specs), by(destination.FixedFirst, specs), by(destination.SlidingLog, specs),
		by(destination.SlidingCounter, specs), by(destination.Bucket, specs), bursting(destination.Bucket, 0, specs),
		bursting(destination.Bucket, 2, specs), by(destination.GCRA, specs), by(destination.Leaky, specs),
		by(destination.LeakyQueue, specs),
	}
}

// Chosen returns the cells that the bars are held over: every algorithm, limit and dialect at least once, and those
// together that are met together.
func Chosen() []Cell {
	var s set
	near, far := roundTrips[:1], roundTrips[1:]
	advertised := slices.DeleteFunc(destination.Dialects(), func(d destination.Dialect) bool { return !d.Advertises() })
	s.add(by(destination.Fixed, per10s), roundTrips, nil, advertised...)
	for _, l := range shapes(per10s)[1:] {
		s.add(l, roundTrips, nil, destination.XRateLimitDelta, destination.XRateLimitEpoch, destination.Draft8)
	}
	for i, l := range shapes(per60s) {
		s.add(l, roundTrips[i%2:i%2+1], nil, destination.XRateLimitSeconds, destination.Draft6)
	}
	for i, l := range shapes(per10s5) {
		s.add(l, roundTrips[(i+1)%2:(i+1)%2+1], nil, destination.XRateLimitEpochFloor, destination.Draft7)
	}
	for _, l := range shapes(per1s20) {
		s.add(l, roundTrips, nil, destination.XRateLimitDelta, destination.Draft8)
	}
	for i, specs := range [][]destination.Spec{per1s, per1s1c} {
		for j, l := range shapes(specs) {
			s.add(l, roundTrips[(i+j)%2:(i+j)%2+1], nil, destination.XRateLimitEpoch, destination.Draft8)
		}
	}
	s.variations()

	refusing := []destination.Dialect{destination.RetryAfterFloor, destination.RetryAfterWindow,
		destination.RetryAfterDate, destination.RetryAfterAlways, destination.XRateLimitCounts}
	for _, l := range shapes(per10s) {
		s.add(l, roundTrips, nil, destination.NoHeaders, destination.RetryAfterOnly)
	}
	s.add(by(destination.Fixed, per10s), roundTrips, nil, refusing...)
	for _, specs := range [][]destination.Spec{per10s5, per1s20, per60s, per1s, per1s1c} {
		for _, a := range []destination.Algorithm{destination.Fixed, destination.SlidingLog, destination.Bucket} {
			s.add(by(a, specs), far, nil, destination.NoHeaders, destination.RetryAfterOnly)
		}
	}

	shared := func(c *Cell) { c.Shared = foreignShare }
	for i, specs := range [][]destination.Spec{per10s, per60s} {
		for _, a := range []destination.Algorithm{destination.Fixed, destination.FixedFirst, destination.SlidingLog,
			destination.SlidingCounter, destination.Bucket, destination.GCRA} {
			s.add(by(a, specs), roundTrips[i%2:], shared, destination.XRateLimitEpoch, destination.Draft8)
		}
	}
	s.add(by(destination.Fixed, per10s5), far, shared, destination.XRateLimitEpoch)
	s.add(by(destination.Fixed, per10s), far, shared, destination.RetryAfterOnly)

	for _, change := range []float64{0.4, 2.5} {
		changed := func(c *Cell) { c.Change = change }
		for _, l := range [][]destination.Spec{by(destination.Fixed, per10s), by(destination.SlidingLog, per10s),
			by(destination.Bucket, per10s), by(destination.Fixed, per1s20), by(destination.GCRA, per60s)} {
			s.add(l, far, changed, destination.XRateLimitDelta, destination.Draft8, destination.NoHeaders,
				destination.RetryAfterOnly)
		}
		s.add(by(destination.Fixed, per60s), near, changed, destination.XRateLimitEpoch, destination.RetryAfterOnly)
	}

	for _, n := range []int{4, 16, 40} {
		s.add(limits(destination.Spec{Algorithm: destination.Concurrency, Limit: n, Per: time.Second}), roundTrips, nil,
			destination.NoHeaders, destination.RetryAfterOnly, destination.XRateLimitDelta, destination.Draft8)
	}
	for i, specs := range [][]destination.Spec{per1s20, per10s, per60s} {
		s.add(by(destination.Counting, specs), roundTrips[i%2:], nil,
			destination.NoHeaders, destination.RetryAfterOnly, destination.XRateLimitEpoch)
	}
	return s.cells
}

// variations are what is tried on a few cells only.
func (s *set) variations() {
	far := roundTrips[1:]
	fixed, bucket := by(destination.Fixed, per10s), by(destination.Bucket, per1s20)
	for _, change := range []func(*Cell){
		func(c *Cell) { c.Workers = 1 },
		func(c *Cell) { c.Workers = 8 },
		func(c *Cell) { c.Jitter = 0 },
		func(c *Cell) { c.Jitter = 10 * time.Millisecond },
		func(c *Cell) { c.SuccessOnly = true },
		func(c *Cell) { c.Skew = farSkew },
	} {
		s.add(fixed, far, change, destination.XRateLimitEpoch)
		s.add(bucket, far, change, destination.XRateLimitEpoch, destination.Draft8)
	}
	s.add(fixed, roundTrips, func(c *Cell) { c.Skew = farSkew }, destination.XRateLimitEpochFloor,
		destination.RetryAfterDate)
	s.add(by(destination.Fixed, per60s), far, func(c *Cell) { c.Skew = farSkew }, destination.XRateLimitEpoch)

	second := destination.Spec{Limit: 20, Per: time.Second}
	minute := destination.Spec{Limit: 600, Per: time.Minute}
	for _, a := range []destination.Algorithm{destination.Fixed, destination.SlidingLog} {
		s.add(by(a, limits(second, minute)), far, nil, destination.XRateLimitEpoch, destination.Draft6,
			destination.Draft8, destination.RetryAfterOnly)
	}
	day := destination.Spec{Limit: 3000, Per: 24 * time.Hour}
	s.add(by(destination.Fixed, limits(destination.Spec{Limit: 60, Per: time.Minute}, day)), far, nil,
		destination.XRateLimitEpoch, destination.Draft8)
}
