package configs

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// Policies are the user's own, by name: definitions choose one by it, and those that name none get policy.Default.
// A name is 1 to 64 of a-z, 0-9, - and _, and is not a preset's.
type Policies map[string]Policy

// Policy is what is changed of a preset. A zero field, or one that is not given, leaves what the preset has.
type Policy struct {
	// Extends names the preset; empty: policy.DefaultPreset.
	Extends string `yaml:"extends,omitempty"`
	// MaxAge bounds the time spent on trying, counted from the first attempt, without what limits and breaker held.
	MaxAge Duration `yaml:"max_age,omitempty"`
	// Timeout bounds one attempt, from name resolution to the end of the response.
	Timeout Duration `yaml:"timeout,omitempty"`
	// ConnectTimeout bounds resolving, connecting and TLS within it; at most Timeout.
	ConnectTimeout Duration `yaml:"connect_timeout,omitempty"`
	// Identity is the header that carries the webhook's id to its destination, such as webhook-id; the caller's own
	// header of that name wins.
	Identity string `yaml:"identity,omitempty"`
}

const (
	// DefaultMaxAge is the longest that Braze keeps trying, for hosts that cannot be reached.
	DefaultMaxAge = 24 * hour

	minMaxAge     = 1 * second
	maxMaxAge     = 365 * day
	minTimeout    = 10 * time.Millisecond
	maxTimeout    = 10 * minute // an attempt holds a connection and a place in flight all the while
	maxPolicyName = 64
)

func defaultPolicies() Policies {
	return Policies{policy.Default: {Extends: policy.DefaultPreset, MaxAge: DefaultMaxAge}}
}

func (p Policies) check(k *checker) {
	presets := policy.PresetNames()
	for name, of := range p {
		path := join("policies", keyForm(name))
		switch {
		case !isPolicyName(name):
			k.fail(path, name, "is no name for a policy", "1 to 64 of a-z, 0-9, - and _")
			continue
		case slices.Contains(presets, name):
			k.fail(path, name, "is a preset's name", "another name, with extends: "+name)
			continue
		}
		of.check(k, path, presets)
	}
}

func (p Policy) check(k *checker, path string, presets []string) {
	extends, maxAge := join(path, "extends"), join(path, "max_age")
	timeout, connect := join(path, "timeout"), join(path, "connect_timeout")
	if k.given(extends, p.Extends == "") {
		oneOf(k, extends, p.Extends, presets...)
	}
	for at, d := range map[string]Duration{timeout: p.Timeout, connect: p.ConnectTimeout} {
		if k.given(at, d == 0) {
			within(k, at, d, Duration(minTimeout), maxTimeout)
		}
	}
	if at := join(path, "identity"); p.Identity != "" && !isFieldName(p.Identity) {
		k.fail(at, p.Identity, "is not the name of a header", "one such as webhook-id")
	}
	if k.given(maxAge, p.MaxAge == 0) {
		within(k, maxAge, p.MaxAge, minMaxAge, maxMaxAge)
	}
	limit := p.Timeout
	if preset, ok := policy.Preset(cmp.Or(p.Extends, policy.DefaultPreset)); ok && limit == 0 {
		limit = Duration(preset.Timeout)
	}
	if k.sound(extends, timeout, connect) && limit > 0 && p.ConnectTimeout > limit {
		k.fail(connect, p.ConnectTimeout, "is longer than the whole attempt may take",
			"at most the timeout, which is "+limit.String())
	}
}

func isPolicyName(name string) bool {
	return name != "" && len(name) <= maxPolicyName && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}
