package rules

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Spares makes a schedule's budgets and breakers by the rules in force, of those that it does not use any more where there are
// some: with many more hosts than are warm at once, each call would make new ones and leave others to the collector, 1.4 KB
// together. It has one user at a time, the schedule.
type Spares struct {
	rules    *InForce
	budgets  []*limiter.Budget
	breakers []*circuit.Breaker
}

// mostSpares is how many of each are kept: one is needed about as often as one is spared.
const mostSpares = 256

// NewSpares returns none yet.
func NewSpares(in *InForce) *Spares { return &Spares{rules: in} }

// NewBudget returns the budget of a lane that is called again, or for the first time.
func (s *Spares) NewBudget(lane record.Lane, now time.Time) *limiter.Budget {
	conf := s.rules.now.Load().budget(lane.Host)
	b, left := last(s.budgets)
	if b == nil {
		return limiter.New(conf, now)
	}
	s.budgets = left
	b.Renew(conf, now)
	return b
}

// NewBreaker returns the breaker of such a host.
func (s *Spares) NewBreaker(host string) *circuit.Breaker {
	conf := s.rules.now.Load().breakerOf(host).circuit
	b, left := last(s.breakers)
	if b == nil {
		return circuit.New(conf)
	}
	s.breakers = left
	b.Renew(conf)
	return b
}

// SpareBudget takes one that is used no more.
func (s *Spares) SpareBudget(b *limiter.Budget) {
	if len(s.budgets) < mostSpares {
		s.budgets = append(s.budgets, b)
	}
}

// SpareBreaker takes one that is used no more.
func (s *Spares) SpareBreaker(b *circuit.Breaker) {
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
