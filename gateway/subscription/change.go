package subscription

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/sign"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Created is what Create came to.
type Created struct {
	Subscription *record.Subscription
	// Secret is told once; empty where the subscription was there already and no new one was given.
	Secret string
	New    bool
}

// Create makes a subscription, or, where the tenant has one for the URL, changes that: event types are added to those it
// has, whatever else is given stands in place of what it has.
func (r *Room) Create(ctx context.Context, d *Draft) (Created, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	now := time.Now()
	if is := r.at(&d.Record); is != nil {
		changed := added(is.Record, d)
		e, err := r.change(ctx, is, changed, d, now)
		if err != nil {
			return Created{}, err
		}
		return Created{Subscription: e.Record, Secret: d.Secret}, nil
	}
	if err := r.room(d.Record.Tenant); err != nil {
		return Created{}, err
	}
	s := d.Record
	s.ID, s.CreatedAt, s.UpdatedAt = newID("sub_"), now.UnixMilli(), now.UnixMilli()
	secret := d.Secret
	if secret == "" {
		made, err := sign.GenerateSecret(rand.Reader)
		if err != nil {
			return Created{}, err
		}
		secret = made.Reveal()
	}
	s.Secrets = []record.Secret{{Value: secret}}
	if d.Enabled != nil && !*d.Enabled {
		s.Disabled = r.byHand(&s, now)
	}
	e := &Entry{Record: &s, filter: d.entry.filter, products: d.entry.products}
	if err := r.replace(ctx, replacement{is: e}); err != nil {
		return Created{}, fmt.Errorf("for %s: %w", webhook.LogURL(s.URL), err)
	}
	return Created{Subscription: &s, Secret: secret, New: true}, nil
}

// at returns the subscription that a tenant has for a URL; nil: none.
func (r *Room) at(s *record.Subscription) *Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byURL[place(s)]
}

// room reports whether a tenant may have one more.
func (r *Room) room(name string) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t := r.tenants[name]; t != nil && len(t.ids) >= MaxOfTenant {
		return fmt.Errorf("tenant %q has %d: %w", name, len(t.ids), ErrTooMany)
	}
	if len(r.byID) >= MaxSubscriptions {
		return fmt.Errorf("there are %d: %w", len(r.byID), ErrTooMany)
	}
	return nil
}

// added is a subscription with what a definition of the same URL says beside it.
func added(is *record.Subscription, d *Draft) record.Subscription {
	s := *is
	if d.Given["types"] {
		s.Types = union(is.Types, d.Record.Types)
	}
	if d.Given["name"] {
		s.Name = d.Record.Name
	}
	if d.Given["products"] {
		s.Products = d.Record.Products
	}
	if d.Given["filter"] {
		s.Filter = d.Record.Filter
	}
	if d.Given["policy"] {
		s.Policy = d.Record.Policy
	}
	if d.Given["headers"] {
		s.Headers = d.Record.Headers
	}
	if d.Given["metadata"] {
		s.Metadata = d.Record.Metadata
	}
	return s
}

// Update changes a tenant's subscription by what read makes of it as it is. Enabling one sets what was counted of it back
// and lets go what was held; it does so again where it was enabled already.
func (r *Room) Update(
	ctx context.Context, tenantName, id string, read func(*record.Subscription) (*Draft, error),
) (*record.Subscription, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	is := r.entry(tenantName, id)
	if is == nil {
		return nil, fmt.Errorf("subscription %s: %w", id, ErrNotFound)
	}
	d, err := read(is.Record)
	if err != nil {
		return nil, err
	}
	if other := r.at(&d.Record); other != nil && other != is {
		return nil, fmt.Errorf("subscription %s: %w: %s", id, ErrTaken, other.Record.ID)
	}
	s := d.Record
	s.ID, s.Secrets, s.Disabled, s.CreatedAt = is.Record.ID, is.Record.Secrets, is.Record.Disabled, is.Record.CreatedAt
	s.CancelUpTo = is.Record.CancelUpTo
	e, err := r.change(ctx, is, s, d, time.Now())
	if err != nil {
		return nil, err
	}
	return e.Record, nil
}

// change puts a subscription in place of what it was.
func (r *Room) change(ctx context.Context, is *Entry, s record.Subscription, d *Draft, now time.Time) (*Entry, error) {
	s.UpdatedAt = now.UnixMilli()
	if d.Secret != "" {
		s.Secrets = []record.Secret{{Value: d.Secret}}
	}
	if d.Enabled != nil {
		switch {
		case *d.Enabled:
			s.Disabled = nil
		case s.Disabled == nil:
			s.Disabled = r.byHand(&s, now)
		}
	}
	e, err := compile(&s)
	if err != nil {
		return nil, fmt.Errorf("subscription %s: %w", s.ID, err)
	}
	err = r.replace(ctx, replacement{
		was: is, is: e, cancel: is.Record.Disabled == nil && cancels(&s), uncount: d.Enabled != nil && *d.Enabled,
	})
	if err != nil {
		return nil, err
	}
	if is.Record.Disabled != nil && s.Disabled == nil {
		r.set.Log.Info().Str("subscription", s.ID).Msg("subscription enabled")
	}
	return e, nil
}

// byHand is how a subscription is disabled by its owner.
func (r *Room) byHand(s *record.Subscription, now time.Time) *record.Disabled {
	return &record.Disabled{
		Since: now.UnixMilli(), Reason: "disabled by its owner", ByHand: true,
		Cancels: r.policy(s.Policy).Disable.Pending == policy.CancelAtOnce,
	}
}

// Delete removes a tenant's subscription. What waits for it is cancelled; or, where it is to finish, sent, also what was
// held. The subscription is kept, out of sight, until nothing waits any more: what finishes is signed with its secrets.
func (r *Room) Delete(ctx context.Context, tenantName, id string, finish bool) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	is := r.entry(tenantName, id)
	if is == nil {
		return fmt.Errorf("subscription %s: %w", id, ErrNotFound)
	}
	leaving := *is.Record
	now := time.Now().UnixMilli()
	leaving.Leaving, leaving.Disabled, leaving.UpdatedAt = true, nil, now
	if !finish {
		leaving.Disabled = &record.Disabled{Since: now, Reason: "deleted", ByHand: true, Cancels: true}
	}
	left := &Entry{Record: &leaving}
	if err := r.replace(ctx, replacement{was: is, is: left, cancel: !finish, uncount: true}); err != nil {
		return err
	}
	r.set.Log.Info().Str("subscription", id).Bool("finish", finish).Msg("subscription deleted")
	r.forgetLeft(ctx, left)
	return nil
}
