package limiter

import (
	"reflect"
	"testing"
	"time"
)

func TestARenewedBudgetIsAsANewOne(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := New(Config{Windows: []Rule{{N: 1000, Per: 24 * time.Hour}}}, now)
	for range 3 {
		b.Start(now)
		now = now.Add(time.Second)
		b.Observe(now, Observation{Sent: now, Received: now, Status: 429})
	}
	b.Renew(DefaultConfig(), now)
	if want := New(DefaultConfig(), now); !reflect.DeepEqual(b, want) {
		t.Errorf("%+v, want %+v", b, want)
	}
}

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
		{"refused", DefaultConfig(), Observation{Status: 429}, 2 * time.Hour, Learned}, // the next call is a probe
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

// TestWhatReturnsLetsThroughWhatItWouldHave sends bursts through a budget that rested, and through one that took up its snapshot.
func TestWhatReturnsLetsThroughWhatItWouldHave(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	told := func(at time.Time) *Hint {
		h := &Hint{N: 1}
		h.Windows[0] = Window{
			Limit: 20, Remaining: 19, HasReset: true, ResetAt: at.Add(10 * time.Second), ResetRaw: 10, ResetForm: DeltaSeconds,
			Reset: Interval{Lo: at.Add(9 * time.Second), Hi: at.Add(10 * time.Second)}, Unit: UnitRequests, Source: "X-RateLimit-*",
			Length: 10 * time.Second,
		}
		return h
	}
	began := func(b *Budget, from time.Time, n int) (at []time.Time) {
		for now := from; len(at) < n; {
			ready, why := b.ReadyAt(now)
			if why != Ready {
				now = ready
				continue
			}
			b.Start(now)
			at = append(at, now)
			b.Observe(now, Observation{Sent: now, Received: now, Status: 200, Hint: told(now)})
		}
		return at
	}
	kept := New(DefaultConfig(), start)
	began(kept, start, 60)
	later := start.Add(time.Hour)
	if rest := kept.Rest(later); rest != Learned {
		t.Fatalf("after an hour it is %d, want %d", rest, Learned)
	}
	s := kept.Snapshot(later)
	if !s.AtRest(later.Add(time.Hour)) {
		t.Error("its snapshot does not rest")
	}
	back, unsure := New(DefaultConfig(), later.Add(time.Hour)), New(DefaultConfig(), later.Add(time.Hour))
	back.Return(s, later.Add(time.Hour))
	unsure.Restore(s, later.Add(time.Hour))
	want, got := began(kept, later.Add(time.Hour), 50), began(back, later.Add(time.Hour), 50)
	for i := range want {
		if d := got[i].Sub(want[i]); d < 0 || d > 10*time.Millisecond {
			t.Fatalf("call %d begins at %s, where it had stayed at %s", i, got[i].Format("05.000"), want[i].Format("05.000"))
		}
	}
	if after := began(unsure, later.Add(time.Hour), 50); !after[20].After(got[20]) {
		t.Error("after a crash it is not taken into account that more may have been sent")
	}
}

func TestASnapshotRestsOnceNothingOfItCounts(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	soon := at.Add(30 * time.Minute).UnixMilli()
	for _, c := range []struct {
		name  string
		saved Snapshot
		after time.Duration
		want  bool
	}{
		{"used lately", Snapshot{}, 9 * time.Minute, false},
		{"used long ago", Snapshot{}, 11 * time.Minute, true},
		{"paused", Snapshot{Pause: soon}, 29 * time.Minute, false},
		{"the pause is over", Snapshot{Pause: soon}, 31 * time.Minute, true},
		{"a window is used up", Snapshot{Windows: []SavedWindow{{Until: soon}}}, 29 * time.Minute, false},
		{"calls count", Snapshot{Windows: []SavedWindow{{Used: []SavedSlot{{Until: soon, N: 1}}}}}, 29 * time.Minute, false},
		{"they no longer do", Snapshot{Windows: []SavedWindow{{Until: soon, Used: []SavedSlot{{Until: soon, N: 1}}}}}, 31 * time.Minute, true},
	} {
		c.saved.At = at.UnixMilli()
		if got := c.saved.AtRest(at.Add(c.after)); got != c.want {
			t.Errorf("%s: at rest %t, want %t", c.name, got, c.want)
		}
	}
}
