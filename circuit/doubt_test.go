package circuit

import "testing"

func TestAHostIsDoubtedWhileItsLastCallsFailed(t *testing.T) {
	b := New(Config{MinRequests: 5})
	doubted := func(want int) {
		t.Helper()
		if most, ok := b.Doubted(start); ok != (want > 0) || most != want {
			t.Errorf("doubted: %d, %t; want %d", most, ok, want)
		}
	}
	doubted(0)
	call(t, b, start, Failure)
	doubted(4)
	call(t, b, start, Neutral)
	doubted(4)
	call(t, b, start, Unreachable)
	doubted(3)
	if _, ok := b.Doubted(start.Add(rowGap + 1)); ok {
		t.Error("doubted by failures that no longer begin a row")
	}
	call(t, b, start, Success)
	doubted(0)
	for b.State() == Closed {
		call(t, b, start, Failure)
	}
	doubted(0)
	b.Force(start, Closed)
	call(t, b, start, Failure)
	doubted(0) // by an operator's word
}

func TestWhatNoRowOpensIsNotDoubted(t *testing.T) {
	for name, cfg := range map[string]Config{
		"a count alone": {Failures: 3000}, "a breaker for each tenant": {Scope: HostTenant},
	} {
		b := New(cfg)
		for range 10 {
			callOf(t, b, Part{Tenant: "eu"}, start, Failure)
		}
		if most, ok := b.Doubted(start); ok {
			t.Errorf("%s: doubted, %d", name, most)
		}
	}
}

// Failures of one part that has opened by itself leave the host closed, and its others a call at a time until one succeeds.
func TestAPartsFailuresLeaveOneCallToTheOthers(t *testing.T) {
	b := New(Config{MinRequests: 5})
	bad, good := Part{Tenant: "bad"}, Part{Tenant: "good"}
	callOf(t, b, good, start, Success)
	for range 5 {
		callOf(t, b, bad, start, Failure)
	}
	if b.State() != Closed {
		t.Fatalf("%s by one part's failures", b.State())
	}
	if most, ok := b.Doubted(start); !ok || most != 1 {
		t.Errorf("doubted: %d, %t; want 1", most, ok)
	}
	callOf(t, b, good, start, Success)
	if most, ok := b.Doubted(start); ok {
		t.Errorf("doubted after a success: %d", most)
	}
}
