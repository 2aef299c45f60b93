package configs

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// Policies are the user's own, by name: definitions choose one by it, and those that name none get policy.Default.
// A name is 1 to 64 of a-z, 0-9, - and _, and is not a preset's.
type Policies map[string]Policy

// Policy is how webhooks are treated, as far as it differs from what it extends: a key that is not given is as it is
// there. Presets are written in the same keys (configs/presets); what none of them says is in basis.
type Policy struct {
	// Extends names a preset, or another policy; empty: DefaultPreset. None extends nothing.
	Extends string `yaml:"extends,omitempty"`

	// Methods are the request methods that may be used; a preset's own bind only those who ask for it by its name.
	Methods Listed[string] `yaml:"methods,omitempty"`
	// Schemes are https, http or both.
	Schemes Listed[string] `yaml:"schemes,omitempty"`
	// Ports that may be called, of those that egress lets out; empty: all of these.
	Ports Listed[int] `yaml:"ports,omitempty"`

	// Timeout bounds one attempt, from name resolution to the end of the response.
	Timeout Duration `yaml:"timeout,omitempty"`
	// ConnectTimeout bounds resolving, connecting and TLS within it; at most Timeout.
	ConnectTimeout Duration `yaml:"connect_timeout,omitempty"`
	// Redirects is how many an attempt follows; 0 to MaxRedirects.
	Redirects *int `yaml:"redirects,omitempty"`

	// Classify says what attempts mean; the first rule that matches counts. Rules go before those of what is extended.
	Classify Listed[PolicyRule] `yaml:"classify,omitempty"`
	// Otherwise is what an attempt means that no rule matches: retry or failed.
	Otherwise string `yaml:"otherwise,omitempty"`

	// Retry is when to try again. One that names its delays (list, fixed, exponential) replaces what is extended; one
	// that does not changes only what it names.
	Retry RetrySchedule `yaml:"retry,omitempty"`
	// RetryOn are schedules for attempts without a response, the first that names the attempt's error.
	RetryOn Listed[ErrorSchedule] `yaml:"retry_on,omitempty"`
	// Throttle spaces attempts that the destination deferred without saying for how long.
	Throttle Throttle `yaml:"throttle,omitempty"`
	// MaxAge bounds the time spent on trying, counted from the first attempt, without what limits and breaker held.
	MaxAge Duration `yaml:"max_age,omitempty"`
	// RateHeaders is on or off: whether Retry-After and rate-limit headers move retries, and rules go by them. They
	// are the host's pace either way.
	RateHeaders string `yaml:"rate_headers,omitempty"`
	// MaxRetryAfter is the longest that Retry-After puts off a retry; 0s: whatever MaxAge allows.
	MaxRetryAfter *Duration `yaml:"max_retry_after,omitempty"`

	// Identity are headers that tell the destination which webhook it gets; the caller's own of that name wins.
	Identity Identity `yaml:"identity,omitempty"`
	// ReplayID is new or same: whether a replay comes under a delivery id of its own.
	ReplayID string `yaml:"replay_id,omitempty"`
	// Sign is what attempts are signed with.
	Sign Listed[Signature] `yaml:"sign,omitempty"`
	// Envelope is how events become bodies: raw, standard-webhooks or advocate. Of subscriptions only.
	Envelope string `yaml:"envelope,omitempty"`
	// Ordered sends a flow's webhooks to a host one at a time, in the order of acceptance.
	Ordered *bool `yaml:"ordered,omitempty"`

	// Disable is when an endpoint gets nothing more until it is enabled again. Of subscriptions only.
	Disable Disable `yaml:"disable,omitempty"`
	// Retention is how long finished webhooks are kept, where it differs from the gateway's.
	Retention PolicyRetention `yaml:"retention,omitempty"`
}

const (
	// DefaultPreset is what a policy extends that does not say.
	DefaultPreset = "braze"
	// None is what a policy extends that is to have nothing of a preset's.
	None = "none"

	// DefaultMaxAge is the longest that Braze keeps trying, for hosts that cannot be reached.
	DefaultMaxAge = 24 * hour

	// MaxRedirects is as many as browsers once followed (RFC 2068 section 10.3); more are a loop.
	MaxRedirects = 5

	minMaxAge     = 1 * second
	maxMaxAge     = 365 * day
	minTimeout    = 10 * time.Millisecond
	maxTimeout    = 10 * minute // an attempt holds a connection and a place in flight all the while
	maxPolicyName = 64
)

