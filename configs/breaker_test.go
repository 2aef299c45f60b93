package configs

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

func TestABreakersFaultsAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"breaker: {scope: tenant}":                      "breaker.scope: tenant: is not known; want one of host, host+tenant",
		"breaker: {failures: -1}":                       "breaker.failures: -1: is too small; want 0 to 1000000",
		"breaker: {statuses: []}":                       "breaker.statuses: []: counts no answer as a failure; want at least one status",
		"breaker: {statuses: [5xy]}":                    "breaker.statuses[0]: 5xy: is no status, and no set of them; want a status such as 404",
		"breaker: {ramp: 2h}":                           "breaker.ramp: 2h: is too large; want 0s to 1h",
		"breaker: {failure_ratio: 0}":                   "breaker.failure_ratio: 0: is out of range; want a part above 0, at most 1",
		"breaker: {failure_ratio: 1.5, failures: 3}":    "breaker.failure_ratio: 1.5: is out of range",
		hostEntry("{scope: x}"):                         "limits.hosts[0].breaker.scope: x: is not known",
		hostEntry("{min_requests: 0}"):                  "limits.hosts[0].breaker.min_requests: 0: is too small; want 1 to 1000000",
		hostEntry("{failure_ratio: 0}"):                 "limits.hosts[0].breaker.failure_ratio: 0: is out of range",
		hostEntry("{ramp: 0s}"):                         "limits.hosts[0].breaker.ramp: 0s: is too small; want 1ms to 1h",
		hostEntry("{cool_down: 5m, cool_down_max: 1m}"): "limits.hosts[0].breaker.cool_down: 5m: is longer than the longest; want at most limits.hosts[0].breaker.cool_down_max, which is 1m",
		hostEntry("{probes: 0}"):                        "limits.hosts[0].breaker.probes: 0: is too small",
		hostEntry("{window: 1ms}"):                      "limits.hosts[0].breaker.window: 1ms: is too small",
		hostEntry("{statuses: []}"):                     "limits.hosts[0].breaker.statuses: []: counts no answer as a failure",
		hostEntry("{coool: 1}"):                         "limits.hosts[0].breaker.coool: is not a known key",
	} {
		_, err := Parse("x.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one fault: %s", text, err, want)
		}
	}
}

func hostEntry(breaker string) string {
	return "limits: {hosts: [{match: a.example, breaker: " + breaker + "}]}"
}

// parsedBreakers returns the breaker of a file, and that of its only host.
func parsedBreakers(t *testing.T, text string) (usual, host Breaker) {
	t.Helper()
	c, err := Parse("x.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c.Breaker, c.Breaker.With(c.Limits.Match("a.example").Breaker)
}

func TestACountStandsAloneUnlessARatioIsSaid(t *testing.T) {
	if b, _ := parsedBreakers(t, "breaker: {failures: 3000}"); b.FailureRatio != 0 || b.Failures != 3000 {
		t.Errorf("%+v", b)
	}
	if b, _ := parsedBreakers(t, "breaker: {failures: 3000, failure_ratio: 0.9}"); b.FailureRatio != 0.9 || b.Failures != 3000 {
		t.Errorf("%+v", b)
	}
}

func TestAHostsBreakerDiffersInWhatItSays(t *testing.T) {
	for breaker, want := range map[string]func(b *Breaker){
		"{}":                     func(*Breaker) {},
		"{scope: host+tenant}":   func(b *Breaker) { b.Scope = ScopeHostTenant },
		"{failures: 3000}":       func(b *Breaker) { b.FailureRatio, b.Failures = 0, 3000 },
		"{failure_ratio: 1}":     func(b *Breaker) { b.FailureRatio = 1 },
		"{cool_down: 1h}":        func(b *Breaker) { b.CoolDown, b.CoolDownMax = hour, hour },
		"{cool_down_max: 10s}":   func(b *Breaker) { b.CoolDown, b.CoolDownMax = 10*second, 10*second },
		"{statuses: [408, 50x]}": func(b *Breaker) { b.Statuses = Statuses{"408", "50x"} },
		"{probes: 1, ramp: 1ms}": func(b *Breaker) { b.Probes, b.Ramp = 1, 1_000_000 },
		"{window: 2m}":           func(b *Breaker) { b.Window = 2 * minute },
		"{min_requests: 3}":      func(b *Breaker) { b.MinRequests = 3 },
	} {
		usual, got := parsedBreakers(t, hostEntry(breaker))
		want(&usual)
		if gotFails, _ := got.FailingStatuses(); len(got.Statuses) != len(usual.Statuses) || gotFails != usual.Statuses.set() {
			t.Errorf("%s: statuses %v, want %v", breaker, got.Statuses, usual.Statuses)
		}
		got.Statuses, usual.Statuses = nil, nil
		if g, w := got, usual; g.Scope != w.Scope || g.FailureRatio != w.FailureRatio || g.Failures != w.Failures || g.MinRequests != w.MinRequests ||
			g.Window != w.Window || g.CoolDown != w.CoolDown || g.CoolDownMax != w.CoolDownMax || g.Probes != w.Probes || g.Ramp != w.Ramp {
			t.Errorf("%s: %+v, want %+v", breaker, g, w)
		}
	}
}

func TestOnlyAStatusListedByItsNumberCountsWhereItDefers(t *testing.T) {
	b, _ := parsedBreakers(t, "breaker: {statuses: [408, 429, 5xx, 520-529]}")
	all, deferred := b.FailingStatuses()
	if !all.Has(503) || !all.Has(429) || all.Has(404) {
		t.Errorf("%v", all)
	}
	if want := (policy.Statuses(408, 408).Union(policy.Statuses(429, 429))); deferred != want {
		t.Errorf("of what is deferred %v count, want %v", deferred, want)
	}
}
