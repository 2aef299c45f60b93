// Package webhook turns a definition, the JSON a client posts, into the webhook that is stored: read, checked whole,
// normalised. It also knows the host and the lane a webhook belongs to, how a repeated request is recognised, and what
// must not be shown of a webhook (mask.go).
//
// It is pure: no I/O, no clock, no goroutine, no lock; the instant, the secret and the policies are handed in. It
// never changes what the caller wrote of URL, headers and body, and never decides when or whether a webhook is sent.
package webhook

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Bounds of a definition, in bytes unless said otherwise.
const (
	DefaultMaxSize = 768 << 10 // of a webhook in all; a stored record stays inline below 1 MiB
	MaxURL         = 8192      // what common servers accept as a request line; RFC 9112 section 3 asks for 8000
	MaxFlow        = 128
	MaxType        = 128
	MaxName        = 256 // tenant, policy, ordering_key, limit_key, subject, idempotency_key, message_variation_id
	MaxMetadata    = 4 << 10
	MaxDepth       = 64 // levels of arrays and objects within one field
	MaxSendAtAhead = 30 * 24 * time.Hour

	maxFaults = 50 // that are told of one definition
)

// What a definition that does not say gets.
const (
	// orderedByPolicy is the ordering key under a policy that sends in order: one for each flow and destination.
	orderedByPolicy = "policy"

	DefaultTenant = "default"
	DefaultFlow   = "default"
	defaultMethod = "POST"
)

// Policies is what a definition's policy and method are checked against; policy.Set is one.
type Policies interface {
	// Methods returns the request methods a policy allows, and whether there is such a policy.
	Methods(name string) (methods []string, known bool)
	// Refuses says why a scheme or port is none for a policy's webhooks, and what would be right; problem is empty
	// when it is one.
	Refuses(name, scheme string, port uint16) (problem, want string)
	// Ordered reports whether a policy's webhooks are sent in the order of acceptance without an ordering_key too.
	Ordered(name string) bool
	Names() []string
}

// Defaults are what a definition is read with.
type Defaults struct {
	Tenant   string // of definitions that name none; empty: DefaultTenant
	Policy   string // likewise; never empty
	Policies Policies
	// Unsigned says why a policy has nothing to sign a definition's webhook with, and what would be right; problem is empty
	// where it has, or signs nothing. Nil: none signs.
	Unsigned func(name string) (problem, want string)
	// LaneBy says what the limit of a host (as in record.Lane) is by. Nil: by host.
	LaneBy func(host string) LaneBy
	// Credentials are those that a definition may name; nil: none.
	Credentials Credentials
	// Destination refuses what must never be called, as far as name or address literal and port tell; the address is
	// checked again when it is dialled. host is without brackets. Nil refuses nothing.
	Destination func(host string, port uint16) error
	// Priority is that of a flow's definitions which state none. Nil: normal.
	Priority func(tenant, flow string) record.Priority
	Secret   [32]byte // keys the digests in lanes
	MaxSize  int      // bytes of URL, headers, body and the rest together; 0: DefaultMaxSize
}

func (d *Defaults) maxSize() int {
	if d.MaxSize > 0 {
		return d.MaxSize
	}
	return DefaultMaxSize
}

// Definition is what one definition asks for.
type Definition struct {
	// Webhook is complete. Its Body may share memory with the text it was read from; nothing else does.
	Webhook        record.Webhook
	IdempotencyKey string // empty: none was given
}

// reading holds one definition while it is read.
type reading struct {
	defaults  *Defaults
	now       time.Time
	inner     *scanner                   // of headers and metadata
	raw       [fieldCount]jsontext.Value // the fields as received; nil: not given, or null
	notObject bool
	faults    faultList
}

// definition checks the fields in the order in which they are documented and puts the webhook together.
func (r *reading) definition() *Definition {
	def := &Definition{IdempotencyKey: r.text(fieldIdempotencyKey, MaxName)}
	w := &def.Webhook
	r.exclusive(fieldMethod, fieldRequestMethod)
	r.exclusive(fieldHeaders, fieldRequestHeaders)
	r.exclusive(fieldBody, fieldBodyBase64)

	w.Policy = or(r.text(fieldPolicy, MaxName), r.defaults.Policy)
	target := r.url(w)
	r.method(w)
	r.headers(w)
	r.body(w)
	w.Tenant = or(r.text(fieldTenant, MaxName), or(r.defaults.Tenant, DefaultTenant))
	w.Flow = or(r.text(fieldFlow, MaxFlow), DefaultFlow)
	w.Type = r.text(fieldType, MaxType)
	w.Variation = r.text(fieldVariation, MaxName)
	w.Metadata = r.metadata()
	r.credential(w)
	r.priority(w)
	r.when(w)
	if key := r.text(fieldOrderingKey, MaxName); key != "" {
		w.Ordering = OrderingDigest(key)
	} else if r.defaults.Policies.Ordered(w.Policy) {
		w.Ordering = OrderingDigest(orderedByPolicy)
	}
	if subject := r.text(fieldSubject, MaxName); subject != "" {
		w.Subject = SubjectDigest(&r.defaults.Secret, subject)
	}
	limitKey := r.text(fieldLimitKey, MaxName)
	if r.defaults.LaneBy != nil && target.Host != "" {
		w.LaneKey = r.defaults.LaneBy(target.Host).key(&r.defaults.Secret, w, target.Path, limitKey)
	}
	if n, most := size(w), r.defaults.maxSize(); n > most {
		r.faults.add(tooLarge(n, most))
	}
	return def
}

// size is what a webhook weighs: the bytes of everything that varies.
func size(w *record.Webhook) int {
	n := len(w.URL) + len(w.Body) + len(w.Tenant) + len(w.Flow) + len(w.Type) + len(w.Variation) + len(w.Policy)
	for i := range w.Headers {
		n += len(w.Headers[i].Name) + len(w.Headers[i].Value)
	}
	for k, v := range w.Metadata {
		n += len(k) + len(v)
	}
	return n
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}
