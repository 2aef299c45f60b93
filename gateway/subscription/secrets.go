package subscription

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/gateway/sign"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Secrets returns what the deliveries of a subscription are signed with at an instant, the newest first. ErrNotFound: there is
// none of that id any more, or it was deleted and nothing is to finish; errUnreadable: this release cannot read it.
func (r *Room) Secrets(id string, now time.Time) ([]string, error) {
	r.mu.RLock()
	e := r.byID[id]
	_, broken := r.broken[id]
	r.mu.RUnlock()
	switch {
	case broken:
		return nil, fmt.Errorf("subscription %s: %w", id, errUnreadable)
	case e == nil, e.Record.Leaving && cancels(e.Record):
		return nil, fmt.Errorf("subscription %s: %w", id, ErrNotFound)
	}
	var inUse []string
	for _, s := range e.Record.Secrets {
		if s.Until == 0 || now.UnixMilli() < s.Until {
			inUse = append(inUse, s.Value)
		}
	}
	return inUse, nil
}

// maxSecrets is how many secrets sign at once, each rotation within the overlap of another adding one.
const maxSecrets = 5

// Rotate gives a tenant's subscription another secret, a given one or one that is made, and returns it. Those before it
// go on signing for as long as the overlap says, or as they had left.
func (r *Room) Rotate(
	ctx context.Context, tenantName, id, secret string, overlap time.Duration,
) (s *record.Subscription, told string, err error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	is := r.entry(tenantName, id)
	if is == nil {
		return nil, "", fmt.Errorf("subscription %s: %w", id, ErrNotFound)
	}
	if secret == "" {
		made, err := sign.GenerateSecret(rand.Reader)
		if err != nil {
			return nil, "", err
		}
		secret = made.Reveal()
	}
	now := time.Now()
	changed := *is.Record
	changed.UpdatedAt = now.UnixMilli()
	changed.Secrets = rotated(is.Record.Secrets, secret, now, overlap)
	err = r.replace(ctx, replacement{was: is, is: &Entry{Record: &changed, filter: is.filter, products: is.products}})
	if err != nil {
		return nil, "", err
	}
	r.set.Log.Info().Str("subscription", id).Dur("overlap_ms", overlap).Msg("secret rotated")
	return &changed, secret, nil
}

func rotated(was []record.Secret, secret string, now time.Time, overlap time.Duration) []record.Secret {
	until := now.Add(overlap).UnixMilli()
	secrets := []record.Secret{{Value: secret}}
	for _, s := range was {
		if s.Until == 0 || s.Until > until {
			s.Until = until
		}
		if s.Until > now.UnixMilli() && s.Value != secret && len(secrets) < maxSecrets {
			secrets = append(secrets, s)
		}
	}
	return slices.Clip(secrets)
}

// Check says what of a draft does not go with its policy: a secret that its schemes cannot sign with. Of the
// subscription that it changes, nil for a new one, the secret counts where the draft has none.
func (r *Room) Check(d *Draft, of *record.Subscription) webhook.Faults {
	secret := d.Secret
	if secret == "" && of != nil && len(of.Secrets) > 0 {
		secret = of.Secrets[0].Value
	}
	if secret == "" {
		return nil
	}
	for _, s := range r.policy(d.Record.Policy).Sign {
		scheme := sign.Scheme(s.Scheme)
		if !scheme.Shared() {
			continue
		}
		if _, err := sign.New(scheme, sign.NewSecret(secret)); err != nil {
			return webhook.Faults{{
				Path: "/secret", Value: webhook.Masked, Problem: fmt.Sprintf("policy %s cannot sign with it: %v", d.Record.Policy, err),
				Want: "a secret for the scheme " + s.Scheme + ", or none, for one to be made",
			}}
		}
	}
	return nil
}
