package gateway

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

// rules are what a configuration says of destinations and of how webhooks are treated, in the form in which the rooms
// ask for it. They are never changed, so that many may ask at once: a reload puts others in their place.
type rules struct {
	limits      *configs.Index
	policies    policy.Set
	breakers    breakerRules
	flows       *configs.FlowIndex
	maxFlows    int // with something waiting in a lane
	tokens      *front.Tokens
	credentials *credential.Set                   // never nil
	signers     map[policy.Signature]*sign.Signer // with the secrets that policies name
	// overrides are made when they are first asked for, by the match of their entry: entries are few, and hosts many.
	overrides sync.Map
	known     knownHosts
}

// newRules makes the rules of a valid configuration. What the tokens of was have spent of their rates stays spent; nil:
// there was nothing.
func newRules(conf *configs.Config, was *rules) *rules {
	r := &rules{
		limits: conf.Limits.Index(), policies: conf.PolicySet(), breakers: newBreakerRules(conf), flows: conf.FlowIndex(),
		maxFlows: conf.Limits.Default.MaxFlows,
	}
	if was == nil {
		was = new(rules)
	}
	r.tokens = front.NewTokens(tokens(conf), was.tokens)
	return r
}

// budget is the configuration of a host's lanes.
func (r *rules) budget(host string) limiter.Config { return budgetConfig(r.limits.Match(host)) }

// changedBudgets returns what tells the configuration of a host's lanes, and whether it differs from what it was. It compares once
// for each pair of entries of limits.hosts, however many hosts match them.
func (r *rules) changedBudgets(was *rules) func(host string) (limiter.Config, bool) {
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

// inForce are the rules that hold now, for the rooms to ask. Asking costs an atomic load.
type inForce struct{ now atomic.Pointer[rules] }

func (f *inForce) tokens() *front.Tokens                  { return f.now.Load().tokens }
func (f *inForce) policies() policy.Set                   { return f.now.Load().policies }
func (f *inForce) laneBy(host string) webhook.LaneBy      { return f.now.Load().laneBy(host) }
func (f *inForce) hostLabel(host string) string           { return f.now.Load().hostLabel(host) }
func (f *inForce) override(host string) *limiter.Override { return f.now.Load().override(host) }
func (f *inForce) showURL(host, url string) string        { return f.now.Load().showURL(host, url) }
