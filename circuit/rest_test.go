package circuit

import (
	"reflect"
	"testing"
	"time"
)

func TestARenewedBreakerIsAsANewOne(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b := New(Config{Scope: HostTenant, MinRequests: 3})
	for range 5 {
		if p, ok := b.Acquire(now, Part{Tenant: "a"}); ok {
			b.Report(now, p, Failure)
		}
	}
	b.Force(now, Open)
	b.Renew(DefaultConfig())
	if want := New(DefaultConfig()); !reflect.DeepEqual(b, want) {
		t.Errorf("%+v, want %+v", b, want)
	}
}

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

func TestABreakerRestsWhenItsSnapshotTellsAllOfIt(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cfg := DefaultConfig()
	of := Part{Tenant: "default"}
	b := New(cfg)
	call := func(at time.Time, r Result) {
		if p, ok := b.Acquire(at, of); ok {
			b.Report(at, p, r)
		}
	}
	rests := func(what string, at time.Time, want, snapshot bool) {
		t.Helper()
		s := b.Snapshot()
		if got := b.Rests(at); got != want || s.AtRest() != snapshot {
			t.Errorf("%s: it rests %t, its snapshot %t; want %t and %t", what, got, s.AtRest(), want, snapshot)
		}
	}
	rests("new", start, true, true)
	for range 2 * cfg.MinRequests {
		call(start, Failure)
	}
	rests("open", start.Add(time.Hour), false, false)
	at := start.Add(2 * time.Hour)
	for range cfg.Probes {
		call(at, Success)
	}
	rests("coming back", at.Add(cfg.Ramp/2), false, true)
	rests("back, its cool-down remembered", at.Add(cfg.CoolDownMax/2), true, true)
	call(at.Add(cfg.CoolDownMax/2), Success)
	rests("counting a call", at.Add(cfg.CoolDownMax/2+time.Second), false, true)
	b.Force(at.Add(time.Hour), Closed)
	rests("forced", at.Add(2*time.Hour), false, false)
}
