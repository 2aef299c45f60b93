package circuit

import (
	"testing"
	"time"
)

func TestReconfigureKeepsTheStateAndTheCoolDownUnderWay(t *testing.T) {
	b, until := opened(t, Config{})
	b.Reconfigure(Config{CoolDown: time.Second})
	if v := b.View(start); v.State != Open || !v.OpenUntil.Equal(until) {
		t.Errorf("%s until %v, want open until %v", v.State, v.OpenUntil, until)
	}
}

func TestReconfigureJudgesTheCallsThatWereCounted(t *testing.T) {
	b := New(Config{MinRequests: 20})
	for range 10 {
		call(t, b, start, Failure)
	}
	b.Reconfigure(Config{MinRequests: 11})
	if got, want := call(t, b, start, Failure), (step{Closed, Open}); got != want {
		t.Errorf("transition %v, want %v", got, want)
	}
}

func TestReconfigureCountsAnewOverAnotherWindow(t *testing.T) {
	b := New(Config{MinRequests: 11})
	for range 10 {
		call(t, b, start, Failure)
	}
	b.Reconfigure(Config{MinRequests: 11, Window: time.Second})
	call(t, b, start, Success)
	if got := call(t, b, start, Failure); got != (step{}) {
		t.Errorf("transition %v, want none: two calls in this window", got)
	}
}

// TestReconfigureNeverLeavesABreakerWithoutProbes lowers what a breaker asks for below what it has had already.
func TestReconfigureNeverLeavesABreakerWithoutProbes(t *testing.T) {
	b, until := opened(t, Config{Probes: 5})
	for range 3 {
		call(t, b, until, Success)
	}
	b.Reconfigure(Config{Probes: 2})
	if at := b.ReadyAt(until, Part{}); !at.Equal(until) {
		t.Fatalf("ready at %v, want at once", at)
	}
	if got, want := call(t, b, until, Success), (step{HalfOpen, Closed}); got != want {
		t.Errorf("transition %v, want %v", got, want)
	}
}
