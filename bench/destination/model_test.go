package destination_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// call is one call of a run, as an oracle sees it.
type call struct {
	at int64 // Unix ns
	ok bool
}

// oracle says whether a call at t is to be accepted after all earlier ones, from the definition of the algorithm and
// the whole history. It is slow and remembers nothing.
type oracle func(spec destination.Spec, earlier []call, t int64) bool

func window(t int64, per time.Duration) *big.Int {
	return new(big.Int).Div(big.NewInt(t), big.NewInt(int64(per))) // Euclidean: rounds down before 1970
}

func inSameWindow(spec destination.Spec, earlier []call, t int64) bool {
	n := 0
	for _, c := range earlier {
		if c.ok && window(c.at, spec.Per).Cmp(window(t, spec.Per)) == 0 {
			n++
		}
	}
	return n < spec.Limit
}

func inFirstWindow(spec destination.Spec, earlier []call, t int64) bool {
	n, end := 0, int64(0)
	for _, c := range earlier {
		if !c.ok {
			continue
		}
		if n == 0 || c.at >= end {
			n, end = 0, c.at+int64(spec.Per)
		}
		n++
	}
	return n == 0 || t >= end || n < spec.Limit
}

func inLastPeriod(spec destination.Spec, earlier []call, t int64) bool {
	n := 0
	for _, c := range earlier {
		if c.ok && c.at > t-int64(spec.Per) {
			n++
		}
	}
	return n < spec.Limit
}

func inWeightedWindows(countRefused bool) oracle {
	return func(spec destination.Spec, earlier []call, t int64) bool {
		here := window(t, spec.Per)
		before := new(big.Int).Sub(here, big.NewInt(1))
		estimate, previous := new(big.Rat), new(big.Rat)
		one := big.NewRat(1, 1)
		for _, c := range earlier {
			switch w := window(c.at, spec.Per); {
			case !c.ok && !countRefused:
			case w.Cmp(here) == 0:
				estimate.Add(estimate, one)
			case w.Cmp(before) == 0:
				previous.Add(previous, one)
			}
		}
		end := new(big.Int).Mul(new(big.Int).Add(here, big.NewInt(1)), big.NewInt(int64(spec.Per)))
		left := new(big.Int).Sub(end, big.NewInt(t))
		share := new(big.Rat).SetFrac(left, big.NewInt(int64(spec.Per)))
		estimate.Add(estimate, previous.Mul(previous, share)).Add(estimate, one)
		return estimate.Cmp(big.NewRat(int64(spec.Limit), 1)) <= 0
	}
}

// underArrivalCurve is what a bucket means: over any time, from any accepted call on, no more calls than the burst and
// what flows in meanwhile.
func underArrivalCurve(burst func(destination.Spec) int) oracle {
	return func(spec destination.Spec, earlier []call, t int64) bool {
		interval := (int64(spec.Per) + int64(spec.Limit) - 1) / int64(spec.Limit)
		n := int64(1)
		for i := len(earlier) - 1; i >= 0; i-- {
			if !earlier[i].ok {
				continue
			}
			if n++; n > int64(burst(spec))+(t-earlier[i].at)/interval {
				return false
			}
		}
		return true
	}
}

var oracles = map[destination.Algorithm]oracle{
	destination.Fixed:          inSameWindow,
	destination.FixedFirst:     inFirstWindow,
	destination.SlidingLog:     inLastPeriod,
	destination.SlidingCounter: inWeightedWindows(false),
	destination.Counting:       inWeightedWindows(true),
	destination.Bucket:         underArrivalCurve(fullBurst),
	destination.GCRA:           underArrivalCurve(fullBurst),
	destination.Leaky:          underArrivalCurve(func(destination.Spec) int { return 1 }),
	destination.LeakyQueue:     underArrivalCurve(fullBurst),
}

func fullBurst(spec destination.Spec) int {
	if spec.Burst > 0 {
		return spec.Burst
	}
	return spec.Limit
}

func specsOf(algorithm destination.Algorithm) []destination.Spec {
	specs := []destination.Spec{
		{Algorithm: algorithm, Limit: 1, Per: time.Second},
		{Algorithm: algorithm, Limit: 5, Per: 10 * time.Second},
		{Algorithm: algorithm, Limit: 20, Per: time.Second},
		{Algorithm: algorithm, Limit: 7, Per: 1001 * time.Millisecond}, // divides nothing evenly
	}
	if algorithm == destination.Bucket || algorithm == destination.GCRA {
		specs = append(specs,
			destination.Spec{Algorithm: algorithm, Limit: 10, Per: time.Second, Burst: 3},
			destination.Spec{Algorithm: algorithm, Limit: 10, Per: time.Second, Burst: 25})
	}
	return specs
}

