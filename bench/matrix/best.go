package matrix

import (
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// BestName is the name of the sender that knows everything in advance.
const BestName = "clairvoyant"

// Best returns what a sender reaches that knows everything in advance: the server, how long each call and each answer
// will take on the road, when the limit will change, and when others will come. Each of its calls arrives at the
// earliest instant at which the server accepts it and at which it takes no place that a later arrival of others will
// need; it never has more calls under way than the cell's cap, and is never refused.
//
// To take each place as early as it can be had is best where an early call never leaves less room later than a late
// one does, which is so for every model of bench/destination.
func Best(c *Cell, seed uint64) (Result, error) {
	p := c.plan(seed)
	return clairvoyant(c, &p, seed)
}

func clairvoyant(c *Cell, p *plan, seed uint64) (Result, error) {
	srv, err := newServer(c, p, seed)
	if err != nil {
		return Result{}, fmt.Errorf("cell %s: %w", c.Name(), err)
	}
	b := best{server: srv, end: p.end}
	r := road{c, seed}
	slots := newInstants() // when each of the calls at once may begin
	for range c.Workers {
		slots.push(p.begin)
	}
	var arrivals []arrival
	for call, t := 0, p.begin; ; call++ {
		t = max(t, slots.pop()+r.out(call))
		if t, err = b.accepted(t); err != nil {
			return Result{}, fmt.Errorf("cell %s: %w", c.Name(), err)
		}
		if t >= p.end {
			break
		}
		arrivals = append(arrivals, arrival{t, srv.decide(t)})
		answered := t + srv.delay() + r.service(call)
		srv.works(answered)
		slots.push(answered + r.back(call))
	}
	return newResult(c, BestName, p, arrivals, srv), nil
}

type best struct {
	server *server
	end    instant
}

// accepted finds the earliest instant from t on at which a call is accepted and displaces nobody, and advances the
// server to it. It returns the end of the run when there is none.
func (b *best) accepted(t instant) (instant, error) {
	for t < b.end {
		if err := b.server.advance(t); err != nil {
			return 0, err
		}
		ok, wait := b.server.look(t)
		if ok {
			displaced := b.displaces(t)
			if displaced == never {
				return t, nil
			}
			// No instant before that is better: a call that comes later, but still before it, leaves it as little room.
			t = displaced
			continue
		}
		next := b.server.next()
		if wait > 0 { // else only what happens by itself makes room
			next = min(next, t+wait)
		}
		t = next
	}
	return b.end, b.server.advance(b.end)
}

// displaces returns when an arrival of others would be refused if a call came at t that would else be accepted.
func (b *best) displaces(t instant) instant {
	s := b.server
	if s.arrived == len(s.foreign) {
		return never
	}
	with, without := s.clone(), s.clone()
	with.decide(t)
	horizon := t + b.lasting()
	for _, f := range s.foreign[s.arrived:] {
		if f > horizon {
			break
		}
		if without.decide(f) && !with.decide(f) {
			return f
		}
	}
	return never
}

// lasting is how long a call can matter to those that come after it.
func (b *best) lasting() time.Duration {
	w := b.server.cell.window()
	if b.server.cell.is(destination.Fixed, destination.FixedFirst, destination.SlidingLog) {
		return w
	}
	return 2 * w
}
