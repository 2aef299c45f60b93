package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// An attempt may take longer than anyone wants to wait who has its webhook cancelled. What is asked for then waits for the end of
// the attempt as an entry of a map, and costs no goroutine until then.

// cancelWithin is how long such a cancellation may take; an attempt that began meanwhile is waited for again.
const cancelWithin = 10 * time.Second

// CancelLater has a webhook cancelled, as Cancel does, if the attempt that is under way for it leaves it live, and returns at once;
// with no attempt under way, it is cancelled soon. Whoever asks again changes nothing. A shutdown forgets it. Errors are
// Do's.
func (d *Dispatcher) CancelLater(ctx context.Context, id record.ID, reason string) error {
	return d.Do(ctx, func(s *schedule.Schedule, _ time.Time) {
		if s.Live(id) {
			d.cancels[id] = reason
		} else {
			d.beside.run(func() { d.cancelSoon(id, reason) })
		}
	})
}

// cancelSettled has a webhook cancelled whose settlement is durable, if that was asked for and it is not over.
func (d *Dispatcher) cancelSettled(s *persist.Settlement) {
	reason, asked := d.cancels[s.ID]
	if !asked {
		return
	}
	delete(d.cancels, s.ID)
	if s.Next != nil {
		d.beside.run(func() { d.cancelSoon(s.ID, reason) })
	}
}

func (d *Dispatcher) cancelSoon(id record.ID, reason string) {
	ctx, stop := context.WithTimeout(context.Background(), cancelWithin)
	defer stop()
	err := d.Cancel(ctx, id, reason)
	if errors.Is(err, ErrSending) {
		err = d.CancelLater(context.Background(), id, reason)
	}
	if err != nil && !errors.Is(err, ErrOver) && !errors.Is(err, ErrStopping) {
		d.set.Log.Warn().Err(err).Stringer("id", id).Msg("a webhook that was being sent could not be cancelled")
	}
}
