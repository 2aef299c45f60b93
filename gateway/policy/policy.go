// Package policy says how webhooks are treated: where they may go, what an attempt means, when to try again and when to
// stop, how long an attempt may take, what tells the destination which webhook it is, what it is signed with, when an
// endpoint that keeps failing is to be left alone for good, and how long what was sent is kept.
//
// Policies are values, compiled by configs from YAML; the presets, too, are YAML (configs/presets). The rules here are
// pure: no I/O, no clock, no goroutine, no lock; randomness is handed in. They never decide how fast a host is called
// (limiter), whether it is called at all (circuit), or in which order (gateway/schedule): limits, pace and breaker
// belong to hosts, not to policies.
package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Default is the name of the policy of a webhook whose definition names none.
const Default = "default"

// Policy is how webhooks are treated. It is not changed once made, so that many may read it at once.
type Policy struct {
	Name string

	// Methods are the allowed request methods, Schemes the allowed schemes of URLs, in the order in which they are
	// told to people. Ports are the allowed ports; empty: those that the gateway lets out. Never more than it does.
	Methods []string
	Schemes []string
	Ports   []uint16

	Timeout        time.Duration // of a whole attempt, from name resolution to the response's end; above 0
	ConnectTimeout time.Duration // of resolving, connecting and TLS within it; above 0, at most Timeout
	// Redirects is how many redirects (RFC 9110 section 15.4) one attempt follows. The response that is classified is
	// the last one. 0: none is followed.
	Redirects int

	// Classifier says what attempts mean, the first rule that matches; Otherwise what none of them matches.
	Classifier []Rule
	Otherwise  Outcome

	// Retry is the schedule after an attempt that means retry; ByClass goes before it for attempts without a response,
	// the first that has the attempt's class.
	Retry   Schedule
	ByClass []ClassSchedule
	// Throttle spaces attempts that the destination deferred without saying for how long.
	Throttle Backoff
	// MaxAge bounds what a webhook may spend on trying and on being deferred by its destination together, counted
	// from its first attempt; above 0. What holds it back here (limit, pause, breaker, queue) does not age it.
	MaxAge time.Duration
	// RateHeaders says that Retry-After and rate-limit headers move the retries of this policy, and that rules may go by
	// them. Without it they are the host's pace only.
	RateHeaders bool
	// MaxRetryAfter is the longest that Retry-After puts off a retry; 0: whatever MaxAge allows.
	MaxRetryAfter time.Duration

	// Identity are headers that tell the destination which webhook it gets.
	Identity []IdentityHeader
	// ReplayAsNew gives a replay a delivery id of its own; without it, it comes under the id of what it repeats.
	ReplayAsNew bool
	// Sign is what each attempt is signed with, in this order; empty: nothing.
	Sign []Signature
	// Envelope is how an event's data become the body of its deliveries; subscriptions only.
	Envelope Envelope
	// Ordered sends a flow's webhooks to a host one at a time, in the order of acceptance, as if each had the same
	// ordering key: one that fails holds up those behind it until it is over.
	Ordered bool

	// Disable says when an endpoint gets nothing more; subscriptions only.
	Disable Disable
	// Retention is how long finished webhooks are kept, where it differs from the gateway's.
	Retention Retention
}

// Envelope is how an event's data become a body.
type Envelope string

// The envelopes.
const (
	Raw              Envelope = "raw"               // the data, byte for byte
	StandardWebhooks Envelope = "standard-webhooks" // type, timestamp, data
	Advocate         Envelope = "advocate"          // id, type, tenantAlias, live, created, data
)

// Envelopes are all of them, in the order in which they are told to people.
var Envelopes = []Envelope{Raw, StandardWebhooks, Advocate}

// AllMethods are those that a policy of one's own allows: what RFC 9110 section 9 and RFC 5789 define, less CONNECT
// and TRACE, which are for proxies and diagnosis.
var AllMethods = []string{"POST", "PUT", "DELETE", "GET", "HEAD", "PATCH", "OPTIONS"}

// AllSchemes are those that can be called at all.
var AllSchemes = []string{"https", "http"}

// Refuses says why a destination is none for this policy, and what would be right; problem is empty when it is one.
// scheme is in lower case.
func (p *Policy) Refuses(scheme string, port uint16) (problem, want string) {
	if !slices.Contains(p.Schemes, scheme) {
		only := strings.Join(p.Schemes, " and ")
		return fmt.Sprintf("is %s, and policy %s sends over %s only", scheme, p.Name, only),
			"a URL that begins with " + p.Schemes[0] + "://"
	}
	if len(p.Ports) > 0 && !slices.Contains(p.Ports, port) {
		ports := make([]string, len(p.Ports))
		for i, n := range p.Ports {
			ports[i] = fmt.Sprint(n)
		}
		return fmt.Sprintf("goes to port %d, which policy %s does not call", port, p.Name), "port " + strings.Join(ports, " or ")
	}
	return "", ""
}

// Set holds policies by name.
type Set map[string]*Policy

// Methods returns the methods that a named policy allows, and whether there is such a policy.
func (s Set) Methods(name string) (methods []string, known bool) {
	p, ok := s[name]
	if !ok {
		return nil, false
	}
	return p.Methods, true
}

// Refuses is the named policy's; it refuses nothing where there is no such policy.
func (s Set) Refuses(name, scheme string, port uint16) (problem, want string) {
	if p, ok := s[name]; ok {
		return p.Refuses(scheme, port)
	}
	return "", ""
}

// Ordered reports whether there is such a policy, and its webhooks are sent in order.
func (s Set) Ordered(name string) bool {
	p, ok := s[name]
	return ok && p.Ordered
}

// Names returns the policies' names, sorted.
func (s Set) Names() []string { return slices.Sorted(maps.Keys(s)) }
