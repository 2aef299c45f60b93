package dispatch

import (
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// policyOf is the policy that a webhook is treated by; the default one, where its own is no longer configured.
func (d *Dispatcher) policyOf(w *record.Webhook) *policy.Policy {
	policies := d.set.Policies()
	if p := policies[w.Policy]; p != nil {
		return p
	}
	return policies[policy.Default]
}

// keep is how long a webhook of a policy is kept that ended in a state.
func (d *Dispatcher) keep(named string, state record.State) persist.Keep {
	p := d.set.Policies()[named]
	if p == nil {
		return persist.Keep{}
	}
	return persist.Keep{Metadata: keepFor(p.Retention.Metadata, state), Body: keepFor(p.Retention.Body, state)}
}

// keepFor turns what a policy says into what the store is told: there 0 is what the policy leaves open.
func keepFor(k policy.Keep, state record.State) time.Duration {
	switch d, said := k[state]; {
	case !said:
		return 0
	case d <= 0:
		return -1
	default:
		return d
	}
}
