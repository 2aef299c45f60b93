// Package signer chooses what each attempt is signed with, by its policy, and remembers what could not be signed. Schemes are
// gateway/sign's; this package holds the gateway's own keys and reads the files of secrets. It never sends, and never lets go
// unsigned what was to be signed.
package signer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/sign"
	"github.com/sluice-gateway/sluice/gateway/subscription"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Settings are what a Signer works with; all must be set.
type Settings struct {
	Policies func() policy.Set
	// Files returns what signs by a policy's secret_file, as ReadFiles read it; nil: it has not been read yet.
	Files func(policy.Signature) *sign.Signer
	Keys  *Keys
	// Secrets returns what a subscription's deliveries are signed with at an instant, the newest first;
	// subscription.ErrNotFound: it is gone, and nothing is left to sign them with.
	Secrets func(subscription string, now time.Time) ([]string, error)
	// Gone reports whether a subscription was deleted.
	Gone func(subscription string) bool
	// Failed hears once that the webhooks of a policy, or of a subscription of it, cannot be signed, until one is again.
	Failed func(policy, subscription, tenant string, cause error)
	Log    zerolog.Logger
}

// Signer signs attempts as their policies say: deliveries of a subscription with its secrets, other webhooks with those of
// the policy's secret_file, and by schemes of keys with the gateway's own. What it cannot sign is not sent.
type Signer struct {
	set     Settings
	failing unsignable
}

// New returns a signer.
func New(set Settings) *Signer { return &Signer{set: set} }

// Sign is dispatch.Settings.Sign.
func (s *Signer) Sign(
	p *policy.Policy, w *record.Webhook, id record.ID, now time.Time, headers []record.Header,
) ([]record.Header, error) {
	m := sign.Message{ID: id.String(), At: now, Method: w.Method, URL: w.URL, Body: w.Body}
	if w.Event != "" { // by which a receiver knows a repetition, where its policy names no header for it
		m.ID = w.Event
	}
	for i := range p.Sign {
		signer, err := s.signer(&p.Sign[i], w, now)
		if err == nil {
			headers, err = signer.Apply(headers, m)
		}
		switch {
		case errors.Is(err, subscription.ErrNotFound):
			return nil, fmt.Errorf("%w: its subscription was deleted", dispatch.ErrOrphaned)
		case err != nil:
			return nil, s.failed(p, w, err)
		}
	}
	s.mended(p, w)
	return headers, nil
}

func (s *Signer) signer(by *policy.Signature, w *record.Webhook, now time.Time) (*sign.Signer, error) {
	switch scheme := sign.Scheme(by.Scheme); {
	case by.Own:
		return s.set.Keys.signer()
	case w.Subscription != "":
		return s.subscribed(scheme, w.Subscription, now)
	case by.SecretFile == "":
		return nil, fmt.Errorf("%s: there is no secret: want sign: secret_file in the policy", scheme)
	default:
		signer := s.set.Files(*by)
		if signer == nil { // put in force this moment
			return nil, fmt.Errorf("%s: %s has not been read yet", scheme, by.SecretFile)
		}
		return signer, nil
	}
}

func (s *Signer) subscribed(scheme sign.Scheme, id string, now time.Time) (*sign.Signer, error) {
	texts, err := s.set.Secrets(id, now)
	if err != nil {
		return nil, err
	}
	return sign.New(scheme, secretsOf(texts)...)
}

// Orphaned reports whether a webhook can never be signed any more: it is to be signed with secrets that went with its
// subscription. What the gateway signs with its own key needs none.
func (s *Signer) Orphaned(w *record.Webhook) bool {
	if w.Subscription == "" || !s.set.Gone(w.Subscription) {
		return false
	}
	p := s.set.Policies()[w.Policy]
	if p == nil { // it is not configured any more
		p = s.set.Policies()[policy.Default]
	}
	return slices.ContainsFunc(p.Sign, func(by policy.Signature) bool { return !by.Own })
}

func (s *Signer) failed(p *policy.Policy, w *record.Webhook, err error) error {
	err = fmt.Errorf("signing for policy %s: %w", p.Name, err)
	if !s.failing.add(signedFor{p.Name, w.Subscription}, err.Error()) {
		s.set.Failed(p.Name, w.Subscription, w.Tenant, err)
	}
	return err
}

// Unsigned says why a webhook that waits could not be signed when that was tried last; empty: there is nothing to say.
func (s *Signer) Unsigned(w *record.Webhook) string {
	name := w.Policy
	if s.set.Policies()[name] == nil { // it is not configured any more
		name = policy.Default
	}
	cause, failed := s.failing.why(signedFor{name, w.Subscription})
	if !failed {
		return ""
	}
	return fmt.Sprintf("it cannot be signed, and is not sent unsigned: %s", cause)
}

func (s *Signer) mended(p *policy.Policy, w *record.Webhook) {
	if s.failing.remove(signedFor{p.Name, w.Subscription}) {
		s.set.Log.Info().Str("policy", p.Name).Str("subscription", w.Subscription).Msg("webhooks are signed again")
	}
}
