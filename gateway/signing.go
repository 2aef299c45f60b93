package gateway

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/rules"
	"github.com/sluice-gateway/sluice/gateway/sign"
	"github.com/sluice-gateway/sluice/gateway/subscription"
	"github.com/sluice-gateway/sluice/persist/record"
)

// signing signs attempts as their policies say: deliveries of a subscription with its secrets, other webhooks with those of
// the policy's secret_file, and by schemes of keys with the gateway's own. What it cannot sign is not sent.
type signing struct {
	rules *rules.InForce
	keys  *signingKeys
	// secrets returns what a subscription's deliveries are signed with at an instant, the newest first;
	// subscription.ErrNotFound: it is gone, and nothing is left to sign them with.
	secrets func(subscription string, now time.Time) ([]string, error)
	gone    func(subscription string) bool
	notices *notices
	log     zerolog.Logger
	failing unsignable
}

// sign is dispatch.Settings.Sign.
func (s *signing) sign(
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

func (s *signing) signer(by *policy.Signature, w *record.Webhook, now time.Time) (*sign.Signer, error) {
	switch scheme := sign.Scheme(by.Scheme); {
	case by.Own:
		return s.keys.signer()
	case w.Subscription != "":
		return s.subscribed(scheme, w.Subscription, now)
	case by.SecretFile == "":
		return nil, fmt.Errorf("%s: there is no secret: want sign: secret_file in the policy", scheme)
	default:
		signer := s.rules.Signer(*by)
		if signer == nil { // put in force this moment
			return nil, fmt.Errorf("%s: %s has not been read yet", scheme, by.SecretFile)
		}
		return signer, nil
	}
}

func (s *signing) subscribed(scheme sign.Scheme, id string, now time.Time) (*sign.Signer, error) {
	texts, err := s.secrets(id, now)
	if err != nil {
		return nil, err
	}
	return sign.New(scheme, secretsOf(texts)...)
}

func secretsOf(texts []string) []sign.Secret {
	secrets := make([]sign.Secret, len(texts))
	for i, text := range texts {
		secrets[i] = sign.NewSecret(text)
	}
	return secrets
}

// orphaned reports whether a webhook can never be signed any more: it is to be signed with secrets that went with its
// subscription. What the gateway signs with its own key needs none.
func (s *signing) orphaned(w *record.Webhook) bool {
	if w.Subscription == "" || !s.gone(w.Subscription) {
		return false
	}
	p := s.rules.Policies()[w.Policy]
	if p == nil { // it is not configured any more
		p = s.rules.Policies()[policy.Default]
	}
	return slices.ContainsFunc(p.Sign, func(by policy.Signature) bool { return !by.Own })
}

func (s *signing) failed(p *policy.Policy, w *record.Webhook, err error) error {
	err = fmt.Errorf("signing for policy %s: %w", p.Name, err)
	if !s.failing.add(signedFor{p.Name, w.Subscription}, err.Error()) {
		s.notices.add(notice{noticeUnsigned, "webhooks cannot be signed: they wait, and none is sent unsigned", map[string]any{
			"policy": p.Name, "subscription": w.Subscription, "tenant": w.Tenant, "error": err.Error(),
		}, time.Now()})
	}
	return err
}

// unsigned says why a webhook that waits could not be signed when that was tried last; empty: there is nothing to say.
func (s *signing) unsigned(w *record.Webhook) string {
	name := w.Policy
	if s.rules.Policies()[name] == nil { // it is not configured any more
		name = policy.Default
	}
	cause, failed := s.failing.why(signedFor{name, w.Subscription})
	if !failed {
		return ""
	}
	return fmt.Sprintf("it cannot be signed, and is not sent unsigned: %s", cause)
}

func (s *signing) mended(p *policy.Policy, w *record.Webhook) {
	if s.failing.remove(signedFor{p.Name, w.Subscription}) {
		s.log.Info().Str("policy", p.Name).Str("subscription", w.Subscription).Msg("webhooks are signed again")
	}
}

// readSigners reads the secrets that policies name: a file has one in each line, the newest first. Its error tells of every
// file that cannot be used.
func readSigners(policies policy.Set) (map[policy.Signature]*sign.Signer, error) {
	signers := map[policy.Signature]*sign.Signer{}
	var faults []error
	for _, name := range policies.Names() {
		for _, by := range policies[name].Sign {
			if by.SecretFile == "" || signers[by] != nil {
				continue
			}
			signer, err := readSigner(by)
			if err != nil {
				faults = append(faults, fmt.Errorf("policies.%s.sign: secret_file: %w", name, err))
				continue
			}
			signers[by] = signer
		}
	}
	return signers, errors.Join(faults...)
}

func readSigner(by policy.Signature) (*sign.Signer, error) {
	text, err := os.ReadFile(by.SecretFile)
	if err != nil {
		return nil, err
	}
	var secrets []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			secrets = append(secrets, line)
		}
	}
	signer, err := sign.New(sign.Scheme(by.Scheme), secretsOf(secrets)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: want a secret in each line, the newest first", by.SecretFile, err)
	}
	return signer, nil
}
