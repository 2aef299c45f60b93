package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// ErrCrowded is Pass's answer where as many callers stand in line for a flow's turn as memory has room for.
var ErrCrowded = errors.New("too many callers wait for a turn in this lane already")

// Delayed is Pass's answer when ctx ended before the call's turn came: what it still waited for, and until when, if that is
// known.
type Delayed struct{ Waiting schedule.Waiting }

// Error says what was waited for.
func (d *Delayed) Error() string {
	if d.Waiting.Until.IsZero() {
		return fmt.Sprintf("its turn did not come in time: %s", d.Waiting.Reason)
	}
	return fmt.Sprintf("its turn did not come in time: %s until %s", d.Waiting.Reason, d.Waiting.Until.UTC().Format(time.RFC3339Nano))
}

// Pass is a turn for one call that the caller makes by itself, in a lane, as one of a flow's: it holds a slot and a permit of the
// lane's budget and the host's breaker until End, which must follow.
type Pass struct {
	Began time.Time // when the turn came

	d     *Dispatcher
	desc  record.Queue
	id    record.ID      // once it stands in line; the loop's
	start schedule.Start // once its turn came
	turn  chan error     // of capacity 1
}

// passing is what happens to a pass, for the loop.
type passing struct {
	pass *Pass
	what passStep
	end  schedule.End // of passEnd
}

type passStep uint8

const (
	passLine passStep = iota
	passStepOut
	passEnd
)

// Pass waits for the turn of a call in a lane, beside the webhooks of the same flow and priority and under all that holds them.
// When ctx ends first the error is a *Delayed; it is ErrCrowded, or ErrStopping from the moment a shutdown begins, where the call
// cannot stand in line. A turn that came at the same moment as ctx ended is the caller's all the same.
func (d *Dispatcher) Pass(ctx context.Context, lane record.Lane, flow schedule.FlowName, priority record.Priority) (*Pass, error) {
	p := &Pass{d: d, turn: make(chan error, 1), desc: record.Queue{
		Lane: lane, Tenant: flow.Tenant, Flow: flow.Flow, Priority: priority,
	}}
	d.inbox.addPass(passing{pass: p, what: passLine})
	select {
	case err := <-p.turn:
		return p.came(err)
	case <-d.stopped:
		return nil, ErrStopping
	case <-ctx.Done():
	}
	d.inbox.addPass(passing{pass: p, what: passStepOut})
	select {
	case err := <-p.turn:
		return p.came(err)
	case <-d.stopped:
		return nil, ErrStopping
	}
}

func (p *Pass) came(err error) (*Pass, error) {
	if err != nil {
		return nil, err
	}
	p.Began = time.Now()
	return p, nil
}

// End gives the turn back with what the call taught: the budget and the breaker learn from it as from an attempt. A call that
// was not made after all is circuit.Neutral, and Failed.
func (p *Pass) End(seen limiter.Observation, health circuit.Result) {
	p.d.inbox.addPass(passing{pass: p, what: passEnd, end: schedule.End{
		ID: p.start.Entry.ID, Permit: p.start.Permit, Seen: seen, Health: health,
	}})
}

func (b *inbox) addPass(p passing) {
	b.add(func(h *happened) { h.passes = append(h.passes, p) })
}

// hear does on the loop what happens to a pass.
func (d *Dispatcher) hear(in *passing, now time.Time, draining bool) {
	p := in.pass
	switch {
	case in.what == passEnd:
		if t := d.schedule.PassEnded(now, &in.end); t != (circuit.Transition{}) {
			d.logTransition(p.desc.Lane.Host, t, now)
			d.saveNow = true
		}
	case in.what == passStepOut:
		if w := d.schedule.StepOut(now, p.id); w != nil {
			delete(d.passes, p.id)
			p.turn <- &Delayed{*w}
		}
	case draining:
		p.turn <- ErrStopping
	default:
		id, ok := d.schedule.Line(now, &p.desc)
		if !ok {
			p.turn <- ErrCrowded
			return
		}
		p.id = id
		d.passes[id] = p
	}
}

// letPass tells callers that their turn came.
func (d *Dispatcher) letPass(passed []schedule.Start) {
	for i := range passed {
		p := d.passes[passed[i].Entry.ID]
		delete(d.passes, passed[i].Entry.ID)
		p.start = passed[i]
		p.turn <- nil
	}
}

// turnAway tells all who stand in line that nothing begins any more.
func (d *Dispatcher) turnAway() {
	now := time.Now()
	for id, p := range d.passes {
		d.schedule.StepOut(now, id)
		delete(d.passes, id)
		p.turn <- ErrStopping
	}
}
