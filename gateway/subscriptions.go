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
	address := webhook.Defaults{LaneBy: g.rules.laneBy, Secret: secret}
	return subscription.New(subscription.Settings{
		Store: g.store, Flows: flowBrake{g.dispatcher, g.store.LastID}, Policies: g.rules.policies, Address: address.Address,
		Subject:  func(subject string) record.Digest { return webhook.SubjectDigest(&address.Secret, subject) },
		Keep:     func() time.Duration { return time.Duration(g.set.Config.Retention.Metadata) },
		Disabled: g.notices.disabled,
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

// attempted tells the room of deliveries' attempts, and the notices of failures, and says what is to be stopped.
func (g *Gateway) attempted(now time.Time, attempts []dispatch.Attempted) []dispatch.Stop {
	g.notices.attempted(now, attempts)
	seen := make([]subscription.Attempt, 0, len(attempts))
	for i := range attempts {
		if a := &attempts[i]; a.Subscription != "" {
			seen = append(seen, subscription.Attempt{Subscription: a.Subscription, Seen: a.Seen})
		}
	}
	if len(seen) == 0 {
		return nil
	}
	var stops []dispatch.Stop
	for _, s := range g.room.Attempted(now, seen) {
		stop := dispatch.Stop{Flow: schedule.FlowName{Tenant: s.Tenant, Flow: s.Flow}}
		if s.Cancel {
			stop.Cancel = g.store.LastID()
		}
		stops = append(stops, stop)
	}
	return stops
}

// flowBrake is subscription.Flows.
type flowBrake struct {
	dispatcher *dispatch.Dispatcher
	lastID     func() record.ID // persist.Store's LastID
}

// Hold is subscription.Flows's.
func (b flowBrake) Hold(ctx context.Context, tenant, flow string) error {
	return b.change(ctx, func(s *schedule.Schedule, now time.Time) {
		s.HoldFlow(now, schedule.FlowName{Tenant: tenant, Flow: flow})
	})
}

// Resume is subscription.Flows's.
func (b flowBrake) Resume(ctx context.Context, tenant, flow string) error {
	return b.change(ctx, func(s *schedule.Schedule, now time.Time) {
		s.ResumeFlow(now, schedule.FlowName{Tenant: tenant, Flow: flow})
	})
}

// Cancel is subscription.Flows's. A flow that was held for its cancellation goes on with what is accepted later.
func (b flowBrake) Cancel(ctx context.Context, tenant, flow string) error {
	return b.change(ctx, func(s *schedule.Schedule, now time.Time) {
		name := schedule.FlowName{Tenant: tenant, Flow: flow}
		s.CancelFlow(now, name, b.lastID())
		s.ResumeFlow(now, name)
	})
}

// Waits is subscription.Flows's.
func (b flowBrake) Waits(ctx context.Context, tenant, flow string) (waits bool, err error) {
	err = b.dispatcher.Ask(ctx, func(s *schedule.Schedule, _ time.Time) {
		v, known := s.Flow(schedule.FlowName{Tenant: tenant, Flow: flow})
		waits = known && (v.Waiting > 0 || v.More || v.InFlight > 0 || v.Cancelling)
	})
	return waits, brakeError(err)
}

func (b flowBrake) change(ctx context.Context, do func(*schedule.Schedule, time.Time)) error {
	ctx, cancel := context.WithTimeout(ctx, handTimeout)
	defer cancel()
	if err := b.dispatcher.Do(ctx, do); err != nil {
		return brakeError(err)
	}
	if err := b.dispatcher.Sync(ctx); err != nil {
		return fmt.Errorf("%w: %w", front.ErrUnsaved, err)
	}
	return nil
}

func brakeError(err error) error {
	if errors.Is(err, dispatch.ErrStopping) {
		return front.ErrStopping
	}
	return err
}
