package limiter

import (
	"math"
	"strconv"
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

// nearest is a sliding counter that rounds to the nearest: the last call of its limit is allowed now and then, and remains, as it seems.
//
// https://github.com/go-chi/httprate
type nearest struct {
	limit       int64
	per         time.Duration
	used, since int64 // of the window by the clock, and of the one before
	begin       time.Time
}

func (c *nearest) judge(now time.Time) (bool, []destination.Header) {
	if at := now.Truncate(c.per); !at.Equal(c.begin) {
		c.since, c.used = c.used, 0
		if at.Sub(c.begin) > c.per {
			c.since = 0
		}
		c.begin = at
	}
	part := float64(c.per-now.Sub(c.begin)) / float64(c.per)
	counted := int64(math.Round(float64(c.since)*part)) + c.used
	left, ok := max(0, c.limit-counted-1), counted < c.limit
	if ok {
		c.used++
	}
	header := func(name string, value int64) destination.Header {
		return destination.Header{Name: name, Value: strconv.FormatInt(value, 10)}
	}
	said := []destination.Header{
		header("X-RateLimit-Limit", c.limit), header("X-RateLimit-Remaining", left), header("X-RateLimit-Reset", c.begin.Add(c.per).Unix()),
	}
	if !ok {
		said = append(said, header("Retry-After", 1))
	}
	return ok, said
}

// TestACallThatIsKeptBackNowAndThenIsTriedEverLessOften: it remains, for the counter rounds it off, and is refused a while after it was
// given back.
func TestACallThatIsKeptBackNowAndThenIsTriedEverLessOften(t *testing.T) {
	for _, limit := range []Rule{{10, time.Second}, {20, time.Second}} {
		for seed := range uint64(4) {
			f := driveReal(t, &nearest{limit: limit.N, per: limit.Per}, limit, seed)
			if f.use < 0.86 || f.refused > 0.006 {
				t.Errorf("%d/%v, seed %d: use %.3f, refused %.2f%%; want 0.86, 0.6%%", limit.N, limit.Per, seed, f.use, 100*f.refused)
			}
		}
	}
}
