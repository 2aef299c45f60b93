package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/gateway/subscription"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// newRoom returns the room of subscriptions. Secret keys the digests in lanes.
func (g *Gateway) newRoom(secret [32]byte) *subscription.Room {
	address := webhook.Defaults{LaneBy: g.rules.LaneBy, Secret: secret}
	return subscription.New(subscription.Settings{
		Store: g.store, Flows: flowBrake{g.dispatcher, g.store.LastID}, Policies: g.rules.Policies, Address: address.Address,
		Subject:  func(subject string) record.Digest { return webhook.SubjectDigest(&address.Secret, subject) },
		Keep:     func() time.Duration { return time.Duration(g.set.Config.Retention.Metadata) },
		Disabled: g.notices.Disabled,
		Log:      g.log,
	})
}

// subscriptions is front.Subscriptions: the room, and a way to try one out.
type subscriptions struct {
	*subscription.Room
	dispatcher *dispatch.Dispatcher
}

// Test is front.Subscriptions's. Nothing that holds the lane back keeps it from being made, but for the guard of
// addresses.
func (s subscriptions) Test(ctx context.Context, tenant, id string) (*front.Tested, error) {
	w, err := s.TestDelivery(tenant, id, time.Now())
	if err != nil {
		return nil, err
	}
	answer, _, err := s.dispatcher.Try(ctx, w, true)
	if err != nil {
		return nil, fmt.Errorf("subscription %s: %w", id, brakeError(err))
	}
	return &front.Tested{Event: w.Event, Attempt: *answer.Attempt}, nil
}

// flowRule is what the schedule goes by: a flow of a subscription that is disabled is suspended.
func (g *Gateway) flowRule(name schedule.FlowName) schedule.FlowRule {
	rule := g.rules.Flow(name)
	rule.Suspended = g.room.Suspended(name.Tenant, name.Flow)
	return rule
}

// attempted tells the room of deliveries' attempts, and the notices of failures, and says which flows that suspends.
func (g *Gateway) attempted(now time.Time, attempts []dispatch.Attempted) []schedule.FlowName {
	g.notices.Attempted(now, attempts)
	seen := make([]subscription.Attempt, 0, len(attempts))
	for i := range attempts {
		if a := &attempts[i]; a.Subscription != "" {
			seen = append(seen, subscription.Attempt{Subscription: a.Subscription, Seen: a.Seen})
		}
	}
	if len(seen) == 0 {
		return nil
	}
	var suspended []schedule.FlowName
	for _, s := range g.room.Attempted(now, seen) {
		suspended = append(suspended, schedule.FlowName{Tenant: s.Tenant, Flow: s.ID})
	}
	return suspended
}

// restored has the flows that wait follow what is saved of their subscriptions. Who is suspended the schedule has asked; a
// cancellation that a crash came before is begun again.
func (g *Gateway) restored(s *schedule.Schedule, now time.Time) {
	g.room.Cancelled(func(tenant, id string, upTo record.ID) {
		name := schedule.FlowName{Tenant: tenant, Flow: id}
		if _, waits := s.Flow(name); waits {
			s.CancelFlow(now, name, upTo)
		}
	})
}

// whyCancelled says why what waited of a webhook's flow was cancelled; empty: its flow was.
func (g *Gateway) whyCancelled(w *record.Webhook) string {
	if w.Subscription == "" {
		return ""
	}
	return g.room.WhyCancelled(w.Subscription)
}

// flowBrake is subscription.Flows.
type flowBrake struct {
	dispatcher *dispatch.Dispatcher
	lastID     func() record.ID // persist.Store's LastID
}

// Follow is subscription.Flows's. While the gateway stops nothing begins any more, and the next start follows.
func (b flowBrake) Follow(tenant, flow string, cancelled record.ID) {
	_ = b.dispatcher.Do(context.Background(), func(s *schedule.Schedule, now time.Time) {
		name := schedule.FlowName{Tenant: tenant, Flow: flow}
		s.RuleFlow(now, name)
		if cancelled != (record.ID{}) {
			s.CancelFlow(now, name, cancelled)
		}
	})
}

// Last is subscription.Flows's.
func (b flowBrake) Last() record.ID { return b.lastID() }

// Waits is subscription.Flows's.
func (b flowBrake) Waits(ctx context.Context, tenant, flow string) (waits bool, err error) {
	err = b.dispatcher.Ask(ctx, func(s *schedule.Schedule, _ time.Time) {
		v, known := s.Flow(schedule.FlowName{Tenant: tenant, Flow: flow})
		waits = known && !v.Over
	})
	return waits, brakeError(err)
}

func brakeError(err error) error {
	if errors.Is(err, dispatch.ErrStopping) {
		return front.ErrStopping
	}
	return err
}
