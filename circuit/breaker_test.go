package circuit

import (
	"testing"
	"time"
)

var start = time.Unix(1_800_000_000, 0).UTC()

// call passes one call through the breaker and reports it at once.
func call(t *testing.T, b *Breaker, now time.Time, r Result) step {
	t.Helper()
	return callOf(t, b, Part{}, now, r)
}

// step is a transition without its cause.
type step struct{ From, To State }

func stepOf(t Transition) step { return step{t.From, t.To} }

// callOf does the same for a part.
func callOf(t *testing.T, b *Breaker, of Part, now time.Time, r Result) step {
	t.Helper()
	p, ok := b.Acquire(now, of)
	if !ok {
		t.Fatalf("no permit for %q at %v in state %v, ready at %v", of.Tenant, now.Sub(start), b.State(), b.ReadyAt(now, of).Sub(start))
	}
	return stepOf(b.Report(now, p, r))
}

func opened(t *testing.T, cfg Config) (*Breaker, time.Time) {
	t.Helper()
	b := New(cfg)
	for range b.cfg.MinRequests - 1 {
		call(t, b, start, Failure)
	}
	if got, want := call(t, b, start, Failure), (step{Closed, Open}); got != want {
		t.Fatalf("transition %v, want %v", got, want)
	}
	return b, b.View(start).OpenUntil
}

func TestOpensWithinMinRequestsFailures(t *testing.T) {
	b, until := opened(t, Config{})
	if want := start.Add(DefaultCoolDown); !until.Equal(want) {
		t.Errorf("open until %v, want %v", until, want)
	}
	for _, at := range []time.Duration{0, time.Second, DefaultCoolDown - 1} {
		if _, ok := b.Acquire(start.Add(at), Part{}); ok {
			t.Errorf("a call passed %v after opening", at)
		}
		if ready := b.ReadyAt(start.Add(at), Part{}); !ready.Equal(until) {
			t.Errorf("%v after opening: ready at %v, want %v", at, ready, until)
		}
	}
}

func TestOpensForTheRatioOfRecentCalls(t *testing.T) {
	cases := []struct {
		name                string
		successes, failures int           // before
		apart               time.Duration // the rest after them
		then                int           // pairs of a success and a failure
		open                bool
	}{
		{"too few", 0, 0, 0, 9, false},
		{"just enough", 0, 0, 0, 10, true},
		{"a minority", 2, 0, 0, 100, false},
		{"a majority", 0, 19, time.Minute, 10, true},
		{"successes long ago", 1000, 0, time.Minute, 10, true},
		{"successes in the window", 1000, 0, 50 * time.Second, 500, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := New(Config{})
			for range c.successes {
				call(t, b, start, Success)
			}
			for range c.failures {
				call(t, b, start, Failure)
			}
			for range c.then {
				call(t, b, start.Add(c.apart), Success)
				if call(t, b, start.Add(c.apart), Failure); b.State() == Open {
					break
				}
			}
			if got := b.State() == Open; got != c.open {
				t.Errorf("open: %v, want %v", got, c.open)
			}
		})
	}
}

// TestAnOutageOpensWithinMinRequestsWhateverCameBefore is what the ratio alone would take half a window for.
func TestAnOutageOpensWithinMinRequestsWhateverCameBefore(t *testing.T) {
	b := New(Config{})
	for range 10_000 {
		call(t, b, start, Success)
	}
	for i := range DefaultMinRequests {
		if got, want := call(t, b, start.Add(time.Second), Failure) == (step{Closed, Open}), i == DefaultMinRequests-1; got != want {
			t.Fatalf("failure %d in a row: opened %v", i+1, got)
		}
	}
	if cause := b.View(start).Changes[0].Cause; cause != "20 calls in a row failed" {
		t.Errorf("the cause is %q", cause)
	}
}

func TestASuccessOrAPauseBetweenEndsARow(t *testing.T) {
	for name, between := range map[string]func(b *Breaker) time.Time{
		"a success": func(b *Breaker) time.Time { call(t, b, start, Success); return start },
		"a pause":   func(*Breaker) time.Time { return start.Add(rowGap + 1) },
	} {
		b := New(Config{})
		for range 100 {
			call(t, b, start, Success)
		}
		for range DefaultMinRequests - 1 {
			call(t, b, start, Failure)
		}
		now := between(b)
		for range DefaultMinRequests - 1 {
			if got := call(t, b, now, Failure); got != (step{}) {
				t.Fatalf("after %s: %v", name, got)
			}
		}
	}
}

