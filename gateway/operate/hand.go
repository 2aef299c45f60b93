package operate

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
)

// Pause holds a host until Resume, also one that nothing is known of yet.
func (h hosts) Pause(ctx context.Context, name string) (*front.HostView, error) {
	var refused error
	view, err := h.change(ctx, name, func(s *schedule.Schedule, now time.Time, host string) bool {
		if v, _ := s.Host(now, host); !v.Held {
			if _, held := s.Holds(); held >= h.most {
				refused = &front.TooManyHeldError{What: "hosts", Most: h.most}
				return false
			}
			s.HoldHost(now, host)
		}
		return true
	}, "paused by an operator")
	return view, cmp.Or(err, refused)
}

// Resume ends an operator's pause of a host, and those of its lanes that the destination asked for.
func (h hosts) Resume(ctx context.Context, name string) (*front.HostView, error) {
	return h.change(ctx, name, func(s *schedule.Schedule, now time.Time, host string) bool {
		return s.ResumeHost(now, host) && s.Resume(now, host)
	}, "pauses ended by an operator")
}

// Forget has a host's lanes forget what they learned.
func (h hosts) Forget(ctx context.Context, name string) (*front.HostView, error) {
	return h.change(ctx, name, (*schedule.Schedule).Forget, "what was learned is forgotten, by an operator")
}

// ForceBreaker has a host's breaker open or closed until it is auto again.
func (h hosts) ForceBreaker(ctx context.Context, name, state string) (*front.HostView, error) {
	to := map[string]circuit.State{front.BreakerOpen: circuit.Open, front.BreakerClosed: circuit.Closed}[state]
	return h.change(ctx, name, func(s *schedule.Schedule, now time.Time, host string) bool {
		return s.ForceBreaker(now, host, to)
	}, "breaker set to "+state+" by an operator")
}

// change does something to one host and returns it as it stands once that is durable; nil when nothing is known of it.
// What it did is in effect though the store be slow to take it.
func (h hosts) change(
	ctx context.Context, name string, do func(s *schedule.Schedule, now time.Time, host string) bool, did string,
) (*front.HostView, error) {
	ctx, cancel := context.WithTimeout(ctx, handTimeout)
	defer cancel()
	known := false
	if err := h.summon(ctx, name); err != nil {
		return nil, fmt.Errorf("host %s: nothing was changed: %w", name, err)
	}
	err := h.do(ctx, func(s *schedule.Schedule, now time.Time) { known = do(s, now, name) })
	switch {
	case err != nil:
		return nil, fmt.Errorf("host %s: %w", name, err)
	case !known:
		return nil, nil //nolint:nilnil // what front.Hosts says of an unknown host
	}
	h.log.Info().Str("host", name).Msg(did)
	if err := h.sync(ctx); err != nil {
		return nil, fmt.Errorf("host %s: %w", name, err)
	}
	return h.Host(ctx, name)
}
