package circuit

import (
	"testing"
	"time"
)

func TestABreakerIsBlankOnlyWhenItWouldDoAsANewOne(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cfg := DefaultConfig()
	of := Part{Tenant: "default"}
	call := func(b *Breaker, at time.Time, r Result) {
		if p, ok := b.Acquire(at, of); ok {
			b.Report(at, p, r)
		}
	}
	b := New(cfg)
	call(b, start, Failure)
	if b.Blank(start.Add(cfg.Window / 2)) {
		t.Error("a failure still counts")
	}
	if !b.Blank(start.Add(time.Hour)) {
		t.Error("nothing counts any more, and yet it is not blank")
	}
	for range 2 * cfg.MinRequests {
		call(b, start, Failure)
	}
	if b.State() != Open || b.Blank(start.Add(48*time.Hour)) {
		t.Errorf("%s breaker, blank: %t", b.State(), b.Blank(start.Add(48*time.Hour)))
	}
	at := start.Add(49 * time.Hour)
	for range cfg.Probes {
		call(b, at, Success)
	}
	if b.State() != Closed || b.Blank(at.Add(23*time.Hour)) {
		t.Error("people may want to see what happened today")
	}
	if !b.Blank(at.Add(25 * time.Hour)) {
		t.Error("closed for a day, and yet not blank")
	}
	forced := New(cfg)
	forced.Force(start, Closed)
	if forced.Blank(start.Add(48 * time.Hour)) {
		t.Error("an operator has it closed")
	}
}
