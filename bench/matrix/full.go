package matrix

import (
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// Full returns all combinations that make sense: every algorithm, limit and dialect with every road and every way the
// limit is shared or changes; the sender's caps and the server's clock, which matter to few, with an otherwise plain
// cell.
func Full() []Cell {
	var s set
	for _, specs := range [][]destination.Spec{per10s5, per1s20, per10s, per60s, per1s, per1s1c} {
		for _, l := range append(shapes(specs), by(destination.Counting, specs)) {
			s.combinations(l)
		}
	}
	for _, n := range []int{4, 16, 40} {
		s.combinations(limits(destination.Spec{Algorithm: destination.Concurrency, Limit: n, Per: time.Second}))
	}
	return s.cells
}

func (s *set) combinations(l []destination.Spec) {
	byTime := l[0].Algorithm != destination.Concurrency
	for _, jitter := range []time.Duration{0, chosenJitter, 10 * time.Millisecond} {
		s.add(l, roundTrips, func(c *Cell) { c.Jitter = jitter }, destination.Dialects()...)
		if !byTime {
			continue
		}
		s.add(l, roundTrips, func(c *Cell) { c.Jitter, c.Shared = jitter, foreignShare }, destination.Dialects()...)
		for _, change := range []float64{0.4, 2.5} {
			if scaled(l[0].Limit, change) == l[0].Limit {
				continue // of one call nothing is less
			}
			s.add(l, roundTrips, func(c *Cell) { c.Jitter, c.Change = jitter, change }, destination.Dialects()...)
		}
	}
	for _, workers := range []int{1, 8} {
		s.add(l, roundTrips, func(c *Cell) { c.Workers = workers }, destination.Dialects()...)
	}
	if !byTime {
		return
	}
	s.add(l, roundTrips, func(c *Cell) { c.Skew = farSkew }, destination.RetryAfterDate, destination.XRateLimitEpoch,
		destination.XRateLimitEpochFloor, destination.XRateLimitEpochMs)
	for _, d := range destination.Dialects() {
		if d.Advertises() {
			s.add(l, roundTrips, func(c *Cell) { c.SuccessOnly = true }, d)
		}
	}
}
