package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// oxy is the limiter of vulcand/oxy: a bucket that tells on refusals when the next token is there, and nothing in whole seconds.
//
// https://github.com/vulcand/oxy/blob/master/ratelimit/tokenlimiter.go
type oxy struct {
	rate, burst float64 // tokens per second; tokens
	tokens      float64
	last        time.Time
}

func (o *oxy) judge(now time.Time) (bool, []destination.Header) {
	if o.last.IsZero() {
		o.tokens, o.last = o.burst, now
	}
	o.tokens = min(o.burst, o.tokens+now.Sub(o.last).Seconds()*o.rate)
	o.last = now
	if o.tokens < 1 {
		in := time.Duration((1 - o.tokens) / o.rate * float64(time.Second))
		return false, []destination.Header{{Name: "X-Retry-In", Value: in.String()}}
	}
	o.tokens--
	return true, nil
}

// TestABucketThatTellsWhenItsNextTokenIsThereRefusesFewCalls: the pause is that of a token, and the pace was far above that of the
// tokens: up to ten of 350 calls were refused before that was found.
func TestABucketThatTellsWhenItsNextTokenIsThereRefusesFewCalls(t *testing.T) {
	for _, c := range []struct {
		name  string
		host  func() judge
		limit int64
		most  float64 // refused calls
	}{
		{"oxy, bucket of 5", func() judge { return &oxy{rate: 5, burst: 5} }, 5, 2},
		{"oxy, bucket of 10", func() judge { return &oxy{rate: 5, burst: 10} }, 5, 2},
		{"oxy, bucket of 20", func() judge { return &oxy{rate: 10, burst: 20} }, 10, 4},
		{"Traefik, bucket of 10", func() judge { return &traefik{rate: 10, burst: 10} }, 10, 3},
		{"Traefik, bucket of 20", func() judge { return &traefik{rate: 10, burst: 20} }, 10, 4},
	} {
		for seed := range uint64(5) {
			f := driveReal(t, c.host(), Rule{c.limit, time.Second}, seed)
			if calls := float64(c.limit) * 75; f.late < 0.97 || f.refused*calls > c.most+0.5 {
				t.Errorf("%s, %d a second, seed %d: use %.3f, %.1f calls refused; want %.0f", c.name, c.limit, seed, f.late, f.refused*calls, c.most)
			}
		}
	}
}

// TestATokensPaceIsTakenOnlyOfALaneThatWasBusy: what was not used between two refusals was saved up, and the calls between are fewer
// than the tokens that came.
func TestATokensPaceIsTakenOnlyOfALaneThatWasBusy(t *testing.T) {
	at := curve{level: 20, depth: 0.1}
	const trip = time.Millisecond
	for _, c := range []struct {
		name      string
		n         int32
		sent, due time.Duration // after the first instant
		want      float32
	}{
		{"every other call refused", 1, 60 * time.Millisecond, 200 * time.Millisecond, 5},
		{"two of three accepted", 2, 110 * time.Millisecond, 200 * time.Millisecond, 10},
		{"idle between", 1, 2 * time.Second, 2100 * time.Millisecond, 0},
		{"as fast as the curve", 4, 210 * time.Millisecond, 215 * time.Millisecond, 0},
		{"too near to tell", 1, time.Millisecond, 20 * time.Millisecond, 0},
		{"nothing accepted", 0, 60 * time.Millisecond, 200 * time.Millisecond, 0},
	} {
		d := drip{due: time.Minute, n: c.n}
		if d.told(time.Minute+c.sent, time.Minute+c.due, &at, trip); d.pace != c.want {
			t.Errorf("%s: %g tokens a second, want %g", c.name, d.pace, c.want)
		}
	}
}