// Time-outs of ten minutes, as long as any, are a row as failures at once are.
func TestCallsThatFailLateAreOfOneRowIfTheyBeganInTime(t *testing.T) {
	b := New(Config{})
	now := start
	for i := range DefaultMinRequests {
		p, ok := b.Acquire(now, Part{})
		if !ok {
			t.Fatalf("call %d does not pass", i+1)
		}
		now = now.Add(10 * time.Minute)
		if got, want := b.Report(now, p, Failure).To == Open, i == DefaultMinRequests-1; got != want {
			t.Fatalf("time-out %d in a row: opened %t", i+1, got)
		}
		now = now.Add(rowGap)
	}
}

// A probe is not given up while it may still be answered.
func TestAProbeThatTimesOutLateIsHeard(t *testing.T) {
	b, until := opened(t, Config{})
	p, _ := b.Acquire(until, Part{})
	if got := stepOf(b.Report(until.Add(10*time.Minute), p, Failure)); got != (step{HalfOpen, Open}) {
		t.Errorf("its failure does %v", got)
	}
	b, until = opened(t, Config{})
	var out []Permit
	for at := until; at.Before(until.Add(10 * time.Minute)); at = at.Add(time.Minute) {
		if p, ok := b.Acquire(at, Part{}); ok {
			out = append(out, p)
		}
	}
	if len(out) != DefaultProbes {
		t.Errorf("%d probes within ten minutes, none of which was heard of; want %d", len(out), DefaultProbes)
	}
}

func TestNeutralNeverCounts(t *testing.T) {
	b := New(Config{})
	for range 1000 {
		if got := call(t, b, start, Neutral); got != (step{}) {
			t.Fatalf("transition %v", got)
		}
	}
	if v := b.View(start); v.Calls != 0 || v.State != Closed {
		t.Errorf("%+v", v)
	}
}

func TestHalfOpenLetsAtMostProbesThrough(t *testing.T) {
	b, until := opened(t, Config{})
	var permits []Permit
	for range 10 {
		if p, ok := b.Acquire(until, Part{}); ok {
			permits = append(permits, p)
		}
	}
	if len(permits) != DefaultProbes {
		t.Fatalf("%d probes passed, want %d", len(permits), DefaultProbes)
	}
	if ready := b.ReadyAt(until, Part{}); !ready.Equal(until.Add(DefaultProbeExpiry)) {
		t.Errorf("ready at %v, want when a probe expires", ready)
	}
	for i, p := range permits {
		got := stepOf(b.Report(until, p, Success))
		if want := (step{HalfOpen, Closed}); i == len(permits)-1 && got != want {
			t.Errorf("last probe: %v, want %v", got, want)
		}
	}
	if v := b.View(until); v.State != Closed || v.Calls != 0 {
		t.Errorf("%+v, want closed with an empty window", v)
	}
}

func TestFailedProbeDoublesTheCoolDownUpToTheCap(t *testing.T) {
	b, until := opened(t, Config{})
	want := DefaultCoolDown
	for range 10 {
		want = min(2*want, DefaultCoolDownMax)
		if got := call(t, b, until, Failure); got != (step{HalfOpen, Open}) {
			t.Fatalf("transition %v", got)
		}
		next := b.View(until).OpenUntil
		if got := next.Sub(until); got != want {
			t.Errorf("cool-down %v, want %v", got, want)
		}
		until = next
	}
}

func TestLongHealthResetsTheCoolDown(t *testing.T) {
	for _, c := range []struct {
		healthy, want time.Duration
	}{
		{DefaultCoolDownMax, DefaultCoolDown},
		{DefaultCoolDownMax - time.Second, 2 * DefaultCoolDown},
	} {
		b, until := opened(t, Config{})
		for range DefaultProbes {
			call(t, b, until, Success)
		}
		again := until.Add(c.healthy)
		for range DefaultMinRequests {
			call(t, b, again, Failure)
		}
		if got := b.View(again).OpenUntil.Sub(again); got != c.want {
			t.Errorf("after %v of health the cool-down is %v, want %v", c.healthy, got, c.want)
		}
	}
}

