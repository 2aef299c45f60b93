package schedule

import (
	"testing"
	"time"
)

func TestTheAchievedRateIsThatOfTheLastSeconds(t *testing.T) {
	var c tally
	start := time.Unix(1_800_000_000, 0)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	if got := c.rate(start); got != 0 {
		t.Errorf("before any call: %v", got)
	}
	for i := range 40 { // 20 a second for two seconds
		c.add(at(float64(i) / 20))
	}
	for _, want := range []struct{ at, rate float64 }{{1.95, 20}, {2, 20}, {4, 10}, {10, 4}, {11, 2}, {11.9, 2}, {12, 0}, {1e6, 0}} {
		if got := c.rate(at(want.at)); got != want.rate {
			t.Errorf("after %v s: %v, want %v", want.at, got, want.rate)
		}
	}
	c.add(at(1e6))
	if got := c.rate(at(1e6 + 0.5)); got != 1 {
		t.Errorf("in the first second after a long time: %v, want 1", got)
	}
}
