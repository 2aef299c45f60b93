package gateway

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// spares makes a schedule's budgets and breakers by the rules in force, of those that it does not use any more where there are
// some: with many more hosts than are warm at once, each call would make new ones and leave others to the collector, 1.4 KB
// together. It has one user at a time, the schedule.
type spares struct {
	rules    *inForce
	budgets  []*limiter.Budget
	breakers []*circuit.Breaker
}

// mostSpares is how many of each are kept: one is needed about as often as one is spared.
const mostSpares = 256

func (s *spares) newBudget(lane record.Lane, now time.Time) *limiter.Budget {
	conf := s.rules.now.Load().budget(lane.Host)
	b, left := last(s.budgets)
	if b == nil {
		return limiter.New(conf, now)
	}
	s.budgets = left
	b.Renew(conf, now)
	return b
}

func (s *spares) newBreaker(host string) *circuit.Breaker {
	conf := s.rules.now.Load().breakerOf(host).circuit
	b, left := last(s.breakers)
	if b == nil {
		return circuit.New(conf)
	}
	s.breakers = left
	b.Renew(conf)
	return b
}

func (s *spares) spareBudget(b *limiter.Budget) {
	if len(s.budgets) < mostSpares {
		s.budgets = append(s.budgets, b)
	}
}

func (s *spares) spareBreaker(b *circuit.Breaker) {
	if len(s.breakers) < mostSpares {
		s.breakers = append(s.breakers, b)
	}
}

// last takes the last one off a stack, nil where there is none.
func last[T any](all []*T) (top *T, left []*T) {
	n := len(all) - 1
	if n < 0 {
		return nil, all
	}
	top, all[n] = all[n], nil
	return top, all[:n]
}
