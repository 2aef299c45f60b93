package limiter

import (
	"testing"
	"time"
)

// TestDoubledLatencyForbidsGrowth uses all of its rate, and is never refused: only the round trip speaks against growth.
func TestDoubledLatencyForbidsGrowth(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name  string
		trips []time.Duration // second by second
		grows bool
	}{
		{"steady", []time.Duration{10 * ms, 10 * ms, 10 * ms, 10 * ms}, true},
		{"a half longer", []time.Duration{10 * ms, 15 * ms, 15 * ms, 15 * ms}, true},
		{"doubled, below what timers are off", []time.Duration{2 * ms, 4 * ms, 5 * ms, 6 * ms}, true},
		{"doubled each second", []time.Duration{10 * ms, 25 * ms, 50 * ms, 100 * ms}, false},
	} {
		b := New(Config{Start: 10}, epoch)
		now := epoch
		rates := []float64{}
		for second, trip := range c.trips {
			for end := epoch.Add(time.Duration(second+1) * time.Second); now.Before(end); {
				at, why := b.ReadyAt(now)
				if why != Ready {
					now = at
					continue
				}
				b.Start(now)
				b.Observe(now.Add(trip), Observation{Sent: now, Received: now.Add(trip), Status: 200})
				now = now.Add(trip)
			}
			rates = append(rates, b.View(now).Rate)
		}
		if first, last := rates[1], rates[len(rates)-1]; (last >= 2*first) != c.grows {
			t.Errorf("%s: rates %v at the ends of the seconds; to grow: %v", c.name, rates, c.grows)
		}
	}
}

func TestSlownessThatStaysIsUsual(t *testing.T) {
	var r rtt
	for range rttSamples {
		r.add(10 * time.Millisecond)
	}
	r.doubled()
	for range 10 * rttSamples {
		r.add(40 * time.Millisecond)
	}
	seconds := 0
	for r.doubled() {
		if seconds++; seconds > slowSeconds {
			t.Fatalf("four times as long is still unusual after %d seconds", seconds)
		}
	}
	if seconds < 3 {
		t.Errorf("four times as long was unusual for %d seconds only", seconds)
	}
}

// TestSureIsNoMoreThanTheWayTook holds what permits are given back early by to the shortest round trip.
func TestSureIsNoMoreThanTheWayTook(t *testing.T) {
	var r rtt
	for i := range 3 * rttSamples {
		if i < rttSamples && r.sure() != 0 {
			t.Fatalf("sure of %v after %d round trips", r.sure(), i)
		}
		r.add(time.Duration(20+i%7) * time.Millisecond)
	}
	if r.sure() <= 0 || r.sure() > 20*time.Millisecond {
		t.Errorf("sure of %v, where the shortest took 20ms", r.sure())
	}
}
