package operate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// hosts answers the front door's questions about destinations and waiting out of the dispatcher's schedule, and is the
// operator's hand on it (hand.go).
type hosts struct {
	dispatcher *dispatch.Dispatcher
	counter    *counter
	unsigned   func(*record.Webhook) string // why it could not be signed when that was tried; empty: it can be
	most       MostHeld
	log        zerolog.Logger
}

// shownFlows is how many flows are shown of a host: those with the most waiting.
const shownFlows = 20

func (h hosts) ask(ctx context.Context, question func(*schedule.Schedule, time.Time)) error {
	err := h.dispatcher.Ask(ctx, question)
	if errors.Is(err, dispatch.ErrStopping) {
		return front.ErrStopping
	}
	return err
}

// Waiting says why a live webhook waits.
func (h hosts) Waiting(ctx context.Context, w *record.Webhook, e *record.Entry) (*front.Waiting, error) {
	var why waiting
	var at time.Time
	queue := w.Queue()
	err := h.ask(ctx, func(s *schedule.Schedule, now time.Time) {
		at, why = now, waiting{Waiting: s.Why(now, &queue, e), flow: schedule.FlowName{Tenant: queue.Tenant, Flow: queue.Flow}}
		if f, ok := s.Flow(why.flow); ok {
			why.flowHeld, why.disabled = f.Held, f.Suspended
		}
	})
	if err != nil {
		return nil, err
	}
	if why.Reason == schedule.InFlight {
		return &front.Waiting{Sending: true}, nil
	}
	// What could not be signed is due again soon; what is due later than that waits for its time.
	if why.Reason == schedule.Due && why.Until.Sub(at) <= dispatch.UnsignedPause {
		if cause := h.unsigned(w); cause != "" {
			return &front.Waiting{
				Reason: string(schedule.Held), Detail: cause, Until: front.Instant{Time: why.Until}, Position: why.Position,
				About: front.Instant{Time: why.About},
			}, nil
		}
	}
	shown := &front.Waiting{Reason: string(why.Reason), Detail: why.words(), Position: why.Position, About: front.Instant{Time: why.About}}
	if !why.Breaker.Forced || why.Reason != schedule.Breaker { // what an operator forced has no end that is known
		shown.Until = front.Instant{Time: why.Until}
	}
	return shown, nil
}

// summon has all that is known of a host in memory.
func (h hosts) summon(ctx context.Context, name string) error {
	err := h.dispatcher.Summon(ctx, name)
	if errors.Is(err, dispatch.ErrStopping) {
		return front.ErrStopping
	}
	return err
}

// Hosts is front.Hosts', of those that are in memory. The dispatcher's loop is asked for the names first, and then to look
// at those of the page only.
func (h hosts) Hosts(
	ctx context.Context, after string, limit int, wanted func(host string) bool,
) (page []front.HostView, more bool, err error) {
	var names []string
	err = h.ask(ctx, func(s *schedule.Schedule, _ time.Time) {
		s.HostNames(func(name string) {
			if name > after {
				names = append(names, name)
			}
		})
	})
	if err != nil {
		return nil, false, err
	}
	names, more = firstOf(names, limit, strings.Compare, wanted)
	err = h.ask(ctx, func(s *schedule.Schedule, now time.Time) {
		for _, name := range names {
			if v, ok := s.Host(now, name); ok {
				page = append(page, shownHost(&v, now))
			}
		}
	})
	return page, more, err
}

// firstOf returns the first of those that are wanted, in their order, at most limit, and whether there are more.
func firstOf[T any](all []T, limit int, compare func(a, b T) int, wanted func(T) bool) (first []T, more bool) {
	all = slices.DeleteFunc(all, func(one T) bool { return !wanted(one) })
	slices.SortFunc(all, compare)
	return all[:min(len(all), limit)], len(all) > limit
}

// Host returns one host, nil when nothing is known of it. What waits for it on disk is counted.
func (h hosts) Host(ctx context.Context, name string) (*front.HostView, error) {
	var view *front.HostView
	if err := h.summon(ctx, name); err != nil {
		return nil, err
	}
	var behind []schedule.Behind
	err := h.ask(ctx, func(s *schedule.Schedule, _ time.Time) { behind = s.BehindOf(name, countedQueues) })
	if err != nil {
		return nil, err
	}
	counts := h.counter.count(ctx, "host "+name, behind)
	err = h.ask(ctx, func(s *schedule.Schedule, now time.Time) {
		v, ok := s.HostCounted(now, name, counts)
		if !ok {
			return
		}
		shown := shownHost(&v, now)
		var flows []schedule.HostFlow
		flows, shown.AllFlows = s.FlowsAt(name, shownFlows, counts)
		shown.Flows = make([]front.HostFlow, len(flows))
		for i, f := range flows {
			shown.Flows[i] = front.HostFlow{
				Tenant: f.Name.Tenant, Flow: f.Name.Flow, Held: f.Held, Waiting: f.Waiting, More: f.More, OldestAt: acceptedAt(f.Oldest),
			}
		}
		view = &shown
	})
	return view, err
}

// acceptedAt is when a webhook was accepted; of none it is null.
func acceptedAt(id record.ID) front.Instant {
	if id == (record.ID{}) {
		return front.Instant{}
	}
	return front.Instant{Time: id.Timestamp()}
}
