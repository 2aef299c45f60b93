// Package policy says how webhooks are treated: what an attempt means, when to try again and when to stop, how long an
// attempt may take, which methods are allowed and which header carries the webhook's id.
//
// It is pure: no I/O, no clock, no goroutine, no lock; randomness is handed in. It never decides how fast a host is
// called (limiter), whether it is called at all (circuit), or in which order (gateway/schedule): limits, pace and
// breaker belong to hosts, not to policies.
package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Default is the name of the policy of a webhook whose definition names none. It extends DefaultPreset unless the
// configuration says otherwise.
const Default = "default"

// Policy is how webhooks are treated. It is not changed once made, so that many may read it at once.
type Policy struct {
	Name           string
	Timeout        time.Duration // of a whole attempt, from name resolution to the response's end; above 0
	ConnectTimeout time.Duration // of resolving, connecting and TLS within it; above 0, at most Timeout
	// MaxAge bounds what a webhook may spend on trying and on being deferred by its destination together, counted
	// from its first attempt. What holds it back here (limit, pause, breaker, queue) does not age it.
	MaxAge time.Duration
	// Methods are the allowed request methods, in the order in which they are told to people.
	Methods []string
	// Identity is the header that carries the webhook's id to its destination; empty: none. A header of that name
	// which the caller wrote wins.
	Identity string
	// Retry is the schedule after an answer that means retry or a connection that broke; Unreachable the one after
	// attempts that never reached the host.
	Retry, Unreachable Schedule
	// Throttle spaces attempts that the destination deferred without saying for how long.
	Throttle Backoff
}

// AllMethods are those that a policy of one's own allows: what RFC 9110 section 9 and RFC 5789 define, less CONNECT
// and TRACE, which are for proxies and diagnosis.
var AllMethods = []string{"POST", "PUT", "DELETE", "GET", "HEAD", "PATCH", "OPTIONS"}

// Allows reports whether the policy lets a method be used; methods are case-sensitive (RFC 9110 section 9.1).
func (p *Policy) Allows(method string) bool { return slices.Contains(p.Methods, method) }

// Overrides are what a configuration may change of a preset. A zero field leaves the preset's.
type Overrides struct {
	Extends        string // the preset's name; empty: DefaultPreset
	MaxAge         time.Duration
	Timeout        time.Duration
	ConnectTimeout time.Duration
	Identity       string // the header that carries a webhook's id
}

// Resolve makes a named policy from a preset and what is changed of it. It allows all methods: a preset's own list
// binds those who ask for the preset by its name. Its error tells every fault, one a line.
func Resolve(name string, o Overrides) (*Policy, error) {
	base := o.Extends
	if base == "" {
		base = DefaultPreset
	}
	preset, ok := Preset(base)
	if !ok {
		return nil, fmt.Errorf("policy %q: extends %q: want one of %s", name, o.Extends, strings.Join(PresetNames(), ", "))
	}
	p := *preset
	p.Name, p.Methods = name, AllMethods
	var faults []error
	set := func(to *time.Duration, field string, d time.Duration) {
		switch {
		case d < 0:
			faults = append(faults, fmt.Errorf("policy %q: %s %s: want more than 0", name, field, d))
		case d > 0:
			*to = d
		}
	}
	if o.Identity != "" {
		p.Identity = o.Identity
	}
	set(&p.MaxAge, "max_age", o.MaxAge)
	set(&p.Timeout, "timeout", o.Timeout)
	set(&p.ConnectTimeout, "connect_timeout", o.ConnectTimeout)
	if p.ConnectTimeout > p.Timeout {
		if o.ConnectTimeout > 0 {
			faults = append(faults, fmt.Errorf("policy %q: connect_timeout %s: want at most the timeout, %s",
				name, p.ConnectTimeout, p.Timeout))
		}
		p.ConnectTimeout = p.Timeout // a short timeout shortens an inherited connect_timeout with it
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return &p, nil
}

// Set holds policies by name: the presets, Default, and those of the configuration.
type Set map[string]*Policy

// NewSet resolves a configuration's policies. Preset names cannot be given another meaning. Its error tells every
// fault, one a line.
func NewSet(named map[string]Overrides) (Set, error) {
	set := Set{}
	for _, name := range PresetNames() {
		set[name], _ = Preset(name)
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if _, taken := Preset(name); taken {
			faults = append(faults, fmt.Errorf("policy %q: the name is a preset's: want another name, with extends: %s", name, name))
			continue
		}
		p, err := Resolve(name, named[name])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		set[name] = p
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if _, ok := set[Default]; !ok {
		set[Default], _ = Resolve(Default, Overrides{})
	}
	return set, nil
}

// Methods returns the methods that a named policy allows, and whether there is such a policy.
func (s Set) Methods(name string) (methods []string, known bool) {
	p, ok := s[name]
	if !ok {
		return nil, false
	}
	return p.Methods, true
}

// Names returns the policies' names, sorted.
func (s Set) Names() []string { return slices.Sorted(maps.Keys(s)) }
