package front

import (
	"errors"

	"github.com/sluice-gateway/sluice/gateway/subscription"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// shownDeliveries is how many of an event's deliveries are shown with one of them; GET /v1/events/{id} has all.
const shownDeliveries = 100

// shownState is a delivery and how it stands.
type shownState struct {
	shownDelivery
	State     record.State `json:"state"` // empty: its retention has passed
	UpdatedAt Instant      `json:"updated_at"`
	Tries     int          `json:"tries"`
	Status    *int         `json:"status"` // of its last attempt; null: none was answered
}

// showState shows how the delivery to a subscription stands; whose is what it shows of the webhook itself, nil where its
// retention has passed.
func (f *Front) showState(subscription string, id record.ID) (one shownState, whose *shown, err error) {
	one.shownDelivery = shownDelivery{subscription, id.String()}
	view, err := f.set.Store.Webhook(f.work, id)
	if err == nil {
		whose, err = f.show(id, view, false)
	}
	switch {
	case errors.Is(err, persist.ErrNotFound):
		return one, nil, nil
	case err != nil:
		return one, nil, err
	}
	one.State, one.UpdatedAt, one.Tries = whose.State, whose.UpdatedAt, whose.Tries.Used
	if n := len(whose.Attempts); n > 0 {
		one.Status = whose.Attempts[n-1].Status
	}
	return one, whose, nil
}

// seesDelivery reports whether a delivery of an event that the principal may see may be shown to it: of one whose retention has
// passed, and whose is nil, it is not known to what host it went.
func (p *principal) seesDelivery(whose *shown) bool {
	if whose == nil {
		return !p.partial()
	}
	return p.sees(whose.Tenant, whose.Host, whose.Flow)
}

// beside adds to a webhook that belongs to an event where else that event went, as far as somebody may see. Of an event whose
// retention has passed nothing is known.
func (f *Front) beside(by *principal, s *shown) error {
	if s.Event == "" || f.set.Subscriptions == nil {
		return nil
	}
	e, webhooks, err := f.set.Subscriptions.Event(f.work, s.Tenant, s.Event)
	if errors.Is(err, subscription.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Deliveries = []shownState{}
	for i, id := range webhooks {
		if len(s.Deliveries) == shownDeliveries {
			break
		}
		one, whose, err := f.showState(e.Matches[i], id)
		if err != nil {
			return err
		}
		if by.seesDelivery(whose) {
			s.Deliveries = append(s.Deliveries, one)
		}
	}
	return nil
}
