package limiter

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// TestHAProxyIsDrivenToItsLimitWithinItsFirstWindow: it says nothing but 429, its window slides by an estimate, and what it
// refuses counts. A probe when the window is just over is still refused, and a pace that is found while room comes back call
// by call is far too low. Measured from the first call on, ten seconds or a window of warm-up included.
func TestHAProxyIsDrivenToItsLimitWithinItsFirstWindow(t *testing.T) {
	for _, c := range []struct {
		limit   Rule
		use     float64
		refused float64
	}{
		{Rule{100, 10 * time.Second}, 0.95, 0.01},
		{Rule{50, 10 * time.Second}, 0.92, 0.021},
		{Rule{20, time.Second}, 0.82, 0.01},
		{Rule{300, time.Minute}, 0.95, 0.016},
		{Rule{50, 5 * time.Second}, 0.93, 0.01},
		{Rule{20, 10 * time.Second}, 0.8, 0.055}, // four of its first 25 calls, and some later: there are no more than a hundred
		{Rule{60, time.Minute}, 0.85, 0.085},
	} {
		for seed := range uint64(5) {
			f := driveReal(t, &haproxy{limit: c.limit.N, per: c.limit.Per.Milliseconds()}, c.limit, seed)
			if f.use < c.use || f.refused > c.refused {
				t.Errorf("%d/%v, seed %d: use %.3f, refused %.2f%%; want %.3f, %.2f%%", c.limit.N, c.limit.Per, seed, f.use,
					100*f.refused, c.use, 100*c.refused)
			}
		}
	}
}

// byTheClock is a window by the clock, of which nothing tells but 429: rack-attack's, and that of many who count in Redis by the minute.
//
// https://github.com/rack/rack-attack#throttling
type byTheClock struct {
	limit, used int64
	per         time.Duration
	begin       time.Time
}

func (c *byTheClock) judge(now time.Time) (bool, []destination.Header) {
	if at := now.Truncate(c.per); at.After(c.begin) {
		c.begin, c.used = at, 0
	}
	c.used++
	return c.used <= c.limit, nil
}

// TestAWindowByTheClockIsFoundInWhateverPhase: where the lane begins late in one, the next is used up at once, and is over later than by
// the first call it would be.
func TestAWindowByTheClockIsFoundInWhateverPhase(t *testing.T) {
	for _, limit := range []Rule{{100, 10 * time.Second}, {50, 5 * time.Second}} {
		for phase := range 20 {
			var accepted float64
			s := study{
				cfg: DefaultConfig(), host: &byTheClock{limit: limit.N, per: limit.Per}, rtt: time.Millisecond, noise: time.Millisecond,
				after: time.Duration(phase) * limit.Per / 20, within: 70 * time.Second, seed: uint64(phase),
			}
			s.judged = func(at time.Duration, ok bool, _ float64) {
				if ok && at >= 10*time.Second {
					accepted++
				}
			}
			if f := s.run(t); accepted < 0.85*600 || f.share() > 0.025 {
				t.Errorf("%d/%v, %s into a window: %.0f of 600, %.2f%% refused", limit.N, limit.Per, s.after, accepted, 100*f.share())
			}
		}
	}
}

// TestRealLimitersAreUsedAsFarAsTheyWere holds those that are not driven to their bars yet to what they were driven to.
func TestRealLimitersAreUsedAsFarAsTheyWere(t *testing.T) {
	ten := Rule{100, 10 * time.Second}
	for _, c := range []struct {
		name    string
		host    func() judge
		limit   Rule
		use     float64
		refused float64
	}{
		{"varnish", func() judge { return &vsthrottle{limit: 100, per: 10} }, ten, 0.62, 0.006},
		{"nginx, 2/s", func() judge {
			return model(t, destination.Spec{Algorithm: destination.Leaky, Limit: 2, Per: time.Second}, destination.NoHeaders)
		}, Rule{2, time.Second}, 0.7, 0.045},
	} {
		for seed := range uint64(3) {
			f := driveReal(t, c.host(), c.limit, seed)
			if f.use < c.use || f.refused > c.refused {
				t.Errorf("%s, seed %d: use %.3f, refused %.2f%%; want %.3f, %.2f%%", c.name, seed, f.use, 100*f.refused, c.use,
					100*c.refused)
			}
		}
	}
}

