package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// queuesAtOnce is how many queues one read of the store lists.
const queuesAtOnce = 1024

// Restore brings back what lanes and hosts had learned and registers every queue that has something waiting. It must have
// returned before the first webhook is accepted, or fresh ones would overtake the backlog.
func (d *Dispatcher) Restore(ctx context.Context) error {
	tenure, err := d.set.Store.Tend(ctx, d.set.Member, nil, time.Minute)
	if err != nil {
		return fmt.Errorf("claiming partitions: %w", err)
	}
	now := time.Now()
	for _, part := range tenure.Parts { // all of them before the first queue: a flow has queues in many partitions
		states, err := d.set.Store.States(ctx, part)
		if err != nil {
			return fmt.Errorf("reading the states of partition %d: %w", part, err)
		}
		d.mu.Lock()
		d.restoreStates(states, now)
		d.mu.Unlock()
	}
	for _, part := range tenure.Parts {
		if err := d.restoreQueues(ctx, part, now); err != nil {
			return fmt.Errorf("listing the queues of partition %d: %w", part, err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.schedule.AllFound()
	if d.set.Restored != nil {
		d.set.Restored(d.schedule, now)
	}
	d.tellFlows()
	return nil
}

// restoreStates brings back what the states of a partition say, but of hosts that were at rest: these stay away until somebody asks
// for them.
func (d *Dispatcher) restoreStates(states []persist.State, now time.Time) {
	present := map[string]bool{}
	for i := range states {
		if s := &states[i]; s.Kind != persist.FlowState && !present[s.Lane.Host] {
			present[s.Lane.Host] = !atRest(s, now)
		}
	}
	for host, present := range present {
		if !present {
			d.schedule.Away(now, host)
		}
	}
	for i := range states {
		if s := &states[i]; s.Kind == persist.FlowState || present[s.Lane.Host] {
			d.takeUp(s, now, false)
		}
	}
}

// atRest reports whether nothing has to be done about a state until its host is called: it can be read, it holds nothing and counts
// nothing, and it is not to be forgotten.
func atRest(s *persist.State, now time.Time) bool {
	if len(s.Data) == 0 || s.Data[0] != stateVersion {
		return false
	}
	if s.Kind == persist.LaneState {
		var snap limiter.Snapshot
		return json.Unmarshal(s.Data[1:], &snap) == nil && snap.AtRest(now) && !outdatedLane(&snap, now)
	}
	var of hostState
	return json.Unmarshal(s.Data[1:], &of) == nil && of.Breaker.AtRest() && !of.Held && !of.outdated(now)
}

// takeUp takes a state up; rested: it is how its host left, and nothing was sent since.
func (d *Dispatcher) takeUp(s *persist.State, now time.Time, rested bool) {
	if err := d.restoreState(s, now, rested); err != nil {
		d.set.Log.Error().Err(err).Str("host", s.Lane.Host).
			Msg("what was learned of a destination, or done to a flow, is unreadable; it is as if it had not been")
	}
}

func (d *Dispatcher) restoreQueues(ctx context.Context, part record.Part, now time.Time) error {
	var after record.QueueID
	for {
		heads, err := d.set.Store.Queues(ctx, part, after, queuesAtOnce)
		if err != nil {
			return err
		}
		d.mu.Lock()
		for i := range heads {
			h := &heads[i]
			d.schedule.Found(h.ID, &h.Queue, h.Mark)
			after = h.ID
		}
		d.mu.Unlock()
		if len(heads) < queuesAtOnce {
			return nil
		}
	}
}

// outdated reports whether the state of a host is too old to be taken up: what people did to it, and what it is to recover
// from, never is.
func (s *hostState) outdated(now time.Time) bool {
	return s.At != 0 && now.Sub(time.UnixMilli(s.At)) > schedule.Remembered && !s.Held && s.Breaker.Forced == 0 &&
		s.Breaker.State == circuit.Closed
}

// outdatedLane reports whether the state of a lane is too old to be taken up, and nothing of it counts any more.
func outdatedLane(s *limiter.Snapshot, now time.Time) bool {
	return now.Sub(time.UnixMilli(s.At)) > schedule.Remembered && s.AtRest(now)
}

func (d *Dispatcher) restoreState(s *persist.State, now time.Time, rested bool) error {
	if len(s.Data) == 0 || s.Data[0] != stateVersion {
		return fmt.Errorf("state of %s: want version %d", s.Lane.Host, stateVersion)
	}
	switch s.Kind {
	case persist.LaneState:
		var snap limiter.Snapshot
		if err := json.Unmarshal(s.Data[1:], &snap); err != nil {
			return fmt.Errorf("state of lane %s: %w", s.Lane.Host, err)
		}
		if outdatedLane(&snap, now) {
			d.outdated(s)
			return nil
		}
		if b := d.schedule.Budget(now, s.Lane); rested {
			b.Return(snap, now)
		} else {
			b.Restore(snap, now)
		}
	case persist.HostState:
		var of hostState
		if err := json.Unmarshal(s.Data[1:], &of); err != nil {
			return fmt.Errorf("state of host %s: %w", s.Lane.Host, err)
		}
		if of.outdated(now) {
			d.outdated(s)
			return nil
		}
		d.schedule.Breaker(s.Lane.Host).Restore(of.Breaker, now)
		*d.schedule.Dialect(s.Lane.Host) = of.Dialect
		if of.Held {
			d.schedule.HoldHost(instantOf(of.Since), s.Lane.Host)
		}
	case persist.FlowState:
		return d.restoreFlow(s)
	}
	return nil
}

// outdated has the store forget a state that was not used for long.
func (d *Dispatcher) outdated(s *persist.State) {
	d.settler.addStates([]persist.State{{Lane: s.Lane, Kind: s.Kind}}, nil)
}

// instantOf reads what unixMs wrote.
func instantOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
