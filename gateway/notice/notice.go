// Package notice tells people of what should not go on unseen: subscriptions that were disabled, tenants and hosts that fail,
// what waits too long, what cannot be signed. It never changes what becomes of a webhook.
package notice

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// The kinds of notices.
const (
	kindDisabled = "subscription.disabled"
	kindErrors   = "tenant.errors"
	kindBreaker  = "breaker.open"
	kindWaiting  = "oldest.waiting"
	kindUnsigned = "signing.failed"
)

// notice is something that a person should hear of.
type notice struct {
	kind string
	text string
	data map[string]any
	at   time.Time
}

// Settings are what a Teller works with.
type Settings struct {
	// URL is where notices are posted, as webhooks like any other; empty: nowhere.
	URL string
	// Errors is how many failed attempts a tenant may have within 24 hours until that is told of, once a day; 0: any number.
	Errors int
	// BreakerOpen is how long a breaker may stay open, and OldestWaiting how long the next webhook of a queue may have waited,
	// until that is told of; 0: it never is.
	BreakerOpen, OldestWaiting time.Duration

	// Look asks the dispatcher's schedule, Accept keeps a webhook, and Address sets its host and lane.
	Look    func(ctx context.Context, ask func(*schedule.Schedule, time.Time)) error
	Accept  func(ctx context.Context, deposits []persist.Deposit) ([]persist.Receipt, error)
	Address func(*record.Webhook)
	Log     zerolog.Logger
	Metrics prometheus.Registerer
}

// Teller tells people of what should not go on unseen: in the log, in a metric, and by a webhook, where a URL is set. What it
// counts is its own, and begins anew with each start.
type Teller struct {
	set  Settings
	told *prometheus.CounterVec

	mu      sync.Mutex
	errors  map[string]*dayOfErrors // by tenant, at most maxCounted
	waiting []notice
	wake    chan struct{} // of capacity 1

	distress map[string]*distress // by host; Run's own
}

// New returns a teller, which tells of nothing before it Runs.
func New(set Settings) *Teller {
	n := &Teller{
		set: set, errors: map[string]*dayOfErrors{}, wake: make(chan struct{}, 1), distress: map[string]*distress{},
		told: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_notices_total", Help: "Notices of what a person should hear of, by kind.",
		}, []string{"kind"}),
	}
	for _, kind := range []string{kindDisabled, kindErrors, kindBreaker, kindWaiting, kindUnsigned} {
		n.told.WithLabelValues(kind) // from 0 on: an alarm at an increase must see the first
	}
	set.Metrics.MustRegister(n.told)
	return n
}

// mostWaiting bounds the notices that nobody was told of yet; more are only counted as told.
const mostWaiting = 1000

// maxCounted bounds the tenants whose errors are counted, as callers without a token may name any: those of others are not
// noticed while so many have failed within a day.
const maxCounted = 10_000

// add has a notice be told of; it does not block.
func (n *Teller) add(one notice) {
	n.mu.Lock()
	if len(n.waiting) < mostWaiting {
		n.waiting = append(n.waiting, one)
	}
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Disabled tells that a subscription was disabled by its policy's rule.
func (n *Teller) Disabled(s *record.Subscription) {
	n.add(notice{kindDisabled, "a subscription was disabled: " + s.Disabled.Reason, map[string]any{
		"subscription": s.ID, "tenant": s.Tenant, "name": s.Name, "reason": s.Disabled.Reason, "policy": s.Policy,
	}, time.UnixMilli(s.Disabled.Since)})
}

// Unsigned tells that the webhooks of a policy, or of a subscription of it, cannot be signed.
func (n *Teller) Unsigned(policy, subscription, tenant string, cause error) {
	n.add(notice{kindUnsigned, "webhooks cannot be signed: they wait, and none is sent unsigned", map[string]any{
		"policy": policy, "subscription": subscription, "tenant": tenant, "error": cause.Error(),
	}, time.Now()})
}

// Attempted counts tenants' failed attempts. It is called on the dispatcher's loop.
func (n *Teller) Attempted(now time.Time, attempts []dispatch.Attempted) {
	if n.set.Errors <= 0 {
		return
	}
	n.mu.Lock()
	var over []string
	for i := range attempts {
		a := &attempts[i]
		if o := a.Seen.Outcome; o != policy.Retry && o != policy.Failed {
			continue
		}
		d := n.errors[a.Tenant]
		if d == nil && len(n.errors) >= maxCounted {
			continue
		}
		if d == nil {
			d = &dayOfErrors{}
			n.errors[a.Tenant] = d
		}
		if d.count(now, n.set.Errors) {
			over = append(over, a.Tenant)
		}
	}
	n.mu.Unlock()
	for _, tenant := range over {
		n.add(notice{kindErrors, "a tenant's calls fail", map[string]any{
			"tenant": tenant, "more_than": n.set.Errors, "within": "24h",
		}, now})
	}
}

// watchEvery is how often hosts are looked at; what is told of them is so late at most.
const watchEvery = 30 * time.Second

// Run tells of what comes, until ctx ends.
func (n *Teller) Run(ctx context.Context) {
	look := time.NewTicker(watchEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			n.tell(context.WithoutCancel(ctx))
			return
		case <-n.wake:
			n.tell(ctx)
		case <-look.C:
			n.lookAround(ctx)
			n.tell(ctx)
		}
	}
}

// tell tells of what waits to be told.
func (n *Teller) tell(ctx context.Context) {
	n.mu.Lock()
	waiting := n.waiting
	n.waiting = nil
	n.mu.Unlock()
	for _, one := range waiting {
		n.told.WithLabelValues(one.kind).Inc()
		n.set.Log.Warn().Str("notice", one.kind).Fields(one.data).Msg(one.text)
		if n.set.URL != "" {
			n.post(ctx, &one)
		}
	}
}

// noticeFlow is the flow of the webhooks that notices are.
const noticeFlow = "sluice-notices"

// post has a notice be sent as a webhook under the default policy.
func (n *Teller) post(ctx context.Context, one *notice) {
	body, err := json.Marshal(map[string]any{
		"type": "sluice." + one.kind, "timestamp": one.at.UTC().Format("2006-01-02T15:04:05.000Z"), "text": one.text, "data": one.data,
	})
	if err == nil {
		w := &record.Webhook{
			Method: "POST", URL: n.set.URL, Headers: []record.Header{{Name: "Content-Type", Value: "application/json"}}, Body: body,
			Tenant: "default", Flow: noticeFlow, Policy: policy.Default, Type: "sluice." + one.kind,
		}
		n.set.Address(w)
		_, err = n.set.Accept(ctx, []persist.Deposit{{Queue: w.Queue(), Payload: w.Encode(), Webhook: w}})
	}
	if err != nil {
		n.set.Log.Error().Err(err).Str("notice", one.kind).Msg("a notice could not be sent")
	}
}
