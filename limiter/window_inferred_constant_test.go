package limiter

import (
	"strconv"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// constantly is a destination that asks for the same time whenever it refuses, whatever is left of its window.
type constantly struct {
	host    judge
	seconds int
}

func (c *constantly) judge(now time.Time) (bool, []destination.Header) {
	ok, _ := c.host.judge(now)
	if ok {
		return true, nil
	}
	return false, []destination.Header{{Name: "Retry-After", Value: strconv.Itoa(c.seconds)}}
}

// TestAConstantPauseIsNoWindowsRest: five seconds that are asked for whenever a call is refused cost those five seconds each time. So
// the limit is searched for by few refusals. Measured over a minute after ten seconds.
func TestAConstantPauseIsNoWindowsRest(t *testing.T) {
	bucket := func(n int, per time.Duration, burst int) func() judge {
		return func() judge {
			spec := destination.Spec{Algorithm: destination.Bucket, Limit: n, Per: per, Burst: burst}
			return &constantly{model(t, spec, destination.NoHeaders), 5}
		}
	}
	log := func() judge {
		spec := destination.Spec{Algorithm: destination.SlidingLog, Limit: 20, Per: time.Second}
		return &constantly{model(t, spec, destination.NoHeaders), 5}
	}
	throttle := func(n int64, per time.Duration) func() judge {
		return func() judge { return &vsthrottle{limit: n, per: per.Seconds()} }
	}
	for _, c := range []struct {
		name    string
		host    func() judge
		limit   Rule
		use     float64
		refused float64
	}{
		{"Varnish", throttle(100, 10*time.Second), Rule{100, 10 * time.Second}, 0.97, 0.004},
		{"Varnish of 15", throttle(15, 10*time.Second), Rule{15, 10 * time.Second}, 0.91, 0.021},
		{"Varnish of a minute", throttle(600, time.Minute), Rule{600, time.Minute}, 0.85, 0.003},
		{"Varnish of a second", throttle(20, time.Second), Rule{20, time.Second}, 0.6, 0.005},
		{"a bucket", bucket(100, 10*time.Second, 0), Rule{100, 10 * time.Second}, 0.97, 0.004},
		{"a small bucket", bucket(10, time.Second, 20), Rule{10, time.Second}, 0.86, 0.006},
		{"a fast bucket", bucket(50, time.Second, 50), Rule{50, time.Second}, 0.77, 0.002},
		{"a window of a second", log, Rule{20, time.Second}, 0.99, 0.002},
	} {
		for seed := range uint64(4) {
			if f := driveReal(t, c.host(), c.limit, seed); f.late < c.use || f.refused > c.refused {
				t.Errorf("%s, seed %d: use %.3f, refused %.2f%%; want %.2f, %.1f%%", c.name, seed, f.late, 100*f.refused, c.use,
					100*c.refused)
			}
		}
	}
}

// TestASecondThatIsNeverEnoughIsNoWindow: who asks for a second whenever it refuses has a window of any length, and is called as if it
// asked for nothing.
func TestASecondThatIsNeverEnoughIsNoWindow(t *testing.T) {
	for _, limit := range []Rule{{20, 10 * time.Second}, {50, 5 * time.Second}, {60, time.Minute}, {600, time.Minute}} {
		for seed := range uint64(4) {
			spec := destination.Spec{Algorithm: destination.SlidingLog, Limit: int(limit.N), Per: limit.Per}
			f := driveReal(t, &constantly{model(t, spec, destination.NoHeaders), 1}, limit, seed)
			if f.late < 0.75 || f.refused > 0.075 {
				t.Errorf("%d/%v, seed %d: use %.3f, refused %.2f%%; want 0.75, 7.5%%", limit.N, limit.Per, seed, f.late, 100*f.refused)
			}
		}
	}
}

// TestARestThatIsRoundByChanceIsNoConstant: the next refusal asks for another time.
func TestARestThatIsRoundByChanceIsNoConstant(t *testing.T) {
	b := New(DefaultConfig(), epoch)
	r := refuser{limit: 100, per: 10 * time.Second, after: true}
	from := epoch.Add(2 * time.Second) // its first refusal asks for five seconds
	accepted, refused := r.drive(b, from, 10*time.Minute)
	if use := float64(accepted) / 6000; use < 0.97 || refused > 8 {
		t.Errorf("use %.3f, %d refused", use, refused)
	}
}

// TestARestThatIsRoundByChanceDoesNotPutOffATrial: who asked for another time before asks for what is left of a window, and a trial
// whether more is allowed by now costs no more than that. So a limit that was raised is found within five minutes at any phase.
func TestARestThatIsRoundByChanceDoesNotPutOffATrial(t *testing.T) {
	for phase := range 20 {
		from := epoch.Add(time.Duration(3*phase) * time.Second)
		b := New(DefaultConfig(), from)
		r := refuser{limit: 600, per: time.Minute, after: true}
		r.drive(b, from, 20*time.Minute)
		r.limit = 1500
		now := from.Add(20 * time.Minute)
		r.drive(b, now, 6*time.Minute)
		if accepted, _ := r.drive(b, now.Add(6*time.Minute), 5*time.Minute); float64(accepted) < 0.9*5*1500 {
			t.Errorf("first called %v after an edge: %d of 7500 accepted from the sixth minute after a limit of 600 was raised", from.Sub(epoch), accepted)
		}
	}
}
