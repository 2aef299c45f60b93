package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
)

// Errors of Ask, Do and Sync, beside those of their contexts.
var (
	// ErrStopping: the dispatcher takes no more commands. Nothing was changed.
	ErrStopping = errors.New("the dispatcher is stopping")
	// ErrUnsaved: the dispatcher ended before what it had changed was durable.
	ErrUnsaved = errors.New("the dispatcher ended before it could be written")
)

// command is something that is run on the loop's goroutine, between two decisions: the way to the schedule for questions and
// changes. Proxied calls, which neither wait for the loop nor wake it, take the same lock (pass.go), as Load does.
type command struct {
	run    func(s *schedule.Schedule, now time.Time)
	change bool // not taken once the drain has begun
	// taken is set by whoever decides its fate: the loop, which then runs it, or who waited for it and gave up, and then
	// it is never run.
	taken atomic.Bool
	done  chan error // of capacity 1
}

// answer runs a command, unless nobody waits for it any more.
func (c *command) answer(s *schedule.Schedule, now time.Time, draining bool) {
	switch {
	case !c.taken.CompareAndSwap(false, true):
	case draining && c.change:
		c.done <- ErrStopping
	default:
		c.run(s, now)
		c.done <- nil
	}
}

// Ask runs a question on the loop's goroutine, between two decisions, and returns when it was answered. It changes
// nothing; for that there is Do. With an error, the question was not asked and never will be.
func (d *Dispatcher) Ask(ctx context.Context, question func(*schedule.Schedule, time.Time)) error {
	return d.tell(ctx, &command{run: question})
}

// Do has the loop make a change, and returns when it is in effect: the next decision obeys it. With an error, which is
// ErrStopping from the moment a shutdown begins, nothing was changed and nothing will be. What is saved of the change
// is durable only when a Sync that follows says so.
func (d *Dispatcher) Do(ctx context.Context, change func(*schedule.Schedule, time.Time)) error {
	return d.tell(ctx, &command{run: change, change: true})
}

func (d *Dispatcher) tell(ctx context.Context, c *command) (err error) {
	c.done = make(chan error, 1)
	d.inbox.add(func(h *happened) { h.commands = append(h.commands, c) })
	select {
	case err = <-c.done:
		return err
	case <-d.stopped:
		err = ErrStopping
	case <-ctx.Done():
		err = ctx.Err()
	}
	if c.taken.CompareAndSwap(false, true) {
		return err
	}
	return <-c.done // it is being run, or was
}

// Sync returns when all that lanes and hosts learned, and whatever else was changed until now, is durable. While the
// store fails it waits, as long as ctx lets it: what was changed is in effect all the same, and is written once the store
// takes it.
func (d *Dispatcher) Sync(ctx context.Context) error {
	written := make(chan struct{})
	err := d.Ask(ctx, func(_ *schedule.Schedule, now time.Time) {
		d.saveNow = true
		d.saveStates(now)
		d.settler.tell(written)
	})
	if err != nil {
		return err
	}
	select {
	case <-written:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for the store: %w", ctx.Err())
	case <-d.ended:
	}
	select {
	case <-written:
		return nil
	default:
		return ErrUnsaved
	}
}
