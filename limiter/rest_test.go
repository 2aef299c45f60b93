package limiter

import (
	"testing"
	"time"
)

func TestABudgetIsBlankOnlyWhenItWouldDoAsANewOne(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	call := func(b *Budget, at time.Time, o Observation) {
		b.Start(at)
		o.Sent, o.Received = at, at.Add(20*time.Millisecond)
		b.Observe(o.Received, o)
	}
	told := &Hint{N: 1}
	told.Windows[0] = Window{
		Limit: 100, Remaining: 42, HasReset: true, ResetAt: start.Add(30 * time.Second), ResetRaw: 30, ResetForm: DeltaSeconds,
		Reset: Interval{Lo: start.Add(29 * time.Second), Hi: start.Add(30 * time.Second)}, Unit: UnitRequests, Source: "X-RateLimit-*",
	}
	day := Config{Windows: []Rule{{N: 1000, Per: 24 * time.Hour}}}
	for _, c := range []struct {
		name  string
		cfg   Config
		seen  Observation
		after time.Duration
		want  Rest
	}{
		{"used a while ago", DefaultConfig(), Observation{Status: 200}, 9 * time.Minute, Counting},
		{"used long ago", DefaultConfig(), Observation{Status: 200}, 11 * time.Minute, Blank},
		{"told a limit", DefaultConfig(), Observation{Status: 200, Hint: told}, 11 * time.Minute, Learned},
		{"refused", DefaultConfig(), Observation{Status: 429}, time.Hour, Counting}, // the next call is a probe
		{"a call of the day counts", day, Observation{Status: 200}, 23 * time.Hour, Counting},
		{"the day is over", day, Observation{Status: 200}, 25 * time.Hour, Learned},
	} {
		b := New(c.cfg, start)
		call(b, start, c.seen)
		if got := b.Rest(start.Add(c.after)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	b := New(DefaultConfig(), start)
	b.Start(start)
	if got := b.Rest(start.Add(time.Hour)); got != Counting {
		t.Errorf("with a call in flight: %d, want %d", got, Counting)
	}
}
