package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// maxSleep bounds how late it is noticed that the clock was set forward.
const maxSleep = time.Minute

var (
	errDrain     = errors.New("drain time passed with attempts under way: they are made again after the next start")
	errUnsettled = errors.New("drain time passed and what became of some webhooks is not written: they are sent again after the next start")
)

// loop takes turns until ctx ends and all that was under way then has ended, or the drain time has passed.
func (d *Dispatcher) loop(ctx context.Context) error {
	var deadline time.Time // of the drain; zero: not draining
	stopping := ctx.Done()
	for {
		wake, over, err := d.turn(ctx, deadline)
		d.logChanges()
		d.logClock()
		if over {
			return err
		}
		var at <-chan time.Time
		if !wake.IsZero() {
			d.set.Alarm.Set(earlier(wake, time.Now().Add(maxSleep)))
			at = d.set.Alarm.Rings()
		}
		select {
		case <-d.inbox.wake:
		case <-at:
		case <-stopping:
			stopping = nil
			deadline = time.Now().Add(d.set.Drain)
			d.turnAway()
			d.pool.discard(func(s schedule.Start) { d.inbox.abandon(s) })
		}
	}
}

// turn tells the schedule what happened and carries out what it decides. It returns when to come again at the latest; over: all
// that was under way when the drain began has ended, or, with an error, its deadline has passed.
func (d *Dispatcher) turn(ctx context.Context, deadline time.Time) (wake time.Time, over bool, err error) {
	in := d.inbox.take()
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.apply(in, now)
	d.tellFlows()
	d.settler.flush()
	if !d.draining {
		room := d.pool.room()
		if d.settler.failing.Load() {
			room = 0
		}
		d.tellSleep(now)
		plan := d.schedule.NextOf(now, room)
		wake, d.clockSet = plan.Wake, plan.Clock
		d.carryOut(ctx, plan)
		save := d.saveStates(now)
		d.saving = !save.IsZero()
		return earlier(wake, save), false, nil
	}
	d.settler.last.Store(d.schedule.InFlight() == 0)
	done := d.schedule.InFlight() == 0 && (d.schedule.Unsettled() == 0 || d.settler.gaveUp.Load())
	if !done && now.Before(deadline) {
		return deadline, false, nil
	}
	d.saveNow = true
	d.saveStates(now)
	switch {
	case done:
	case d.schedule.InFlight() > 0:
		err = errDrain
	default:
		err = errUnsettled
	}
	return deadline, true, err
}

// apply tells the schedule what happened, and runs the commands.
func (d *Dispatcher) apply(in *happened, now time.Time) {
	for i := range in.committed {
		c := &in.committed[i]
		d.schedule.Committed(now, &schedule.Fresh{
			Queue: c.Queue, ID: c.QueueID, Entry: c.Entry,
			Content: schedule.Content{Payload: c.Payload, Webhook: c.Webhook},
		})
	}
	for i := range in.ended {
		e := &in.ended[i]
		if !e.unsent {
			if t := d.schedule.Ended(now, &e.end); t != (circuit.Transition{}) {
				d.breakerChanged(e.lane.Host, t, now)
			}
		}
		if e.settlement != nil {
			d.settler.add(e.settlement)
		}
	}
	d.tellAttempted(now, in.ended)
	for i := range in.recalled {
		d.hostRecalled(&in.recalled[i], now)
	}
	for i := range in.read {
		r := &in.read[i]
		d.schedule.ReadDone(now, r.queue, r.entries, r.failed)
	}
	for _, s := range in.settled {
		d.schedule.Settled(now, s.ID, s.Next)
		if len(d.watched) > 0 {
			d.settledOne(s.ID)
		}
		if len(d.cancels) > 0 {
			d.cancelSettled(&s)
		}
	}
	for i := range in.abandoned {
		d.schedule.Abandon(&in.abandoned[i])
	}
	for i := range in.passes {
		d.hear(&in.passes[i], now)
	}
	for _, c := range in.commands {
		c.answer(d.schedule, now, d.draining)
	}
}

// tellFlows tells which flows wait in which lanes, as far as that has changed.
func (d *Dispatcher) tellFlows() {
	if d.set.FlowWaits != nil {
		d.schedule.FlowsWaiting(d.set.FlowWaits)
	}
}

// carryOut starts what the schedule says may start.
func (d *Dispatcher) carryOut(ctx context.Context, plan *schedule.Plan) {
	d.pool.submit(plan.Start, send)
	d.pool.submit(plan.Expired, expire)
	d.letPass(plan.Passed)
	d.pool.submit(plan.Cancelled, cancel)
	for _, r := range plan.Read {
		d.beside.run(func() { d.read(ctx, r) })
	}
	if len(plan.Recall) > 0 {
		d.recall(ctx, plan.Recall...)
	}
}

// read fetches a window. A store that does not answer is asked again after a while, not at once.
func (d *Dispatcher) read(ctx context.Context, r schedule.Read) {
	ref := persist.QueueRef{Part: record.PartOf(r.Host), ID: r.Queue}
	entries, err := d.set.Store.Window(ctx, ref, r.After, r.Limit)
	if err != nil && ctx.Err() == nil {
		d.set.Log.Error().Err(err).Str("host", r.Host).Msg("reading a queue failed; it is tried again")
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	d.inbox.addRead(windowRead{queue: r.Queue, entries: entries, failed: err != nil})
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
