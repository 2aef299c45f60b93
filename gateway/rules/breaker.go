package rules

import (
	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/policy"
)

// breakerRule is how the breakers of some hosts judge.
type breakerRule struct {
	circuit circuit.Config
	// fails are the statuses that count against a host, and deferred those that do where it put the attempt off.
	fails, deferred policy.StatusSet
}

func newBreakerRule(b configs.Breaker) *breakerRule {
	r := &breakerRule{circuit: breakerConfig(b)}
	r.fails, r.deferred = b.FailingStatuses()
	return r
}

// breakerRules are those of all hosts.
type breakerRules struct {
	usual  *breakerRule
	differ map[string]*breakerRule // by the match of an entry of limits.hosts that says something of it
}

func newBreakerRules(conf *configs.Config) breakerRules {
	r := breakerRules{usual: newBreakerRule(conf.Breaker), differ: map[string]*breakerRule{}}
	for i := range conf.Limits.Hosts {
		if h := &conf.Limits.Hosts[i]; !h.Breaker.IsZero() {
			r.differ[h.Match] = newBreakerRule(conf.Breaker.With(h.Breaker))
		}
	}
	return r
}

// breakerOf returns the rule of a host's breaker.
func (r *Rules) breakerOf(host string) *breakerRule { return r.of(host).breaker }

// ChangedBreaker returns the configuration of a host's breaker, and whether it differs from what it was.
func (r *Rules) ChangedBreaker(host string, was *Rules) (circuit.Config, bool) {
	is := r.breakerOf(host).circuit
	return is, is != was.breakerOf(host).circuit
}

// Fails is dispatch.Settings.Fails.
func (f *InForce) Fails(host string, status int, deferred bool) bool {
	rule := f.now.Load().breakerOf(host)
	if deferred {
		return rule.deferred.Has(status)
	}
	return rule.fails.Has(status)
}
