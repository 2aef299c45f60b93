package operate

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

// commands are how this package asks the schedule and changes it: the dispatcher's loop runs them between two decisions.
type commands struct{ dispatcher *dispatch.Dispatcher }

// ask asks something.
func (c commands) ask(ctx context.Context, question func(*schedule.Schedule, time.Time)) error {
	return stopping(c.dispatcher.Ask(ctx, question))
}

// summon has all that is known of a host in memory.
func (c commands) summon(ctx context.Context, host string) error {
	return stopping(c.dispatcher.Summon(ctx, host))
}

// do makes a change.
func (c commands) do(ctx context.Context, change func(*schedule.Schedule, time.Time)) error {
	err := stopping(c.dispatcher.Do(ctx, change))
	if err != nil && !errors.Is(err, front.ErrStopping) {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	return err
}

// sync returns when what was changed is durable.
func (c commands) sync(ctx context.Context) error {
	if err := c.dispatcher.Sync(ctx); err != nil {
		return fmt.Errorf("%w: %w", front.ErrUnsaved, err)
	}
	return nil
}

// stopping tells the front door of a shutdown in its own words; other errors are as they were.
func stopping(err error) error {
	if errors.Is(err, dispatch.ErrStopping) {
		return front.ErrStopping
	}
	return err
}