// TestASlidingCounterByWholeSecondsIsUsedToItsStep: gofiber's counts the window before in full until the first second of a window
// is over, so that a steady sender gets its limit in a second more than its length. What that seems to be is the use of others, and
// a refusal costs the rest of the window.
func TestASlidingCounterByWholeSecondsIsUsedToItsStep(t *testing.T) {
	for _, limit := range []Rule{{100, 10 * time.Second}, {300, 10 * time.Second}, {300, time.Minute}, {1000, time.Minute}} {
		least := 0.965
		if limit.Per < time.Minute {
			least = 0.973
		}
		for seed := range uint64(6) {
			for _, trip := range []time.Duration{200 * time.Microsecond, 80 * time.Millisecond} {
				host := &fiberSliding{limit: limit.N, per: int64(limit.Per / time.Second)}
				f := driveFrom(t, host, limit, trip, time.Millisecond, 0, seed)
				if use := f.late * float64(host.per+1) / float64(host.per); use < least || f.refused > 0.002 {
					t.Errorf("%d/%v from %v away, seed %d: use %.3f, refused %.2f%%", limit.N, limit.Per, trip, seed, use, 100*f.refused)
				}
			}
		}
	}
}

// TestADistanceIsKeptThoughSomethingStandsInTheWay drives nginx without a burst, where lateness that is caught up with is refused:
// with timers that are late as a timerfd is, and as Go's are, and on a machine where every fiftieth way takes 2 ms more. What a
// plain sender can get is 0.99 with the former, and 0.95 with the latter.
func TestADistanceIsKeptThoughSomethingStandsInTheWay(t *testing.T) {
	for _, c := range []struct {
		perSecond int64
		drowsy    time.Duration
		use       float64
	}{
		{100, 200 * time.Microsecond, 0.88}, {100, time.Millisecond, 0.86},
		{10, 200 * time.Microsecond, 0.96}, {10, time.Millisecond, 0.95},
	} {
		for seed := range uint64(4) {
			f := driveOver(t, &nginx{rate: 1000 * c.perSecond}, Rule{c.perSecond, time.Second}, c.drowsy, 0.02, seed)
			if f.use < c.use || f.refused > 0.006 {
				t.Errorf("%d/s, timers late by up to %v, seed %d: use %.3f, refused %.2f%%; want %.3f, 0.6%%", c.perSecond, c.drowsy,
					seed, f.use, 100*f.refused, c.use)
			}
		}
	}
}

// driven is what a real limiter saw: the use of its limit from the first call on, and over the minute after the warm-up; and how
// much it refused in all.
type driven struct{ use, late, refused float64 }

// driveReal drives a model of a real limiter on the same machine, for a window, ten seconds at least, and a minute.
func driveReal(t *testing.T, host judge, limit Rule, seed uint64) driven {
	t.Helper()
	return driveOver(t, host, limit, time.Millisecond, 0, seed)
}

// driveOver does so with timers that are late by as much as drowsy, over ways that something stands in now and then.
func driveOver(t *testing.T, host judge, limit Rule, drowsy time.Duration, stalls float64, seed uint64) driven {
	t.Helper()
	return driveFrom(t, host, limit, 200*time.Microsecond, drowsy, stalls, seed)
}

// driveFrom does so from a round trip away.
func driveFrom(t *testing.T, host judge, limit Rule, trip, drowsy time.Duration, stalls float64, seed uint64) driven {
	t.Helper()
	s := study{
		cfg: DefaultConfig(), host: host, rtt: trip, noise: 400 * time.Microsecond,
		drowsy: drowsy, stalls: stalls, after: time.Duration(seed) * 1970 * time.Millisecond,
		within: max(limit.Per, 10*time.Second) + time.Minute, seed: seed,
	}
	accepted, late, refused := 0.0, 0.0, 0.0
	s.judged = func(at time.Duration, ok bool, _ float64) {
		switch {
		case !ok:
			refused++
		case at >= s.within-time.Minute:
			late++
			fallthrough
		default:
			accepted++
		}
	}
	s.run(t)
	perSecond := float64(limit.N) / limit.Per.Seconds()
	return driven{
		use: accepted / (perSecond * s.within.Seconds()), late: late / (perSecond * time.Minute.Seconds()),
		refused: refused / (accepted + refused),
	}
}
