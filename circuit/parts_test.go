package circuit

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	eu   = Part{Tenant: "eu"}
	us   = Part{Tenant: "us"}
	apac = Part{Key: [16]byte{1}, Tenant: "us"}
)

// passes reports whether a part's call would pass, without making one.
func passes(b *Breaker, of Part, now time.Time) bool { return !b.ReadyAt(now, of).After(now) }

func TestOnePartsFailuresOpenThatPartOnly(t *testing.T) {
	b := New(Config{})
	now := start
	var got step
	for range DefaultMinRequests {
		now = now.Add(100 * time.Millisecond)
		callOf(t, b, us, now, Success)
		if got = callOf(t, b, eu, now, Failure); got != (step{}) {
			break
		}
	}
	if got != (step{Closed, Open}) || b.State() != Closed || passes(b, eu, now) || !passes(b, us, now) {
		t.Fatalf("%v: host %v, eu passes %v, us passes %v; want only eu held", got, b.State(), passes(b, eu, now), passes(b, us, now))
	}
	for range 1000 {
		now = now.Add(10 * time.Millisecond)
		if got := callOf(t, b, us, now, Success); got != (step{}) {
			t.Fatalf("us: %v", got)
		}
	}
	back := b.ReadyAt(now, eu)
	for range DefaultProbes - 1 {
		callOf(t, b, eu, back, Success)
	}
	if got := callOf(t, b, eu, back, Success); got != (step{HalfOpen, Closed}) || !passes(b, eu, back) {
		t.Errorf("eu after its probes: %v", got)
	}
	// What it failed before does not speak against the host any more.
	if got := callOf(t, b, us, back, Failure); got != (step{}) {
		t.Errorf("a failure of us: %v", got)
	}
}

func TestTwoPartsFailuresOpenTheHost(t *testing.T) {
	b := New(Config{})
	opened := 0
	for i := range DefaultMinRequests {
		callOf(t, b, apac, start, Success)
		if callOf(t, b, eu, start, Failure) == (step{Closed, Open}) || b.State() == Closed && callOf(t, b, us, start, Failure) == (step{Closed, Open}) {
			opened = i
			break
		}
	}
	if b.State() != Open || passes(b, apac, start) {
		t.Errorf("host %v after %d rounds in which two of three failed, want open", b.State(), opened)
	}
}

func TestAPartThatFailsAloneOpensTheHostWhereTheOthersHaveNoTraffic(t *testing.T) {
	b := New(Config{})
	callOf(t, b, us, start, Success)
	now := start.Add(2 * DefaultWindow)
	for range DefaultMinRequests {
		callOf(t, b, eu, now, Failure)
	}
	if b.State() != Open {
		t.Errorf("host %v, want open", b.State())
	}
}

func TestAHostThatCannotBeReachedOpensWhoeverFoundOut(t *testing.T) {
	b := New(Config{})
	for range DefaultMinRequests {
		callOf(t, b, us, start, Success)
	}
	for range DefaultMinRequests - 1 {
		callOf(t, b, eu, start, Unreachable)
	}
	if got := callOf(t, b, eu, start, Unreachable); got != (step{Closed, Open}) || b.State() != Open || passes(b, us, start) {
		t.Errorf("%v, host %v; want it open", got, b.State())
	}
}

// hostOpen returns a breaker whose host is open, with two parts known, and when its cool-down is over.
func hostOpen(t *testing.T, cfg Config) (*Breaker, time.Time) {
	t.Helper()
	b := New(cfg)
	for b.State() == Closed {
		callOf(t, b, us, start, Failure)
		if b.State() == Closed {
			callOf(t, b, eu, start, Failure)
		}
	}
	return b, b.View(start).OpenUntil
}

func TestOnePartsFailedProbeDoesNotOpenTheHostAgain(t *testing.T) {
	b, until := hostOpen(t, Config{})
	if got := callOf(t, b, eu, until, Failure); got != (step{HalfOpen, Open}) && got != (step{Closed, Open}) || b.State() != HalfOpen {
		t.Fatalf("%v, host %v; want eu open and the host half-open", got, b.State())
	}
	callOf(t, b, us, until, Success)
	if got := callOf(t, b, us, until, Success); got != (step{HalfOpen, Closed}) {
		t.Errorf("%v, want the host closed by the other part's probes", got)
	}
	if passes(b, eu, until) || !passes(b, us, until) {
		t.Error("want eu held and us not")
	}
}

func TestProbesOfTwoPartsThatFailOpenTheHostAgain(t *testing.T) {
	b, until := hostOpen(t, Config{})
	callOf(t, b, eu, until, Failure)
	if got := callOf(t, b, us, until, Failure); got != (step{HalfOpen, Open}) || b.State() != Open {
		t.Errorf("%v, host %v; want it open", got, b.State())
	}
	if got := b.View(until).OpenUntil.Sub(until); got != 2*DefaultCoolDown {
		t.Errorf("cool-down %v, want it doubled", got)
	}
}

