package limiter

import (
	"testing"
	"time"
)

func TestGuessLength(t *testing.T) {
	for _, c := range []struct{ reset, want time.Duration }{
		{0, time.Second},
		{950 * time.Millisecond, time.Second},
		{1100 * time.Millisecond, time.Second},
		{1200 * time.Millisecond, 2 * time.Second},
		{3 * time.Second, 5 * time.Second},
		{10500 * time.Millisecond, 10 * time.Second},
		{59 * time.Second, time.Minute},
		{14 * time.Minute, 15 * time.Minute},
		{20 * time.Hour, 24 * time.Hour},
		{365 * 24 * time.Hour, maxWindow},
	} {
		if got := guessLength(c.reset); got != c.want {
			t.Errorf("guessLength(%v) = %v, want %v", c.reset, got, c.want)
		}
	}
}
