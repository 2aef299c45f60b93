package configs

import (
	"reflect"
	"strings"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// Breaker says when a host is left alone because it fails, and how it is tried again. Connect errors, time-outs and Statuses
// count; being refused for too many calls (429) is no failure.
type Breaker struct {
	// Scope is what opens together: host, or host+tenant, where each tenant has a breaker of its own at each host.
	Scope string `yaml:"scope,omitempty"`
	// FailureRatio opens the breaker when that part of the calls in Window failed; above 0, at most 1. Zero: it does not
	// count, which it may only beside Failures, and is the default there.
	FailureRatio float64 `yaml:"failure_ratio,omitempty"`
	// MinRequests is how many calls Window must have seen before the ratio counts. As many failures in a row open the
	// breaker, too, whatever came before.
	MinRequests int `yaml:"min_requests,omitempty"`
	// Failures is how many calls in Window must have failed; beside a ratio both must hold. Zero: it does not count.
	Failures int `yaml:"failures,omitempty"`
	// Statuses are those that count as failures. A call that the destination deferred, as by 429 or by 503 with Retry-After,
	// counts where its status is listed by its number, not where it is only one of a class such as 5xx.
	Statuses Statuses `yaml:"statuses,omitempty"`
	// Window is how far back calls count.
	Window Duration `yaml:"window,omitempty"`
	// CoolDown is how long an open breaker holds everything back; it doubles each time the probes fail.
	CoolDown Duration `yaml:"cool_down,omitempty"`
	// CoolDownMax is where the doubling ends; at least CoolDown. A Retry-After is heeded up to it.
	CoolDownMax Duration `yaml:"cool_down_max,omitempty"`
	// Probes is how many calls are let through after a cool-down, to see whether the host is back.
	Probes int `yaml:"probes,omitempty"`
	// Ramp is how long the pace then rises, from a tenth of the known rate to all of it. Zero: at once.
	Ramp Duration `yaml:"ramp,omitempty"`
}

// The words of Breaker.Scope.
const (
	ScopeHost       = "host"
	ScopeHostTenant = "host+tenant"
)

const (
	// DefaultFailureRatio is the majority that Braze's documentation of host health speaks of.
	DefaultFailureRatio = 0.5
	// DefaultMinRequests opens within 20 failures of a host that is down, and not because of one that stumbled.
	DefaultMinRequests = 20
	// DefaultBreakerStatuses is what RFC 9110 section 15.6 has as failures of the server.
	DefaultBreakerStatuses = "5xx"
	// DefaultBreakerWindow is the moving minute over which Braze counts.
	DefaultBreakerWindow = 60 * second
	// DefaultCoolDown is half the minute for which Braze halts: the doubling makes up for hosts that need longer.
	DefaultCoolDown = 30 * second
	// DefaultCoolDownMax bounds how late a recovery is noticed.
	DefaultCoolDownMax = 10 * minute
	// DefaultProbes tells a recovery from one lucky answer.
	DefaultProbes = 3
	// DefaultRamp gives a host that starts cold some time, and is over before anybody asks why it takes so long.
	DefaultRamp = 30 * second

	maxMinRequests   = 1_000_000
	minBreakerWindow = 1 * second
	maxBreakerWindow = 1 * hour
	minCoolDown      = 1 * second
	maxCoolDown      = 1 * day
	maxProbes        = 1000
	maxRamp          = 1 * hour
)

func defaultBreaker() Breaker {
	return Breaker{
		Scope: ScopeHost, FailureRatio: DefaultFailureRatio, MinRequests: DefaultMinRequests,
		Statuses: Statuses{DefaultBreakerStatuses}, Window: DefaultBreakerWindow,
		CoolDown: DefaultCoolDown, CoolDownMax: DefaultCoolDownMax, Probes: DefaultProbes, Ramp: DefaultRamp,
	}
}

// follow adapts the defaults of what was not given to what was: CoolDown to a shorter CoolDownMax, and the ratio to a count,
// beside which there is none.
func (b *Breaker) follow(k *checker) {
	if !k.inFile("breaker.cool_down") {
		b.CoolDown = min(b.CoolDown, b.CoolDownMax)
	}
	if b.Failures > 0 && !k.inFile("breaker.failure_ratio") {
		b.FailureRatio = 0
	}
}

// With returns the breaker of a host whose entry differs in what of does not leave out.
func (b Breaker) With(of Breaker) Breaker {
	if of.FailureRatio != 0 || of.Failures != 0 { // what opens it is said as a whole
		b.FailureRatio, b.Failures = of.FailureRatio, of.Failures
	}
	override(&b.Scope, of.Scope)
	override(&b.MinRequests, of.MinRequests)
	override(&b.Window, of.Window)
	override(&b.Probes, of.Probes)
	override(&b.Ramp, of.Ramp)
	if !of.Statuses.IsZero() {
		b.Statuses = of.Statuses
	}
	switch {
	case of.CoolDownMax != 0 && of.CoolDown == 0:
		b.CoolDown = min(b.CoolDown, of.CoolDownMax)
	case of.CoolDown != 0 && of.CoolDownMax == 0:
		b.CoolDownMax = max(b.CoolDownMax, of.CoolDown)
	}
	override(&b.CoolDown, of.CoolDown)
	override(&b.CoolDownMax, of.CoolDownMax)
	return b
}

func override[T comparable](to *T, with T) {
	var zero T
	if with != zero {
		*to = with
	}
}

// FailingStatuses returns the statuses that count as failures, and those of them that do also where the destination deferred
// the call.
func (b Breaker) FailingStatuses() (all, deferred policy.StatusSet) {
	for _, one := range b.Statuses {
		if s := string(one); len(s) == 3 && !strings.Contains(s, "x") {
			deferred = deferred.Union(Statuses{one}.set())
		}
	}
	return b.Statuses.set(), deferred
}

// check checks the section at path. Of an entry of limits.hosts, what it does not say is as in breaker: inherited.
func (b *Breaker) check(k *checker, path string, inherited bool) {
	said := func(key string, zero bool) (at string, yes bool) {
		at = path + "." + key
		return at, !inherited || k.given(at, zero)
	}
	if at, yes := said("scope", b.Scope == ""); yes {
		oneOf(k, at, b.Scope, ScopeHost, ScopeHostTenant)
	}
	if at, yes := said("failure_ratio", b.FailureRatio == 0); yes {
		none := b.FailureRatio == 0 && b.Failures > 0
		if !none && !(b.FailureRatio > 0 && b.FailureRatio <= 1) { // written so that it catches NaN too
			k.fail(at, b.FailureRatio, "is out of range", "a part above 0, at most 1")
		}
	}
	if at, yes := said("min_requests", b.MinRequests == 0); yes {
		within(k, at, b.MinRequests, 1, maxMinRequests)
	}
	within(k, path+".failures", b.Failures, 0, maxMinRequests)
	if at, yes := said("statuses", b.Statuses.IsZero()); yes && b.Statuses.IsZero() {
		k.fail(at, "[]", "counts no answer as a failure", "at least one status, as in [5xx]")
	}
	if at, yes := said("window", b.Window == 0); yes {
		within(k, at, b.Window, minBreakerWindow, maxBreakerWindow)
	}
	coolDown, yes := said("cool_down", b.CoolDown == 0)
	if yes {
		within(k, coolDown, b.CoolDown, minCoolDown, maxCoolDown)
	}
	coolDownMax, yes := said("cool_down_max", b.CoolDownMax == 0)
	if yes {
		within(k, coolDownMax, b.CoolDownMax, minCoolDown, maxCoolDown)
	}
	if k.sound(coolDown, coolDownMax) && b.CoolDownMax > 0 && b.CoolDown > b.CoolDownMax {
		k.fail(coolDown, b.CoolDown, "is longer than the longest", "at most "+coolDownMax+", which is "+b.CoolDownMax.String())
	}
	if at, yes := said("probes", b.Probes == 0); yes {
		within(k, at, b.Probes, 1, maxProbes)
	}
	if at, yes := said("ramp", b.Ramp == 0); yes {
		shortest := Duration(0)
		if inherited { // where nothing said means as in breaker, nothing cannot be said
			shortest = Duration(1_000_000)
		}
		within(k, at, b.Ramp, shortest, maxRamp)
	}
}

// IsZero reports whether nothing is said of it.
func (b Breaker) IsZero() bool { return reflect.ValueOf(b).IsZero() }
