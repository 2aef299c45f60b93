package circuit

import (
	"testing"
	"time"
)

func TestAnAbsoluteCountOpensWhateverTheRatio(t *testing.T) {
	b := New(Config{Failures: 3000, CoolDown: time.Minute, CoolDownMax: time.Minute})
	for range 2999 {
		for range 4 {
			call(t, b, start, Success)
		}
		if got := call(t, b, start, Failure); got != (step{}) {
			t.Fatalf("%v", got)
		}
	}
	if got := call(t, b, start, Failure); got != (step{Closed, Open}) || b.View(start).OpenUntil != start.Add(time.Minute) {
		t.Errorf("failure 3000: %v, open until %v", got, b.View(start).OpenUntil)
	}
}

func TestACountBesideARatioNeedsBoth(t *testing.T) {
	b := New(Config{Failures: 30, FailureRatio: 0.9})
	for range 20 {
		call(t, b, start, Success)
		for range 8 { // of nine, less than nine tenths
			if got := call(t, b, start, Failure); got != (step{}) {
				t.Fatalf("%v", got)
			}
		}
	}
	for range 19 { // up to 179 of 199
		if got := call(t, b, start, Failure); got != (step{}) {
			t.Fatalf("%v", got)
		}
	}
	if got := call(t, b, start, Failure); got != (step{Closed, Open}) {
		t.Errorf("180 of 200: %v, want open", got)
	}
	b = New(Config{Failures: 30, FailureRatio: 0.9})
	for range 29 {
		if got := call(t, b, start, Failure); got != (step{}) {
			t.Fatalf("%v", got)
		}
	}
	if got := call(t, b, start, Failure); got != (step{Closed, Open}) {
		t.Errorf("30 of 30: %v, want open", got)
	}
}

func TestALongerRetryAfterEndsTheCoolDownLaterButNotBeyondTheLongest(t *testing.T) {
	for _, c := range []struct {
		name        string
		asked, want time.Duration
	}{
		{"shorter", time.Second, DefaultCoolDown},
		{"longer", 2 * time.Minute, 2 * time.Minute},
		{"too long", 24 * time.Hour, DefaultCoolDownMax},
		{"none", -time.Second, DefaultCoolDown},
	} {
		t.Run(c.name+" before", func(t *testing.T) {
			b := New(Config{MinRequests: 1})
			p, _ := b.Acquire(start, Part{})
			b.Asked(start, p, c.asked)
			b.Report(start, p, Failure)
			if got := b.View(start).OpenUntil.Sub(start); got != c.want {
				t.Errorf("cool-down %v, want %v", got, c.want)
			}
		})
		t.Run(c.name+" while open", func(t *testing.T) {
			b := New(Config{MinRequests: 1})
			late, _ := b.Acquire(start, Part{})
			call(t, b, start, Failure)
			b.Asked(start, late, c.asked)
			if got := b.View(start).OpenUntil.Sub(start); got != c.want {
				t.Errorf("cool-down %v, want %v", got, c.want)
			}
		})
	}
}

func TestAnOperatorOpensUntilReleasedAndThenProbesDecide(t *testing.T) {
	b := New(Config{})
	flying, _ := b.Acquire(start, eu)
	callOf(t, b, us, start, Success)
	if got := stepOf(b.Force(start, Open)); got != (step{Closed, Open}) {
		t.Errorf("%v", got)
	}
	if got := b.Force(start, Open); got != (Transition{}) {
		t.Errorf("the same again: %v", got)
	}
	b.Report(start, flying, Success)
	later := start.Add(1000 * time.Hour)
	if passes(b, eu, later) || b.State() != Open || !b.View(later).Forced || !b.View(later).OpenUntil.IsZero() {
		t.Errorf("%+v, want it open until released", b.View(later))
	}
	b.Force(later, 0)
	for i := range DefaultProbes {
		got, last := callOf(t, b, []Part{eu, us}[i%2], later, Success), i == DefaultProbes-1
		if (got == step{HalfOpen, Closed}) != last {
			t.Errorf("probe %d after the release: %v", i, got)
		}
	}
}

func TestAnOperatorClosesUntilReleasedWhateverFails(t *testing.T) {
	b, _ := opened(t, Config{})
	b.Force(start, Closed)
	for range 1000 {
		if got := call(t, b, start, Failure); got != (step{}) {
			t.Fatalf("%v", got)
		}
	}
	if v := b.View(start); v.State != Closed || !v.Forced || v.Failures != 1000 {
		t.Errorf("%+v", v)
	}
	b.Force(start, 0)
	if got := call(t, b, start, Failure); got != (step{Closed, Open}) {
		t.Errorf("the first failure after the release: %v, want open", got)
	}
}

func TestTheLatestChangesAreRememberedWithTheirCauses(t *testing.T) {
	b, until := opened(t, Config{MinRequests: 2})
	for range DefaultProbes {
		call(t, b, until, Success)
	}
	v := b.View(until)
	causes := []string{"2 of 2 calls failed within 1m0s", "its cool-down was over", "3 probes succeeded"}
	if len(v.Changes) != len(causes) {
		t.Fatalf("%+v", v.Changes)
	}
	for i, c := range v.Changes {
		if c.Cause != causes[i] {
			t.Errorf("change %d: %q, want %q", i, c.Cause, causes[i])
		}
	}
	for range 100 {
		b.Force(until, Open)
		b.Force(until, 0)
	}
	if n := len(b.View(until).Changes); n != keptChanges {
		t.Errorf("%d changes are remembered", n)
	}
}