func TestReportsOfAnEarlierGenerationDoNotCount(t *testing.T) {
	b := New(Config{})
	late, _ := b.Acquire(start, Part{})
	lateToo, _ := b.Acquire(start, Part{})
	for range DefaultMinRequests {
		call(t, b, start, Failure)
	}
	until := b.View(start).OpenUntil
	probe, ok := b.Acquire(until, Part{})
	if !ok {
		t.Fatal("no probe after the cool-down")
	}
	if got := stepOf(b.Report(until, late, Failure)); got != (step{}) {
		t.Errorf("a late failure reopened: %v", got)
	}
	b.Report(until, lateToo, Success)
	if v := b.View(until); v.Succeeded != 0 || v.Probes != 1 {
		t.Errorf("a late success counted as a probe's: %+v", v)
	}
	if got := stepOf(b.Report(until, probe, Failure)); got != (step{HalfOpen, Open}) {
		t.Errorf("the probe's failure: %v", got)
	}
	if got := stepOf(b.Report(until, probe, Success)); got != (step{}) {
		t.Errorf("a second report of one probe: %v", got)
	}
}

func TestLostProbesNeverWedge(t *testing.T) {
	b, until := opened(t, Config{})
	var lost []Permit
	for range DefaultProbes {
		p, _ := b.Acquire(until, Part{})
		lost = append(lost, p)
	}
	expired := b.ReadyAt(until, Part{})
	for range DefaultProbes {
		call(t, b, expired, Success)
	}
	if b.State() != Closed {
		t.Errorf("%v, want closed by the probes that took the places of the lost", b.State())
	}
	if got := stepOf(b.Report(expired, lost[0], Failure)); got != (step{}) || b.State() != Closed {
		t.Errorf("an expired probe's report counted: %v", got)
	}
}

func TestCancelFreesAProbesPlace(t *testing.T) {
	b, until := opened(t, Config{Probes: 1})
	p, _ := b.Acquire(until, Part{})
	if _, ok := b.Acquire(until, Part{}); ok {
		t.Fatal("two probes at once")
	}
	b.Cancel(p)
	if got := call(t, b, until, Success); got != (step{HalfOpen, Closed}) {
		t.Errorf("transition %v", got)
	}
}

func TestRestoreKeepsACoolDown(t *testing.T) {
	b, until := opened(t, Config{})
	restored := New(Config{})
	restored.Restore(b.Snapshot(), start.Add(time.Second))
	if _, ok := restored.Acquire(until.Add(-time.Millisecond), Part{}); ok {
		t.Error("a call passed during a cool-down that began before the restart")
	}
	call(t, restored, until, Failure)
	if got := restored.View(until).OpenUntil.Sub(until); got != 2*DefaultCoolDown {
		t.Errorf("cool-down %v, want it doubled over the restart", got)
	}

	half, until := opened(t, Config{})
	half.Acquire(until, Part{})
	restored = New(Config{})
	restored.Restore(half.Snapshot(), until)
	if ready := restored.ReadyAt(until, Part{}); ready.After(until) {
		t.Errorf("half-open before the restart: ready at %v, want at once", ready)
	}
	if p, ok := restored.Acquire(until, Part{}); !ok || !p.Probe() {
		t.Error("half-open before the restart: the next call is no probe")
	}
}

func TestRestoreIgnoresWhatItDoesNotKnow(t *testing.T) {
	b := New(Config{})
	b.Restore(Snapshot{Version: SnapshotVersion + 1, SavedGate: SavedGate{State: Open, Until: start.Add(time.Hour).UnixMilli()}}, start)
	if _, ok := b.Acquire(start, Part{}); !ok {
		t.Error("an unknown version was believed")
	}
	b.Restore(Snapshot{Version: SnapshotVersion, SavedGate: SavedGate{State: Open, Until: start.Add(1000 * time.Hour).UnixMilli()}}, start)
	if got := b.ReadyAt(start, Part{}).Sub(start); got > DefaultCoolDownMax {
		t.Errorf("ready in %v, more than the longest cool-down", got)
	}
}
