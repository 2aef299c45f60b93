package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
)

// handTimeout bounds how long an operator's change may take to be in effect and on disk: a store that works takes some
// milliseconds, and who waits at a keyboard wants to hear that this one does not.
const handTimeout = 10 * time.Second

// Resume ends the pauses of a host's lanes.
func (h hosts) Resume(ctx context.Context, name string) (*front.HostView, error) {
	return h.change(ctx, name, (*schedule.Schedule).Resume, "pauses ended by an operator")
}

// Forget has a host's lanes forget what they learned.
func (h hosts) Forget(ctx context.Context, name string) (*front.HostView, error) {
	return h.change(ctx, name, (*schedule.Schedule).Forget, "what was learned is forgotten, by an operator")
}

// change does something to one host and returns it as it stands once that is durable; nil when nothing is known of it.
// What it did is in effect though the store be slow to take it.
func (h hosts) change(
	ctx context.Context, name string, do func(s *schedule.Schedule, now time.Time, host string) bool, did string,
) (*front.HostView, error) {
	ctx, cancel := context.WithTimeout(ctx, handTimeout)
	defer cancel()
	known := false
	err := h.dispatcher.Do(ctx, func(s *schedule.Schedule, now time.Time) { known = do(s, now, name) })
	switch {
	case errors.Is(err, dispatch.ErrStopping):
		return nil, front.ErrStopping
	case err != nil:
		return nil, fmt.Errorf("host %s: nothing was changed: %w", name, err)
	case !known:
		return nil, nil //nolint:nilnil // what front.Hosts says of an unknown host
	}
	h.log.Info().Str("host", name).Msg(did)
	if err := h.dispatcher.Sync(ctx); err != nil {
		return nil, fmt.Errorf("host %s: %w: %w", name, front.ErrUnsaved, err)
	}
	return h.Host(ctx, name)
}
