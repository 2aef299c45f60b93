package matrix

import (
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// event is what happens next in a run.
type event struct {
	at     instant
	n      int // breaks ties, in the order of planning
	kind   eventKind
	call   int
	sent   instant
	ok     bool
	fields []destination.Header
}

func (e event) before(o event) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	return e.n < o.n
}

type eventKind uint8

const (
	wake    eventKind = iota
	arrive            // a call, at the server
	respond           // its answer, at the sender
	second            // a line of the trace
)

// run is a study of one sender in one cell.
type run struct {
	plan   plan
	road   road
	server *server
	sender Sender
	agenda heap[event]
	n      int
	waking instant // the earliest wake planned; never: none

	calls    int
	inFlight int
	arrivals []arrival
	spare    [][]destination.Header
	response Response

	trace func(Trace)
	line  Trace
}

// arrival is one call at the server.
type arrival struct {
	at instant
	ok bool
}

// Run puts a sender into a cell and returns what came of it. It fails only where a cell means nothing.
func Run(c *Cell, k *Kind, seed uint64) (Result, error) {
	p := c.plan(seed)
	return study(c, &p, k, seed, nil)
}

// Trace is one second of a run.
type Trace struct {
	Second                  int // since the first call could be sent
	Sent, Accepted, Refused int
	InFlight                int
	Pace                    float64 // calls per second at the second's end; 0 when the sender does not say
	From                    string  // what the pace comes from
}

// RunTraced is Run, and calls back each second.
func RunTraced(c *Cell, k *Kind, seed uint64, each func(Trace)) (Result, error) {
	p := c.plan(seed)
	return study(c, &p, k, seed, each)
}

func study(c *Cell, p *plan, k *Kind, seed uint64, each func(Trace)) (Result, error) {
	srv, err := newServer(c, p, seed)
	if err != nil {
		return Result{}, fmt.Errorf("cell %s: %w", c.Name(), err)
	}
	r := &run{
		plan: *p, road: road{c, seed}, server: srv, sender: k.New(c, at(p.begin)), waking: never, trace: each,
		agenda: heap[event]{less: event.before},
	}
	if each != nil {
		r.schedule(event{at: p.begin + time.Second, kind: second})
	}
	r.ask(p.begin)
	if err := r.drain(); err != nil {
		return Result{}, fmt.Errorf("cell %s: %w", c.Name(), err)
	}
	return newResult(c, k.Name, p, r.arrivals, srv), nil
}

// drain lets happen what is on the agenda, to the end.
func (r *run) drain() error {
	for r.agenda.len() > 0 && r.agenda.first().at < r.plan.end {
		e := r.agenda.pop()
		switch e.kind {
		case wake:
			if r.waking != e.at {
				continue // an earlier one took its place
			}
			r.waking = never
			r.ask(e.at)
		case arrive:
			if err := r.arrive(&e); err != nil {
				return err
			}
		case respond:
			r.respond(&e)
			r.ask(e.at)
		case second:
			r.tell(e.at)
		}
	}
	return r.server.advance(r.plan.end)
}

func (r *run) schedule(e event) {
	r.n++
	e.n = r.n
	r.agenda.push(e)
}

// ask lets the sender begin what it wants.
func (r *run) ask(now instant) {
	begin, again := r.sender.Next(at(now))
	for range begin {
		r.schedule(event{at: now + r.road.out(r.calls), kind: arrive, call: r.calls, sent: now})
		r.calls++
		r.inFlight++
	}
	r.line.Sent += begin
	if again.IsZero() {
		return
	}
	if t := max(again.Sub(epoch), now+1); t < r.waking {
		r.waking = t
		r.schedule(event{at: t, kind: wake})
	}
}

func (r *run) arrive(e *event) error {
	if err := r.server.advance(e.at); err != nil {
		return err
	}
	e.ok = r.server.decide(e.at)
	r.arrivals = append(r.arrivals, arrival{e.at, e.ok})
	answered := e.at
	if e.ok {
		answered += r.server.delay() + r.road.service(e.call)
		r.server.works(answered)
	}
	var fields []destination.Header
	if n := len(r.spare); n > 0 {
		fields, r.spare = r.spare[n-1][:0], r.spare[:n-1]
	}
	r.schedule(event{
		at: answered + r.road.back(e.call), kind: respond, call: e.call, sent: e.sent, ok: e.ok,
		fields: r.server.fields(fields, e.at, e.ok),
	})
	if e.ok {
		r.line.Accepted++
	} else {
		r.line.Refused++
	}
	return nil
}

func (r *run) respond(e *event) {
	r.inFlight--
	now := at(e.at)
	r.response = Response{Call: e.call, Sent: at(e.sent), Received: now, Status: statusTooManyRequests, Fields: e.fields}
	if e.ok {
		r.response.Status = statusOK
	}
	r.sender.Ended(now, &r.response)
	r.spare = append(r.spare, e.fields)
}

func (r *run) tell(now instant) {
	line := r.line
	line.InFlight = r.inFlight
	line.Second = int((now - r.plan.begin) / time.Second)
	if p, ok := r.sender.(paced); ok {
		line.Pace, line.From = p.Pace(at(now))
	}
	r.trace(line)
	r.line = Trace{}
	r.schedule(event{at: now + time.Second, kind: second})
}