func defaultPolicies() Policies {
	return Policies{policy.Default: {Extends: DefaultPreset, MaxAge: DefaultMaxAge}}
}

// basis is what holds where neither a policy nor what it extends says anything: tried again unless told otherwise, for a day
// at most, with nothing added to what the caller wrote. It has no schedule: each preset says its own.
func basis() Policy {
	none, forever, unordered := 0, Duration(0), false
	base, factor, top, jitter := second, 2.0, minute, defaultJitter
	return Policy{
		Methods: policy.AllMethods, Schemes: policy.AllSchemes, Ports: []int{},
		Timeout: 30 * second, ConnectTimeout: 10 * second, Redirects: &none,
		Classify: []PolicyRule{}, Otherwise: string(policy.Retry),
		RetryOn:  []ErrorSchedule{},
		Throttle: Throttle{Base: &base, Factor: &factor, Cap: &top, Jitter: &jitter},
		MaxAge:   DefaultMaxAge, RateHeaders: on, MaxRetryAfter: &forever,
		Identity: Identity{}, ReplayID: replaySame, Sign: []Signature{}, Envelope: string(policy.Raw), Ordered: &unordered,
		Disable: Disable{Totals: Totals{}, Reset: Reset{OnSuccess: true}, Exhausted: &none, Pending: string(policy.Hold)},
	}
}

// The words of switches.
const (
	on, off               = "on", "off"
	replayNew, replaySame = "new", "same"
)

func (p Policies) check(k *checker) {
	var sound []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		path, before, of := join("policies", keyForm(name)), len(k.faults), p[name]
		switch {
		case !isPolicyName(name):
			k.fail(path, name, "is no name for a policy", "1 to 64 of a-z, 0-9, - and _")
		case isPreset(name):
			k.fail(path, name, "is a preset's name", "another name, with extends: "+name)
		case name == None:
			k.fail(path, name, "is kept for extends: none", "another name")
		default:
			of.check(k, path)
			p.checkExtends(k, join(path, "extends"), name)
		}
		if len(k.faults) == before {
			sound = append(sound, name)
		}
	}
	for _, name := range sound {
		p.checkResolved(k, join("policies", keyForm(name)), name, sound)
	}
}

// check checks what the policy itself says. What it says together with what it extends is for checkResolved.
func (p *Policy) check(k *checker, path string) {
	at := func(key string) string { return join(path, key) }
	checkWords(k, at("methods"), p.Methods, policy.AllMethods...)
	checkWords(k, at("schemes"), p.Schemes, policy.AllSchemes...)
	checkPorts(k, at("ports"), p.Ports)
	for key, d := range map[string]Duration{"timeout": p.Timeout, "connect_timeout": p.ConnectTimeout} {
		if k.given(at(key), d == 0) {
			within(k, at(key), d, Duration(minTimeout), maxTimeout)
		}
	}
	if p.Redirects != nil {
		within(k, at("redirects"), *p.Redirects, 0, MaxRedirects)
	}
	for i := range p.Classify {
		p.Classify[i].check(k, item(at("classify"), i))
	}
	p.Retry.check(k, at("retry"))
	for i := range p.RetryOn {
		p.RetryOn[i].check(k, item(at("retry_on"), i))
	}
	p.Throttle.check(k, at("throttle"))
	if k.given(at("max_age"), p.MaxAge == 0) {
		within(k, at("max_age"), p.MaxAge, minMaxAge, maxMaxAge)
	}
	if p.MaxRetryAfter != nil {
		within(k, at("max_retry_after"), *p.MaxRetryAfter, 0, maxMaxAge)
	}
	p.Identity.check(k, at("identity"))
	for i := range p.Sign {
		p.Sign[i].check(k, item(at("sign"), i))
	}
	for key, of := range map[string]struct {
		word  string
		words []string
	}{
		"otherwise":    {p.Otherwise, []string{string(policy.Retry), string(policy.Failed)}},
		"rate_headers": {p.RateHeaders, []string{on, off}},
		"replay_id":    {p.ReplayID, []string{replayNew, replaySame}},
		"envelope":     {p.Envelope, words(policy.Envelopes)},
	} {
		if k.given(at(key), of.word == "") {
			oneOf(k, at(key), of.word, of.words...)
		}
	}
	p.Disable.check(k, at("disable"))
	p.Retention.check(k, at("retention"))
}

func isPolicyName(name string) bool {
	return name != "" && len(name) <= maxPolicyName && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}
