package limiter

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// symfony is a limiter of Symfony 5.4's RateLimiter component, which tells as its documentation does: X-RateLimit-Limit and
// -Remaining, and X-RateLimit-Retry-After in epoch seconds, rounded down.
type symfony struct {
	limit, hits, before int
	per                 time.Duration
	ends                time.Time // of the window or, of a bucket, when it is next filled
	decide              func(*symfony, time.Time) (bool, []destination.Header)
}

func (s *symfony) judge(now time.Time) (bool, []destination.Header) { return s.decide(s, now) }

func (s *symfony) says(ok bool, remaining int, retry time.Time) (bool, []destination.Header) {
	return ok, []destination.Header{
		{Name: "X-RateLimit-Remaining", Value: strconv.Itoa(remaining)},
		{Name: "X-RateLimit-Retry-After", Value: strconv.FormatInt(retry.Unix(), 10)},
		{Name: "X-RateLimit-Limit", Value: strconv.Itoa(s.limit)},
	}
}

// fixed begins a window with the first call after the last one; an accepted call may be made again now.
func (s *symfony) fixed(now time.Time) (bool, []destination.Header) {
	if now.After(s.ends) {
		s.ends, s.hits = now.Add(s.per), 0
	}
	if s.hits == s.limit {
		wait := time.Duration(math.Ceil(s.ends.Sub(now).Seconds())) * time.Second
		return s.says(false, 0, now.Add(wait))
	}
	s.hits++
	return s.says(true, s.limit-s.hits, now)
}

// bucket is filled at once, an interval after it was the last time. Whatever is left of that, a refused call is to wait for all
// of it.
func (s *symfony) bucket(now time.Time) (bool, []destination.Header) {
	if s.ends.IsZero() {
		s.ends = now.Add(s.per)
	}
	for !now.Before(s.ends) {
		s.ends, s.hits = s.ends.Add(s.per), 0
	}
	if s.hits == s.limit {
		return s.says(false, 0, now.Add(s.per))
	}
	s.hits++
	return s.says(true, s.limit-s.hits, now)
}

// sliding weighs the last window's calls by how much of it is still within the time; both accepted and refused calls are told
// when the window ends.
func (s *symfony) sliding(now time.Time) (bool, []destination.Header) {
	switch {
	case now.After(s.ends.Add(s.per)):
		s.ends, s.hits, s.before = now.Add(s.per), 0, 0
	case now.After(s.ends):
		s.ends, s.hits, s.before = s.ends.Add(s.per), 0, s.hits
	}
	counted := func() int {
		part := 1 - min(1, now.Sub(s.ends.Add(-s.per)).Seconds()/s.per.Seconds())
		return int(float64(s.before)*part + float64(s.hits))
	}
	if counted() >= s.limit {
		return s.says(false, s.limit-counted(), s.ends)
	}
	s.hits++
	return s.says(true, s.limit-counted(), s.ends)
}

// TestSymfonysLimitersAreLearnedFromWhatTheyTell: what an accepted call's X-RateLimit-Retry-After says of a sliding window's end
// saves the first refusal; the other two are known when they come back, for they tell of time when they refuse only, the bucket of a
// whole interval whenever that is.
func TestSymfonysLimitersAreLearnedFromWhatTheyTell(t *testing.T) {
	for name, c := range map[string]struct {
		decide  func(*symfony, time.Time) (bool, []destination.Header)
		refused int
	}{
		"fixed": {(*symfony).fixed, 0}, "bucket": {(*symfony).bucket, 0}, "sliding": {(*symfony).sliding, 0},
	} {
		for _, rule := range []symfony{{limit: 100, per: 10 * time.Second}, {limit: 600, per: time.Minute}} {
			for seed := range uint64(5) {
				model, late := rule, 0 // what was accepted in the five lengths after the first two
				model.decide = c.decide
				s := study{
					cfg: DefaultConfig(), rtt: time.Millisecond, noise: 4 * time.Millisecond, within: 7 * rule.per, seed: seed,
					after: time.Duration(seed) * 370 * time.Millisecond, host: &model,
				}
				s.judged = func(at time.Duration, ok bool, _ float64) {
					if ok && at >= 2*rule.per {
						late++
					}
				}
				f := s.run(t)
				if use := float64(late) / float64(5*rule.limit); use < 0.98 || f.refused > c.refused {
					t.Errorf("%s of %d per %s, seed %d: use %.3f, %d refused", name, rule.limit, rule.per, seed, use, f.refused)
				}
			}
		}
	}
}

// TestAnAcceptedCallsRetryAfterIsNoEndOfAWindowThatTellsItsOwn, nor is an instant that is over, nor a plain Retry-After.
func TestAnAcceptedCallsRetryAfterIsNoEndOfAWindowThatTellsItsOwn(t *testing.T) {
	later := strconv.FormatInt(epoch.Add(7*time.Second).Unix(), 10)
	for name, c := range map[string]struct {
		fields map[string]string
		ends   time.Duration // from now; 0: it is not told
	}{
		"to come":         {map[string]string{"X-RateLimit-Retry-After": later}, 7 * time.Second},
		"in seconds":      {map[string]string{"X-RateLimit-Retry-After": "7"}, 7 * time.Second},
		"now":             {map[string]string{"X-RateLimit-Retry-After": strconv.FormatInt(epoch.Unix(), 10)}, 0},
		"no number":       {map[string]string{"X-RateLimit-Retry-After": "null"}, 0},
		"Retry-After":     {map[string]string{"Retry-After": "7"}, 0},
		"beside an end":   {map[string]string{"X-RateLimit-Retry-After": later, "X-RateLimit-Reset": "3"}, 3 * time.Second},
		"beside a length": {map[string]string{"X-RateLimit-Retry-After": later, "X-RateLimit-Policy": "100;w=60"}, 0},
	} {
		said := headerCase{Status: 200, Headers: c.fields, Now: epoch}
		said.Headers["X-RateLimit-Limit"], said.Headers["X-RateLimit-Remaining"] = "100", "60"
		h := said.read(&Reader{}, false)
		w := h.Windows[0]
		if ends := w.ResetAt.Sub(epoch); h.N != 1 || w.HasReset != (c.ends > 0) || c.ends > 0 && ends != c.ends || h.HasRetryAfter {
			t.Errorf("%s: %+v", name, h)
		}
	}
}
