package limiter

import (
	"strconv"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// djangoRest is Django REST framework's throttling: the calls of the time before each, exactly. It tells Retry-After, in whole
// seconds rounded up, on refusals.
//
// https://github.com/encode/django-rest-framework/blob/master/rest_framework/throttling.py
type djangoRest struct {
	limit    int
	per      time.Duration
	accepted []time.Time
}

func (d *djangoRest) judge(now time.Time) (bool, []destination.Header) {
	for len(d.accepted) > 0 && !d.accepted[0].After(now.Add(-d.per)) {
		d.accepted = d.accepted[1:]
	}
	if len(d.accepted) == d.limit {
		return false, asks(d.per - now.Sub(d.accepted[0]))
	}
	d.accepted = append(d.accepted, now)
	return true, nil
}

// traefik is Traefik's rate limit: a bucket that lends half a token. It tells when the next one is there, on refusals.
//
// https://github.com/traefik/traefik/blob/master/pkg/middlewares/ratelimiter/in_memory_limiter.go
type traefik struct {
	rate, burst float64 // tokens per second; tokens
	tokens      float64
	last        time.Time
}

func (b *traefik) judge(now time.Time) (bool, []destination.Header) {
	if b.last.IsZero() {
		b.tokens, b.last = b.burst, now
	}
	b.tokens = min(b.burst, b.tokens+now.Sub(b.last).Seconds()*b.rate)
	b.last = now
	if b.tokens < 0.5 {
		in := time.Duration((1 - b.tokens) / b.rate * float64(time.Second))
		return false, append(asks(in), destination.Header{Name: "X-Retry-In", Value: in.String()})
	}
	b.tokens--
	return true, nil
}

// asks is a Retry-After in whole seconds.
func asks(d time.Duration) []destination.Header {
	return []destination.Header{{Name: "Retry-After", Value: strconv.FormatInt(int64(wholeSeconds(d)/time.Second), 10)}}
}

// TestAShortPauseThatIsAskedForLeavesTheLevelNearThePace: what was accepted since the first call is far less than what the pace
// grew to, and a pause of a second, the least that can be told in whole ones, says nothing of a window. Measured from the first
// call on, the beginning included.
func TestAShortPauseThatIsAskedForLeavesTheLevelNearThePace(t *testing.T) {
	for _, c := range []struct {
		name  string
		host  func() judge
		limit Rule
		use   float64
	}{
		{"Traefik, 100 a second", func() judge { return &traefik{rate: 100, burst: 50} }, Rule{100, time.Second}, 0.93},
		{"Traefik, 10 a second", func() judge { return &traefik{rate: 10, burst: 1} }, Rule{10, time.Second}, 0.97},
		{"Django REST framework, 20 a second", func() judge { return &djangoRest{limit: 20, per: time.Second} }, Rule{20, time.Second}, 0.795},
	} {
		for seed := range uint64(5) {
			f := driveReal(t, c.host(), c.limit, seed)
			if f.use < c.use || f.refused > 0.01 {
				t.Errorf("%s, seed %d: use %.3f, refused %.2f%%", c.name, seed, f.use, 100*f.refused)
			}
		}
	}
}
