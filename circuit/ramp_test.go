package circuit

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// back returns a breaker that has just closed after an outage, and when.
func back(t *testing.T, cfg Config) (*Breaker, time.Time) {
	t.Helper()
	b, until := opened(t, cfg)
	for range DefaultProbes {
		call(t, b, until, Success)
	}
	return b, until
}

// ramped sends with a backlog at a known rate while a host comes back, woken late by up to a jitter, and returns when each
// call began.
func ramped(b *Breaker, closed time.Time, rate float64, length, jitter time.Duration) (at []time.Duration) {
	random := rand.New(rand.NewPCG(1, 2))
	var pace Pace
	gap := time.Duration(float64(time.Second) / rate)
	for now := closed; now.Sub(closed) < length; {
		if next := b.NextStart(now, Part{}, rate, &pace); next.After(now) {
			now = next
			if jitter > 0 {
				now = now.Add(time.Duration(random.Int64N(int64(jitter))))
			}
			continue
		}
		pace.Began(now)
		at = append(at, now.Sub(closed))
		if b.Share(now, Part{}) == 1 { // from here on the limit's own pace holds
			now = now.Add(gap)
		}
	}
	return at
}

func TestAHostComesBackToNineTenthsOfItsRateWithinTheRampAndNeverAboveIt(t *testing.T) {
	for _, rate := range []float64{2, 20, 333, 5000} {
		for _, jitter := range []time.Duration{0, 2 * time.Millisecond} {
			b, closed := back(t, Config{})
			perSecond := make([]float64, 35)
			for _, at := range ramped(b, closed, rate, 35*time.Second, jitter) {
				perSecond[int(at.Seconds())]++
			}
			for i, n := range perSecond {
				share := shareAt(float64(i+1), 30)
				if n > math.Ceil(rate*share)+1 {
					t.Errorf("%v/s, late by %v: %v calls in second %d, want at most %v", rate, jitter, n, i, rate*share)
				}
				if before := shareAt(float64(i), 30); n < math.Floor(0.95*rate*before)-1 {
					t.Errorf("%v/s, late by %v: %v calls in second %d, want nearly %v", rate, jitter, n, i, rate*before)
				}
			}
			if perSecond[29] < 0.9*rate-1 {
				t.Errorf("%v/s: %v in the thirtieth second, want nine tenths", rate, perSecond[29])
			}
		}
	}
}

func TestASlowLaneWaitsNoLongerThanTheRamp(t *testing.T) {
	b, closed := back(t, Config{})
	var pace Pace
	if at := b.NextStart(closed, Part{}, 1.0/3600, &pace); at.Sub(closed) > DefaultRamp {
		t.Errorf("its next call begins after %v", at.Sub(closed))
	}
}

func TestALaneWithoutALimitComesBackByAThousandASecond(t *testing.T) {
	b, closed := back(t, Config{})
	var pace Pace
	calls := 0
	for now := closed; now.Before(closed.Add(time.Second)); {
		if next := b.NextStart(now, Part{}, math.Inf(1), &pace); next.After(now) {
			now = next
			continue
		}
		pace.Began(now)
		calls++
	}
	if calls < 100 || calls > 200 {
		t.Errorf("%d calls in the first second", calls)
	}
}

func TestThereIsNoRampWithoutAnOutageOrWhereNoneIsWanted(t *testing.T) {
	none, closed := back(t, Config{Ramp: NoRamp})
	over, long := back(t, Config{})
	for name, c := range map[string]struct {
		b   *Breaker
		now time.Time
	}{"never open": {New(Config{}), start}, "not wanted": {none, closed}, "over": {over, long.Add(DefaultRamp)}} {
		if at := c.b.NextStart(c.now, Part{}, 1, new(Pace)); at.After(c.now) || c.b.Share(c.now, Part{}) != 1 || c.b.Ramping(c.now) {
			t.Errorf("%s: the next call begins %v later", name, at.Sub(c.now))
		}
	}
}

func TestAPartThatComesBackIsRampedAlone(t *testing.T) {
	b := New(Config{})
	for passes(b, eu, start) {
		callOf(t, b, us, start, Success)
		callOf(t, b, eu, start, Failure)
	}
	at := b.ReadyAt(start, eu)
	for range DefaultProbes {
		callOf(t, b, eu, at, Success)
	}
	restored := New(Config{})
	restored.Restore(b.Snapshot(), at)
	for _, b := range []*Breaker{b, restored} {
		if b.Share(at, eu) != firstShare || b.Share(at, us) != 1 || !b.Ramping(at) {
			t.Errorf("shares %v and %v, ramping %t", b.Share(at, eu), b.Share(at, us), b.Ramping(at))
		}
		if b.Ramping(at.Add(DefaultRamp)) {
			t.Error("it comes back for longer than the ramp")
		}
	}
}
