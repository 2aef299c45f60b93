package dispatch

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// ErrCrowded is Forward's and Tunnel's answer where as many callers stand in line for a flow's turn as memory has room for.
var ErrCrowded = errors.New("too many callers wait for a turn in this lane already")

// ErrUnsettled is Forward's and Tunnel's answer where a call's turn did not come because none does: what became of earlier calls
// cannot be written, and the webhooks before it are not sent meanwhile.
var ErrUnsettled = errors.New("no turns are given while the store does not take what became of earlier calls")

// Delayed is Forward's and Tunnel's answer when the call's turn did not come in time: what it still waited for, and until
// when, if that is known.
type Delayed struct{ Waiting schedule.Waiting }

// Error says what was waited for.
func (d *Delayed) Error() string {
	if d.Waiting.Until.IsZero() {
		return fmt.Sprintf("its turn did not come in time: %s", d.Waiting.Reason)
	}
	return fmt.Sprintf("its turn did not come in time: %s until %s", d.Waiting.Reason, d.Waiting.Until.UTC().Format(time.RFC3339Nano))
}

// pass is a turn for one call that the caller makes by itself, in a lane, as one of a flow's: it holds a slot and a permit of the
// lane's budget and the host's breaker until end, which must follow.
type pass struct {
	d     *Dispatcher
	desc  record.Queue
	id    record.ID      // once it stands in line; the loop's
	start schedule.Start // once its turn came
	turn  chan error     // of capacity 1; nil: its turn came at once
}

// passing is what happens to a pass, for the loop.
type passing struct {
	pass *pass
	what passStep
}

type passStep uint8

const (
	passLine passStep = iota
	passStepOut
)

// pass waits for the turn of a call in a queue's lane, beside the webhooks of the same flow and priority and under all that
// holds them, for as long as patience: the error is a *Delayed then, or ErrUnsettled. It is ErrCrowded, or ErrStopping from the
// moment a shutdown begins, where the call cannot stand in line. A turn that came at the moment at which patience ended is the
// caller's all the same. p is the caller's memory, which is its own again when there is an error.
//
// A call that nothing stands before takes its turn on the caller's goroutine, without a word to the loop.
func (d *Dispatcher) pass(p *pass, patience time.Duration, desc *record.Queue) error {
	p.d, p.desc = d, *desc
	if d.admit(p) {
		return nil
	}
	p.turn = make(chan error, 1)
	d.inbox.addPass(passing{pass: p, what: passLine})
	over := time.NewTimer(patience)
	defer over.Stop()
	select {
	case err := <-p.turn:
		return err
	case <-d.stopped:
		return ErrStopping
	case <-over.C:
	}
	d.inbox.addPass(passing{pass: p, what: passStepOut})
	select {
	case err := <-p.turn:
		return err
	case <-d.stopped:
		return ErrStopping
	}
}

// admit gives a call its turn if nothing stands before it.
func (d *Dispatcher) admit(p *pass) (ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.draining {
		return false
	}
	p.start, ok = d.schedule.Admit(time.Now(), &p.desc)
	return ok
}

// end gives the turn back with what the call taught: the budget and the breaker learn from it as from an attempt. A call that
// was not made after all is circuit.Neutral, and Failed.
func (p *pass) end(seen limiter.Observation, health circuit.Result) {
	if p.d.release(&p.start, seen, health) {
		p.d.inbox.nudge()
	}
}

// release tells the schedule of a call's end, and reports whether the loop has something to do for it.
func (d *Dispatcher) release(s *schedule.Start, seen limiter.Observation, health circuit.Result) (wake bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	t, next := d.schedule.PassEnded(now, &schedule.End{ID: s.Entry.ID, Permit: s.Permit, Seen: seen, Health: health})
	if t != (circuit.Transition{}) {
		d.breakerChanged(s.Lane.Host, t, now)
		next = true
	}
	if !d.saving && d.schedule.Dirty() {
		d.saving, next = true, true // the loop has no time for it yet
	}
	return next || d.draining
}

func (b *inbox) addPass(p passing) {
	b.add(func(h *happened) { h.passes = append(h.passes, p) })
}

// hear does in the loop's turn what happens to a pass.
func (d *Dispatcher) hear(in *passing, now time.Time) {
	p := in.pass
	switch {
	case in.what == passStepOut:
		w := d.schedule.StepOut(now, p.id)
		if w == nil {
			return
		}
		delete(d.passes, p.id)
		if d.settler.failing.Load() {
			p.turn <- ErrUnsettled
			return
		}
		p.turn <- &Delayed{*w}
	case d.draining:
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

// turnAway has nothing begin any more, and tells so all who stand in line.
func (d *Dispatcher) turnAway() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.draining = true
	now := time.Now()
	for id, p := range d.passes {
		d.schedule.StepOut(now, id)
		delete(d.passes, id)
		p.turn <- ErrStopping
	}
}
