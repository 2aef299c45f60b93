package configs

import (
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/sign"
)

// PolicySet returns the policies of a valid configuration as they are carried out: its own, the presets and
// policy.Default.
func (c *Config) PolicySet() policy.Set { return c.Policies.compile() }

// DefaultPolicies returns those of an empty file: the presets and policy.Default.
func DefaultPolicies() policy.Set { return defaultPolicies().compile() }

func (p Policies) compile() policy.Set {
	set := policy.Set{}
	for _, name := range p.names() {
		of := p.resolve(name)
		set[name] = of.compile(name)
	}
	return set
}

// compile returns a resolved policy as it is carried out.
func (p *Policy) compile(name string) *policy.Policy {
	to := &policy.Policy{
		Name:    name,
		Methods: p.Methods, Schemes: p.Schemes,
		Timeout: time.Duration(p.Timeout), ConnectTimeout: time.Duration(p.ConnectTimeout), Redirects: *p.Redirects,
		Otherwise: policy.Outcome(p.Otherwise),
		Retry:     p.Retry.compile(),
		Throttle: policy.Backoff{
			Base: time.Duration(*p.Throttle.Base), Factor: *p.Throttle.Factor, Cap: time.Duration(*p.Throttle.Cap),
			Jitter: *p.Throttle.Jitter,
		},
		MaxAge: time.Duration(p.MaxAge), RateHeaders: p.RateHeaders == on, MaxRetryAfter: time.Duration(*p.MaxRetryAfter),
		Identity: p.Identity.compile(), ReplayAsNew: p.ReplayID == replayNew,
		Envelope: policy.Envelope(p.Envelope), Ordered: *p.Ordered,
		Disable:   p.Disable.compile(),
		Retention: policy.Retention{Metadata: p.Retention.Metadata.compile(), Body: p.Retention.Body.compile()},
	}
	for _, port := range p.Ports {
		to.Ports = append(to.Ports, uint16(port)) //nolint:gosec // the configuration is valid
	}
	for i := range p.Classify {
		to.Classifier = append(to.Classifier, p.Classify[i].compile())
	}
	for i := range p.RetryOn {
		s := &p.RetryOn[i]
		to.ByClass = append(to.ByClass, policy.ClassSchedule{Classes: s.Error.set(), Schedule: s.compile()})
	}
	for _, s := range p.Sign {
		to.Sign = append(to.Sign, policy.Signature{
			Scheme: s.Scheme, SecretFile: s.SecretFile, Own: !sign.Scheme(s.Scheme).Shared(),
		})
	}
	return to
}
