// Package sign makes the headers by which a receiver knows who sent a webhook and that nobody changed it: one scheme
// for each way of signing that senders have published.
//
// It is pure: no I/O, no clock, no goroutine, no lock; the instant and randomness are handed in. It never decides
// whether a webhook is signed, nor with which secret (gateway), and it never sends one. It makes signatures and
// compares none: that is the receiver's part.
package sign

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Scheme names a way of signing.
type Scheme string

// The schemes. All but Advocate sign with secrets that sender and receiver share, or, StandardWebhooks with a whsk_
// secret, with a key of the subscription's own. Advocate signs with a key of the gateway's, whose public part it
// publishes.
const (
	// StandardWebhooks is Standard Webhooks 1.0.0 (standardwebhooks.com): webhook-id, webhook-timestamp and
	// webhook-signature. A whsec_ secret makes a v1 signature (HMAC-SHA256), a whsk_ one a v1a (Ed25519); several make
	// several, separated by spaces.
	StandardWebhooks Scheme = "standard-webhooks"
	// Chariow is x-chariow-signature: sha256= and the hexadecimal HMAC-SHA256 of the body. The secret counts as it
	// stands, whsec_ and all.
	Chariow Scheme = "chariow"
	// GitHub is X-Hub-Signature-256: sha256= and the hexadecimal HMAC-SHA256 of the body (GitHub Docs, "Validating
	// webhook deliveries").
	GitHub Scheme = "github"
	// Shopify is X-Shopify-Hmac-Sha256: the HMAC-SHA256 of the body in base64 (Shopify, "Deliver webhooks through
	// HTTPS").
	Shopify Scheme = "shopify"
	// Slack is X-Slack-Signature, v0= and the hexadecimal HMAC-SHA256 of v0:timestamp:body, with
	// X-Slack-Request-Timestamp in Unix seconds (Slack, "Verifying requests from Slack").
	Slack Scheme = "slack"
	// Stripe is Stripe-Signature: t=, the timestamp in Unix seconds, and for each secret v1=, the hexadecimal
	// HMAC-SHA256 of timestamp.body (Stripe, "Verify webhook signatures manually").
	Stripe Scheme = "stripe"
	// CustomerIO is X-CIO-Signature, the hexadecimal HMAC-SHA256 of v0:timestamp:body, with X-CIO-Timestamp in Unix
	// seconds (Customer.io, "Reporting webhooks").
	CustomerIO Scheme = "customer-io"
	// HubSpot is X-HubSpot-Signature-v3, the HMAC-SHA256 of method, URL, body and timestamp in base64, with
	// X-HubSpot-Request-Timestamp in Unix milliseconds (HubSpot, "Validating requests").
	HubSpot Scheme = "hubspot"
	// Klaviyo is Klaviyo-Signature, the hexadecimal HMAC-SHA256 of body and timestamp, with Klaviyo-Timestamp as an
	// HTTP date (Klaviyo, "Working with system webhooks").
	Klaviyo Scheme = "klaviyo"
	// Advocate is X-Hook-JWS-RFC-7797: a JWS (RFC 7515) by RS256 over the body, base64url-encoded as usual, and left
	// out: HEADER..SIGNATURE (RFC 7515 appendix F; SaaSquatch, "Webhook security").
	Advocate Scheme = "advocate"
)

// Schemes lists all schemes, in the order in which they are told to people.
func Schemes() []Scheme {
	return []Scheme{
		StandardWebhooks, Chariow, GitHub, Shopify, Slack, Stripe, CustomerIO, HubSpot, Klaviyo, Advocate,
	}
}

// Shared reports whether a scheme signs with the secrets that New takes; else it signs with a Key, and NewJWS makes its
// signer.
func (s Scheme) Shared() bool { return s != Advocate }

// Message is what is signed of one attempt.
type Message struct {
	// ID is what the receiver knows the webhook by: the same for all its attempts.
	ID string
	// At is when the attempt is made. Receivers refuse what is some minutes away from their own clock, so each attempt
	// is signed anew.
	At     time.Time
	Method string
	URL    string // as it is called
	Body   []byte // as it is sent
}

// ErrSecret is wrapped by every error about a secret that a scheme cannot sign with. None of them shows the secret.
var ErrSecret = errors.New("unusable signing secret")

// Signer signs by one scheme with the secrets it was made with. It is not changed once made: many may use it at once.
type Signer struct {
	scheme Scheme
	// own are the headers it adds; what a caller wrote of these names tells that it signed itself.
	own []string
	// id is the header that carries the message's id, whoever wrote it; empty: the scheme signs none.
	id   string
	sign func(m *Message) ([]record.Header, error)
}

// New returns a signer with one secret or, while a rotation lets the former one count, several, the newest first.
// StandardWebhooks and Stripe then carry a signature by each; the others have room for one, by the newest. Its errors
// wrap ErrSecret.
func New(scheme Scheme, secrets ...Secret) (*Signer, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%w: %s: there is none", ErrSecret, scheme)
	}
	for _, secret := range secrets {
		if secret.Empty() {
			return nil, fmt.Errorf("%w: %s: it is empty", ErrSecret, scheme)
		}
	}
	if scheme == StandardWebhooks {
		return newStandard(secrets)
	}
	if s, ok := digests[scheme]; ok {
		return s.signer(scheme, secrets), nil
	}
	return nil, fmt.Errorf("%w: scheme %q takes none: want one of %s", ErrSecret, scheme, sharedNames())
}

func sharedNames() string {
	var names []string
	for _, s := range Schemes() {
		if s.Shared() {
			names = append(names, string(s))
		}
	}
	return strings.Join(names, ", ")
}

// Apply returns headers with those that sign a message behind them. Of the message's id, the value of a header counts
// that the scheme carries it in. Where the caller wrote one of the scheme's other headers, it has signed itself, and
// nothing is added. Headers itself is not changed.
func (s *Signer) Apply(headers []record.Header, m Message) ([]record.Header, error) {
	own := func(h record.Header) bool {
		return slices.ContainsFunc(s.own, func(name string) bool { return strings.EqualFold(name, h.Name) })
	}
	if slices.ContainsFunc(headers, own) {
		return headers, nil
	}
	named := false
	if s.id != "" {
		for i := range headers {
			if strings.EqualFold(headers[i].Name, s.id) {
				m.ID, named = headers[i].Value, true
				break
			}
		}
	}
	added, err := s.sign(&m)
	if err != nil {
		return nil, fmt.Errorf("signing by %s: %w", s.scheme, err)
	}
	all := headers[:len(headers):len(headers)]
	if s.id != "" && !named {
		all = append(all, record.Header{Name: s.id, Value: m.ID})
	}
	return append(all, added...), nil
}
