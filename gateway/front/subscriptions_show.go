package front

import (
	"time"

	"github.com/sluice-gateway/sluice/gateway/sign"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// shownSubscription is a subscription as the API shows it: every field always there, credentials masked.
type shownSubscription struct {
	ID       string            `json:"id"`
	Tenant   string            `json:"tenant"`
	URL      string            `json:"url"`
	Name     string            `json:"name"`
	Types    []string          `json:"types"`
	Products []string          `json:"products"`
	Filter   string            `json:"filter"`
	Policy   string            `json:"policy"`
	Headers  [][2]string       `json:"headers"`
	Metadata map[string]string `json:"metadata"`
	Enabled  bool              `json:"enabled"`
	Disabled *shownDisabled    `json:"disabled"` // null: it is enabled
	// Secrets are how many sign now, and until when the older ones do; what they are is told once, in Secret.
	Secrets   []shownSecret `json:"secrets"`
	CreatedAt Instant       `json:"created_at"`
	UpdatedAt Instant       `json:"updated_at"`
	Secret    string        `json:"secret,omitempty"`
}

type shownDisabled struct {
	Since   Instant `json:"since"`
	Reason  string  `json:"reason"`
	By      string  `json:"by"`      // owner or policy
	Pending string  `json:"pending"` // held or cancelled: what waited, and what matches meanwhile
}

type shownSecret struct {
	Until     Instant `json:"until"`      // null: until it is replaced
	PublicKey *string `json:"public_key"` // what receivers verify by; null: the secret is all there is
}

func (f *Front) showSubscription(s *record.Subscription) *shownSubscription {
	v := &shownSubscription{
		ID: s.ID, Tenant: s.Tenant, URL: f.set.ShowURL(hostOf(s), s.URL), Name: s.Name, Types: s.Types, Products: s.Products,
		Filter: s.Filter, Policy: s.Policy, Headers: make([][2]string, len(s.Headers)), Metadata: s.Metadata,
		Enabled: s.Disabled == nil, CreatedAt: At(s.CreatedAt), UpdatedAt: At(s.UpdatedAt), Secrets: []shownSecret{},
	}
	for i, h := range s.Headers {
		v.Headers[i] = [2]string{h.Name, webhook.MaskHeader(h.Name, h.Value)}
	}
	if v.Products == nil {
		v.Products = []string{}
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	now := time.Now().UnixMilli()
	for _, secret := range s.Secrets {
		if secret.Until == 0 || secret.Until > now {
			shown := shownSecret{Until: At(secret.Until)}
			if public, ok := sign.NewSecret(secret.Value).PublicKey(); ok {
				shown.PublicKey = &public
			}
			v.Secrets = append(v.Secrets, shown)
		}
	}
	if d := s.Disabled; d != nil {
		v.Disabled = &shownDisabled{Since: At(d.Since), Reason: d.Reason, By: "policy", Pending: "held"}
		if d.ByHand {
			v.Disabled.By = "owner"
		}
		if d.Cancels {
			v.Disabled.Pending = "cancelled"
		}
	}
	return v
}
