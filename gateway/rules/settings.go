package rules

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/limiter"
)

// What follows turns sections of the user's YAML into the settings of the rooms that they are about.

func tokens(conf *configs.Config) []front.Token {
	all := make([]front.Token, len(conf.Tokens))
	for i := range conf.Tokens {
		t := &conf.Tokens[i]
		one := front.Token{
			Name: t.Name, Digest: t.SHA256.Sum, Tenants: t.Confined(), Host: t.Host(), Flow: t.Flow(),
			Rate: t.Rate.N, Per: t.Rate.Per,
		}
		for _, word := range t.Scopes {
			scope, _ := front.ParseScope(word) // the configuration is valid
			one.Scopes |= scope
		}
		all[i] = one
	}
	return all
}

func breakerConfig(b configs.Breaker) circuit.Config {
	c := circuit.Config{
		FailureRatio: b.FailureRatio, MinRequests: b.MinRequests, Failures: b.Failures,
		Window: time.Duration(b.Window), CoolDown: time.Duration(b.CoolDown),
		CoolDownMax: time.Duration(b.CoolDownMax), Probes: b.Probes, Ramp: time.Duration(b.Ramp),
	}
	if b.Scope == configs.ScopeHostTenant {
		c.Scope = circuit.HostTenant
	}
	if b.Ramp == 0 {
		c.Ramp = circuit.NoRamp
	}
	return c
}

func budgetConfig(h configs.Host) limiter.Config {
	c := limiter.Config{
		Start: h.Start.PerSecond(), Ceiling: h.Ceiling.PerSecond(), Fixed: h.Fixed.PerSecond(), Share: h.Share,
		MaxPause:         time.Duration(h.MaxPause),
		ConcurrencyStart: h.Concurrency.Start, ConcurrencyMax: h.Concurrency.Max,
	}
	for _, w := range h.Windows {
		c.Windows = append(c.Windows, limiter.Rule{N: w.N, Per: w.Per})
	}
	return c
}