// TestThePartWhoseProbeFailedDoesNotTakeTheNextOneToo gives a breaker one probe at a time, and one part that never
// recovers and always comes first.
func TestThePartWhoseProbeFailedDoesNotTakeTheNextOneToo(t *testing.T) {
	b, until := hostOpen(t, Config{Probes: 1})
	if callOf(t, b, eu, until, Failure); b.State() != Open {
		t.Fatalf("host %v, want open: its one probe failed", b.State())
	}
	until = b.ReadyAt(until, us)
	if passes(b, eu, until) {
		t.Error("the failed part may probe first again")
	}
	if got := callOf(t, b, us, until, Success); got != (step{HalfOpen, Closed}) {
		t.Errorf("%v, want closed", got)
	}
}

func TestPartsAreBoundedAndIdleOnesForgotten(t *testing.T) {
	b := New(Config{})
	now := start
	for i := range 10_000 {
		now = now.Add(time.Millisecond)
		callOf(t, b, Part{Tenant: fmt.Sprint(i)}, now, Success)
		if n := len(b.rest.parts); n > maxParts {
			t.Fatalf("%d parts", n)
		}
	}
	now = now.Add(2 * DefaultWindow)
	callOf(t, b, eu, now, Success)
	callOf(t, b, us, now, Success)
	if n := len(b.rest.parts); n != 2 {
		t.Errorf("%d parts are remembered, want the two that have traffic", n)
	}
}

func TestAFailingPartIsFoundAmongThousands(t *testing.T) {
	b := New(Config{})
	now := start
	for i := range 200_000 {
		now = now.Add(time.Millisecond)
		callOf(t, b, Part{Tenant: fmt.Sprint(i % 5000)}, now, Success)
		if i%10 == 0 && passes(b, eu, now) {
			callOf(t, b, eu, now, Failure)
		}
	}
	if b.State() != Closed || passes(b, eu, now) {
		t.Errorf("host %v, eu passes: %v; want only eu held", b.State(), passes(b, eu, now))
	}
}

func TestTenantsHaveBreakersOfTheirOwnUnderTheirScope(t *testing.T) {
	b := New(Config{Scope: HostTenant})
	for range DefaultMinRequests - 1 {
		callOf(t, b, eu, start, Unreachable)
	}
	callOf(t, b, us, start, Success)
	p, _ := b.Acquire(start, eu)
	got := b.Report(start, p, Unreachable)
	if stepOf(got) != (step{Closed, Open}) || !got.Partial || got.Of != eu || passes(b, eu, start) || !passes(b, us, start) {
		t.Fatalf("%+v; want eu's open and us's not", got)
	}
	for i := range 10 * maxTenants {
		callOf(t, b, Part{Tenant: fmt.Sprint(i)}, start, Success)
	}
	if n := len(b.tenants); n > maxTenants {
		t.Errorf("%d tenants", n)
	}
	v := b.View(start)
	if v.State != Closed || len(v.Parts) > maxTenants+maxParts {
		t.Errorf("the host is shown as %v with %d parts", v.State, len(v.Parts))
	}
}

func TestAKeyOfATenantOpensAloneUnderTheTenantsScope(t *testing.T) {
	b := New(Config{Scope: HostTenant})
	for range DefaultMinRequests {
		callOf(t, b, us, start, Success)
		if passes(b, apac, start) {
			callOf(t, b, apac, start, Failure)
		}
	}
	if passes(b, apac, start) || !passes(b, us, start) || !passes(b, eu, start) {
		t.Error("want only the key that fails held")
	}
}

// TestRandomPartsNeverHoldAHealthyOne drives seeded traffic of parts of which some fail for good: a part that always
// succeeds is held by nothing that fewer than two others do, half-openings pass at most Probes calls, and ReadyAt and
// Acquire agree.
func TestRandomPartsNeverHoldAHealthyOne(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 7))
		b := New(Config{Probes: 1 + random.IntN(4), MinRequests: 5 + random.IntN(20)})
		now := start
		parts := make([]Part, 2+random.IntN(4))
		for i := range parts {
			parts[i] = Part{Tenant: fmt.Sprint(i)}
		}
		bad, until := parts[0], start // parts[0] fails for good, all of them until an instant
		passed := 0
		for turn := range 5000 {
			now = now.Add(time.Duration(random.ExpFloat64() * float64(200*time.Millisecond)))
			if turn%1000 == 500 {
				until = now.Add(time.Minute)
			}
			of := parts[random.IntN(len(parts))]
			was, ready := b.State(), passes(b, of, now)
			p, ok := b.Acquire(now, of)
			if ok != ready {
				t.Fatalf("seed %d turn %d: ready %v, but Acquire says %v", seed, turn, ready, ok)
			}
			if was == Open && ok {
				passed = 0
			}
			if !ok {
				continue
			}
			if passed++; b.State() == HalfOpen && passed > b.cfg.Probes {
				t.Fatalf("seed %d turn %d: %d calls in one half-opening", seed, turn, passed)
			}
			r := Success
			if of == bad || now.Before(until) {
				r = Failure
			}
			sick := now.Before(until.Add(DefaultWindow))
			if got := b.Report(now, p, r); got.To == Open && !sick && (!got.Partial || got.Of != bad) {
				if b.View(now).CoolDown == b.cfg.CoolDown { // a fresh opening, not one of the outage's probes
					t.Fatalf("seed %d turn %d: %+v though only %q fails", seed, turn, got, bad.Tenant)
				}
			}
		}
	}
}
