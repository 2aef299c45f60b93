package matrix

import (
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// server is the destination of a run: its limits, those who share them, and what happens to them.
type server struct {
	cell     *Cell
	limits   []*destination.Limiter
	change   instant   // of the limits; never when there is none, or it was
	foreign  []instant // arrivals of others, in order
	arrived  int       // of them so far
	accepted int       // of those, accepted
	// ends are when the server will be through with the calls under way, where calls at once are limited.
	ends heap[instant]

	verdicts []destination.Verdict // of the last call
}

func newInstants() heap[instant] {
	return heap[instant]{less: func(a, b instant) bool { return a < b }}
}

func newServer(c *Cell, p *plan, seed uint64) (*server, error) {
	r := road{c, seed}
	s := &server{cell: c, change: p.change, foreign: r.foreign(p.end), ends: newInstants()}
	for _, spec := range c.Limits {
		l, err := destination.New(spec)
		if err != nil {
			return nil, err
		}
		s.limits = append(s.limits, l)
	}
	return s, nil
}

// clock is an instant by the server's clock.
func (s *server) clock(t instant) time.Time { return at(t + s.cell.Skew) }

// next is when something happens to the server by itself.
func (s *server) next() instant {
	t := s.change
	if s.arrived < len(s.foreign) {
		t = min(t, s.foreign[s.arrived])
	}
	if s.ends.len() > 0 {
		t = min(t, s.ends.first())
	}
	return t
}

// advance lets happen what happens by itself up to an instant.
func (s *server) advance(to instant) error {
	for t := s.next(); t <= to; t = s.next() {
		switch {
		case s.ends.len() > 0 && s.ends.first() == t: // first: it makes room
			s.ends.pop()
			for _, l := range s.limits {
				l.Done(s.clock(t))
			}
		case s.change == t:
			s.change = never
			for i, spec := range s.cell.Limits {
				if err := s.limits[i].SetLimit(s.clock(t), scaled(spec.Limit, s.cell.Change), spec.Per); err != nil {
					return err
				}
			}
		default:
			s.arrived++
			if s.decide(t) {
				s.accepted++
			}
		}
	}
	return nil
}

// decide judges a call that arrives at an instant, to which the server was advanced.
func (s *server) decide(t instant) bool {
	now := s.clock(t)
	s.verdicts = s.verdicts[:0]
	ok, _ := s.look(t)
	for _, l := range s.limits {
		if ok || len(s.limits) == 1 {
			s.verdicts = append(s.verdicts, l.Allow(now))
		} else {
			s.verdicts = append(s.verdicts, l.Peek(now))
		}
	}
	return ok
}

// look tells whether a call would be accepted, and if not the least time after which one may be.
func (s *server) look(t instant) (ok bool, wait time.Duration) {
	ok = true
	for _, l := range s.limits {
		v := l.Peek(s.clock(t))
		ok = ok && v.OK
		wait = max(wait, v.RetryAfter)
	}
	return ok, wait
}

// delay is how long the last call waits at the server for its turn.
func (s *server) delay() time.Duration {
	d := time.Duration(0)
	for i := range s.verdicts {
		d = max(d, s.verdicts[i].Delay)
	}
	return d
}

// works notes when the server will be through with a call, where that matters.
func (s *server) works(until instant) {
	if s.cell.is(destination.Concurrency) {
		s.ends.push(until)
	}
}

// clone is the server as it stands, for looking ahead.
func (s *server) clone() *server {
	c := *s
	c.limits = make([]*destination.Limiter, len(s.limits))
	for i, l := range s.limits {
		c.limits[i] = l.Clone()
	}
	c.ends.items, c.verdicts = slices.Clone(s.ends.items), nil
	return &c
}

// fields are the response's to the last call: what it tells of its limits, and its Date (RFC 9110 section 6.6.1).
func (s *server) fields(to []destination.Header, t instant, ok bool) []destination.Header {
	now := s.clock(t)
	to = append(to, destination.Header{Name: "Date", Value: s.date(now)})
	if !ok && s.cell.SuccessOnly {
		return to
	}
	for i := range s.verdicts { // where one of several limits had no room, that one refused
		s.verdicts[i].OK = ok || len(s.verdicts) > 1 && s.verdicts[i].OK
	}
	return s.cell.Dialect.AppendAll(to, s.verdicts, now)
}

// date writes an instant in the preferred form (RFC 9110 section 5.6.7).
func (s *server) date(now time.Time) string {
	return now.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
}
