// Package rules is what the configuration in force says of destinations, callers and how webhooks are treated, in the form in
// which the other rooms ask for it. It makes rules of a valid configuration and answers questions; it never reads a file, sends
// anything or changes a rule: a reload puts others in their place.
package rules

import (
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/credential"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/sign"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/limiter"
)

// Rules are those of one configuration. They are never changed, so that many may ask at once.
type Rules struct {
	limits   *configs.Index
	policies policy.Set
	breakers breakerRules
	flows    *configs.FlowIndex
	maxFlows int // with something waiting in a lane
	tokens   *front.Tokens
	read     Read
	// overrides are made when they are first asked for, by the match of their entry: entries are few, and hosts many.
	overrides sync.Map
	known     knownHosts
}

// Read is what was read from the files that a configuration names.
type Read struct {
	Credentials *credential.Set                   // nil: only where none is asked for
	Signers     map[policy.Signature]*sign.Signer // with the secrets that policies name
}

// New makes the rules of a valid configuration. What the tokens of was have spent of their rates stays spent; nil: there was
// nothing.
func New(conf *configs.Config, read Read, was *Rules) *Rules {
	r := &Rules{
		read:   read,
		limits: conf.Limits.Index(), policies: conf.PolicySet(), breakers: newBreakerRules(conf), flows: conf.FlowIndex(),
		maxFlows: conf.Limits.Default.MaxFlows,
	}
	if was == nil {
		was = new(Rules)
	}
	r.tokens = front.NewTokens(tokens(conf), was.tokens)
	return r
}

// budget is the configuration of a host's lanes.
func (r *Rules) budget(host string) limiter.Config { return budgetConfig(r.limits.Match(host)) }

// ChangedBudgets returns what tells the configuration of a host's lanes, and whether it differs from what it was. It compares once
// for each pair of entries of limits.hosts, however many hosts match them.
func (r *Rules) ChangedBudgets(was *Rules) func(host string) (limiter.Config, bool) {
	type change struct {
		is      limiter.Config
		differs bool
	}
	known := map[[2]string]*change{} // by the entry that matches, and the one that did
	return func(host string) (limiter.Config, bool) {
		now, before := r.limits.Match(host), was.limits.Match(host)
		of := [2]string{now.Match, before.Match}
		c := known[of]
		if c == nil {
			c = &change{is: budgetConfig(now)}
			c.differs = !reflect.DeepEqual(c.is, budgetConfig(before))
			known[of] = c
		}
		return c.is, c.differs
	}
}

// Credentials are those of the configuration.
func (r *Rules) Credentials() *credential.Set { return r.read.Credentials }

// InForce are the rules that hold now, for the rooms to ask. Asking costs an atomic load. The zero value has none: Put some
// before anyone asks.
type InForce struct{ now atomic.Pointer[Rules] }

// Put has other rules be in force from now on.
func (f *InForce) Put(r *Rules) { f.now.Store(r) }

// Now returns the rules in force.
func (f *InForce) Now() *Rules { return f.now.Load() }

// Tokens are those that open the front door.
func (f *InForce) Tokens() *front.Tokens { return f.now.Load().tokens }

// Policies are those by name.
func (f *InForce) Policies() policy.Set { return f.now.Load().policies }

// Credentials are what webhooks may name instead of carrying it.
func (f *InForce) Credentials() *credential.Set { return f.now.Load().read.Credentials }

// Signer signs by a policy's secret file; nil: it has not been read.
func (f *InForce) Signer(of policy.Signature) *sign.Signer { return f.now.Load().read.Signers[of] }

// MaxFlows is how many flows of a lane may have something waiting.
func (f *InForce) MaxFlows() int { return f.now.Load().maxFlows }

// LaneBy says what the lanes of a host are by.
func (f *InForce) LaneBy(host string) webhook.LaneBy { return f.now.Load().laneBy(host) }

// HostLabel names a host in metrics.
func (f *InForce) HostLabel(host string) string { return f.now.Load().hostLabel(host) }

// Override says how a host's headers are to be read; nil: as they look.
func (f *InForce) Override(host string) *limiter.Override { return f.now.Load().override(host) }

// ShowURL makes a URL of a host fit to be shown.
func (f *InForce) ShowURL(host, url string) string { return f.now.Load().showURL(host, url) }
