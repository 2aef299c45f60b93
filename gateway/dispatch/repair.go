package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Errors of Cancel and Hasten, beside the store's and those of Do and Sync.
var (
	// ErrOver: the webhook has ended.
	ErrOver = errors.New("the webhook is over")
	// ErrSending: an attempt is under way, and has not ended in time.
	ErrSending = errors.New("an attempt for the webhook is under way")
)

// Cancel ends a live webhook as cancelled, and returns when that is durable. One that is being sent is cancelled when its
// attempt leaves it live; until then, or until ctx ends, Cancel waits. Errors: persist.ErrNotFound; ErrOver, also where the
// attempt ended it; ErrSending when ctx ended first.
func (d *Dispatcher) Cancel(ctx context.Context, id record.ID, reason string) error {
	t, err := d.take(ctx, id, true)
	if err != nil {
		return fmt.Errorf("cancelling %s: %w", id, err)
	}
	return d.settleTaken(ctx, d.ends(&t.start, t.webhook, t.payload, record.Cancelled, nil, reason))
}

// Hasten makes a webhook that waits due now, and returns when that is durable. What holds its lane holds it still. Errors:
// persist.ErrNotFound, ErrOver, ErrSending.
func (d *Dispatcher) Hasten(ctx context.Context, id record.ID) error {
	t, err := d.take(ctx, id, false)
	if err != nil {
		return fmt.Errorf("making %s due: %w", id, err)
	}
	return d.settleTaken(ctx, stays(&t.start, nil, t.start.Entry, time.Now()))
}

// settleTaken hands the loop what is to become of a webhook that was taken, and returns when it is durable.
func (d *Dispatcher) settleTaken(ctx context.Context, s *persist.Settlement) error {
	d.inbox.addEnded(&ended{unsent: true, settlement: s})
	return d.Sync(ctx)
}

// took is a webhook that was taken out of its turn: nobody else has it until it is settled.
type took struct {
	start   schedule.Start
	webhook *record.Webhook
	payload []byte
}

// lookAgain is how long to wait where a webhook was not where it had been read: what moved it is about to be heard of.
const lookAgain = time.Millisecond

// take takes a webhook from wherever it waits: memory, disk, or the way between them. It is read from the store, and taken by
// a command if it is still what was read, else read again. Where an attempt is under way it waits for its end if it is to,
// and it always waits for what is on its way to the store.
func (d *Dispatcher) take(ctx context.Context, id record.ID, attempts bool) (*took, error) {
	t, _, err := d.readLive(ctx, id)
	if err != nil {
		return nil, err
	}
	desc := t.webhook.Queue()
	queue := desc.ID()
	for {
		var sight schedule.Sight
		if err := d.Ask(ctx, func(s *schedule.Schedule, _ time.Time) { sight = s.Look(queue) }); err != nil {
			return nil, err
		}
		t, entry, err := d.readLive(ctx, id)
		if err != nil {
			return nil, err
		}
		var taking schedule.Taking
		settled := make(chan struct{})
		err = d.Do(ctx, func(s *schedule.Schedule, now time.Time) {
			t.start, taking = s.Take(now, queue, entry, sight)
			if taking == schedule.Settling || taking == schedule.InFlying && attempts {
				d.watched[id] = append(d.watched[id], settled)
			}
		})
		var again <-chan time.Time
		switch {
		case err != nil:
			return nil, err
		case taking == schedule.Taken:
			return t, nil
		case taking == schedule.InFlying && !attempts:
			return nil, ErrSending
		case taking == schedule.Moved:
			again = time.After(lookAgain)
		}
		select {
		case <-settled:
		case <-again:
		case <-d.stopped:
			return nil, ErrStopping
		case <-ctx.Done():
			d.unwatch(id, settled)
			return nil, fmt.Errorf("%w: %w", ErrSending, ctx.Err())
		}
	}
}

// readLive reads a live webhook from the store.
func (d *Dispatcher) readLive(ctx context.Context, id record.ID) (*took, *record.Entry, error) {
	view, err := d.set.Store.Webhook(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if view.Entry == nil {
		return nil, nil, ErrOver
	}
	w, err := record.DecodeWebhook(view.Payload)
	return &took{webhook: w, payload: view.Payload}, view.Entry, err
}

// settledOne tells who waits for a webhook's settlement that it is durable.
func (d *Dispatcher) settledOne(id record.ID) {
	for _, c := range d.watched[id] {
		close(c)
	}
	delete(d.watched, id)
}

// unwatch forgets who waits for a webhook's settlement no more.
func (d *Dispatcher) unwatch(id record.ID, c chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := slices.DeleteFunc(d.watched[id], func(other chan struct{}) bool { return other == c })
	if len(left) == 0 {
		delete(d.watched, id)
		return
	}
	d.watched[id] = left
}