// arrivals draws n instants: bursts, a steady stream near the limit, rests, and instants that fall on the very edges
// where intervals and windows end.
func arrivals(rnd *rand.Rand, spec destination.Spec, start time.Time, n int) []time.Time {
	interval := spec.Per / time.Duration(spec.Limit)
	at := start.Add(time.Duration(rnd.Int64N(int64(spec.Per))))
	instants := make([]time.Time, 0, n)
	for len(instants) < n {
		switch rnd.IntN(8) {
		case 0: // a burst at one instant
		case 1:
			at = at.Add(1)
		case 2:
			at = at.Add(interval)
		case 3:
			at = at.Truncate(spec.Per).Add(spec.Per)
		case 4:
			at = at.Add(spec.Per)
		case 5:
			at = at.Add(time.Duration(rnd.Int64N(3 * int64(spec.Per))))
		default:
			at = at.Add(time.Duration(rnd.Int64N(2 * int64(interval))))
		}
		for range 1 + rnd.IntN(3) {
			instants = append(instants, at)
		}
	}
	return instants[:n]
}

func mustNew(t testing.TB, spec destination.Spec) *destination.Limiter {
	t.Helper()
	l, err := destination.New(spec)
	if err != nil {
		t.Fatalf("New(%+v): %v", spec, err)
	}
	return l
}

// eachRun calls check with many seeded runs of every algorithm that counts calls over time.
func eachRun(t *testing.T, check func(t *testing.T, spec destination.Spec, instants []time.Time)) {
	for algorithm := range oracles {
		for _, spec := range specsOf(algorithm) {
			t.Run(fmt.Sprintf("%s %s burst %d", algorithm, spec, spec.Burst), func(t *testing.T) {
				for seed := range uint64(25) {
					rnd := rand.New(rand.NewPCG(seed, 1))
					start := epoch
					if seed == 0 {
						start = time.Unix(-5, 0) // windows must not fold at the origin of the clock
					}
					check(t, spec, arrivals(rnd, spec, start, 20+rnd.IntN(100)))
				}
			})
		}
	}
}

func TestModelsDecideAsTheirDefinitions(t *testing.T) {
	eachRun(t, func(t *testing.T, spec destination.Spec, instants []time.Time) {
		limiter, decide := mustNew(t, spec), oracles[spec.Algorithm]
		var earlier []call
		for i, at := range instants {
			want := decide(spec, earlier, at.UnixNano())
			if peeked := limiter.Peek(at).OK; peeked != want {
				t.Fatalf("call %d at %s: Peek says %v, the definition %v", i, at, peeked, want)
			}
			if got := limiter.Allow(at).OK; got != want {
				t.Fatalf("call %d at %s: Allow says %v, the definition %v", i, at, got, want)
			}
			earlier = append(earlier, call{at.UnixNano(), want})
		}
	})
}

func TestRemainingIsWhatIsAcceptedAtOnce(t *testing.T) {
	eachRun(t, func(t *testing.T, spec destination.Spec, instants []time.Time) {
		limiter := mustNew(t, spec)
		var v destination.Verdict
		for _, at := range instants {
			v = limiter.Allow(at)
		}
		accepted := 0
		for limiter.Allow(instants[len(instants)-1]).OK {
			accepted++
		}
		if accepted != v.Remaining || v.Remaining > v.Limit {
			t.Fatalf("accepted %d more calls at once, Remaining said %d of %d", accepted, v.Remaining, v.Limit)
		}
	})
}

func TestRetryAfterIsTheFirstInstantThatIsAccepted(t *testing.T) {
	eachRun(t, func(t *testing.T, spec destination.Spec, instants []time.Time) {
		limiter := mustNew(t, spec)
		for _, at := range instants {
			limiter.Allow(at)
		}
		last := instants[len(instants)-1]
		v := limiter.Allow(last)
		for v.OK {
			v = limiter.Allow(last)
		}
		if v.RetryAfter <= 0 {
			t.Fatalf("a refused call is told to retry after %s", v.RetryAfter)
		}
		if limiter.Peek(last.Add(v.RetryAfter - 1)).OK {
			t.Fatalf("accepted 1 ns before RetryAfter %s", v.RetryAfter)
		}
		if !limiter.Peek(last.Add(v.RetryAfter)).OK {
			t.Fatalf("refused at RetryAfter %s", v.RetryAfter)
		}
	})
}

func TestAfterResetWithoutCallsAllowanceIsBack(t *testing.T) {
	eachRun(t, func(t *testing.T, spec destination.Spec, instants []time.Time) {
		limiter := mustNew(t, spec)
		var v destination.Verdict
		for _, at := range instants {
			v = limiter.Allow(at)
		}
		later := limiter.Peek(instants[len(instants)-1].Add(v.ResetAfter))
		want := v.Limit
		switch spec.Algorithm {
		case destination.SlidingCounter, destination.Counting:
			return // the end of a window is where its calls only begin to fade
		case destination.SlidingLog:
			want = min(v.Limit, v.Remaining+1)
		}
		if later.Remaining < want {
			t.Fatalf("%s after the last call %d remain, want %d", v.ResetAfter, later.Remaining, want)
		}
	})
}
