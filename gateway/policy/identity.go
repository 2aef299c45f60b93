package policy

import (
	"strings"

	"github.com/sluice-gateway/sluice/persist/record"
)

// IdentityHeader is a header that tells a destination something of the webhook it gets.
type IdentityHeader struct {
	Name  string // as it is sent
	Value IdentityValue
}

// IdentityValue is what an identity header says.
type IdentityValue string

// What an identity header may say. Those of events are left out of webhooks that belong to no event.
const (
	// DeliveryID is the webhook's own id: the same on every attempt. That of a replay is new or the old one, as
	// Policy.ReplayAsNew says. What has no id, as the test of a subscription, goes without.
	DeliveryID IdentityValue = "delivery"
	// EventID is the id of the event that is delivered, the same to every subscription; of a webhook without an event
	// it is the delivery's. It is what a receiver knows a repetition by.
	EventID IdentityValue = "event"
	// EventType is the event's type, or the label of a webhook without an event.
	EventType IdentityValue = "event-type"
	// SubscriptionID is the id of the subscription that is delivered to.
	SubscriptionID IdentityValue = "subscription"
)

// IdentityValues are all of them, in the order in which they are told to people.
var IdentityValues = []IdentityValue{DeliveryID, EventID, EventType, SubscriptionID}

// Identify returns a webhook's headers with those that say what it is behind them. A header of such a name that the
// caller wrote wins. The headers handed in are not changed.
func (p *Policy) Identify(headers []record.Header, w *record.Webhook, id record.ID) []record.Header {
	headers = headers[:len(headers):len(headers)]
	for i := range p.Identity {
		h := &p.Identity[i]
		if value := p.identity(h.Value, w, id); value != "" && !hasHeader(headers, h.Name) {
			headers = append(headers, record.Header{Name: h.Name, Value: value})
		}
	}
	return headers
}

func (p *Policy) identity(v IdentityValue, w *record.Webhook, id record.ID) string {
	switch v {
	case EventType:
		return w.Type
	case SubscriptionID:
		return w.Subscription
	case EventID:
		if w.Event != "" {
			return w.Event
		}
	}
	if w.Replays != (record.ID{}) && !p.ReplayAsNew {
		id = w.Replays
	}
	if id == (record.ID{}) {
		return ""
	}
	return id.String()
}

func hasHeader(headers []record.Header, name string) bool {
	for i := range headers {
		if strings.EqualFold(headers[i].Name, name) {
			return true
		}
	}
	return false
}
