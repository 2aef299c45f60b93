package rules

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/limiter"
)

// hostRules are what the rules say of one host, as it is asked for several times with each webhook.
type hostRules struct {
	// label names the host in metrics, by the entry of limits.hosts that matches it: as many values as entries, however many
	// hosts are called.
	label    string
	laneBy   webhook.LaneBy
	maskPath bool
	override *limiter.Override // of how its headers are to be read; nil: as they look
	breaker  *breakerRule
}

// knownHosts are those asked for of late: finding the entry that matches a host takes longer than all that is
// then asked of it. They are as old as the rules that they are of, and begin anew when they are too many: whoever posts
// webhooks says what hosts there are.
type knownHosts struct {
	byName sync.Map // of *hostRules
	count  atomic.Int64
}

// maxKnownHosts bounds them; each takes some 200 bytes.
const maxKnownHosts = 1 << 15

func (r *Rules) of(host string) *hostRules {
	if d, ok := r.known.byName.Load(host); ok {
		return d.(*hostRules) //nolint:forcetypeassert // nothing else is stored
	}
	if r.known.count.Add(1) > maxKnownHosts {
		r.known.byName.Clear()
		r.known.count.Store(1)
	}
	d := r.newHostRules(host)
	r.known.byName.Store(strings.Clone(host), d) // it may be of a request that is read
	return d
}

func (r *Rules) newHostRules(host string) *hostRules {
	h := r.limits.Match(host)
	d := &hostRules{
		label: h.Match, laneBy: webhook.LaneBy{By: webhook.By(h.By.Kind), Segments: h.By.Segments},
		maskPath: h.MaskPath, override: r.overrideOf(&h), breaker: r.breakers.usual,
	}
	if d.label == "" {
		d.label = "other"
	}
	if rule, ok := r.breakers.differ[h.Match]; ok {
		d.breaker = rule
	}
	return d
}

func (r *Rules) overrideOf(h *configs.Host) *limiter.Override {
	if h.Match == "" {
		return nil
	}
	if o, ok := r.overrides.Load(h.Match); ok {
		return o.(*limiter.Override) //nolint:forcetypeassert // nothing else is stored
	}
	o, err := h.Override()
	if err != nil { // the configuration is valid
		o = nil
	}
	r.overrides.Store(h.Match, o)
	return o
}

func (r *Rules) laneBy(host string) webhook.LaneBy      { return r.of(host).laneBy }
func (r *Rules) hostLabel(host string) string           { return r.of(host).label }
func (r *Rules) override(host string) *limiter.Override { return r.of(host).override }

// showURL makes URLs fit to be shown: without credentials, and without their path where the configuration says that it
// is one.
func (r *Rules) showURL(host, url string) string {
	if r.of(host).maskPath {
		return webhook.MaskPath(url)
	}
	return webhook.MaskURL(url)
}
