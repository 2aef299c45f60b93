package operate

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// hosts answers the front door's questions about destinations out of the dispatcher's schedule, and is the operator's hand on
// them (hand.go).
type hosts struct {
	commands
	counter *counter
	most    int // that may be held
	log     zerolog.Logger
}

// shownFlows is how many flows are shown of a host: those with the most waiting.
const shownFlows = 20

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
