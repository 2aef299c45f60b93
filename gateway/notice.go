package gateway

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// The kinds of notices.
const (
	noticeDisabled = "subscription.disabled"
	noticeErrors   = "tenant.errors"
	noticeBreaker  = "breaker.open"
	noticeWaiting  = "oldest.waiting"
	noticeUnsigned = "signing.failed"
)

// notice is something that a person should hear of.
type notice struct {
	kind string
	text string
	data map[string]any
	at   time.Time
}

// notices tells people of what should not go on unseen: in the log, in a metric, and by a webhook, where one is
// configured. What it counts is its own, and begins anew with each start.
type notices struct {
	conf   configs.Notices
	log    zerolog.Logger
	told   *prometheus.CounterVec
	look   func(ctx context.Context, ask func(*schedule.Schedule, time.Time)) error
	accept func(ctx context.Context, jobs []persist.Job) ([]persist.Receipt, error)
	// address sets the host and the lane of a webhook.
	address func(*record.Webhook)

	mu      sync.Mutex
	errors  map[string]*dayOfErrors // by tenant, at most maxCounted
	waiting []notice
	wake    chan struct{} // of capacity 1

	distress map[string]*distress // by host; run's own
}

func newNotices(conf configs.Notices, log zerolog.Logger, reg prometheus.Registerer) *notices {
	n := &notices{
		conf: conf, log: log, errors: map[string]*dayOfErrors{}, wake: make(chan struct{}, 1), distress: map[string]*distress{},
		told: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_notices_total", Help: "Notices of what a person should hear of, by kind.",
		}, []string{"kind"}),
	}
	reg.MustRegister(n.told)
	return n
}

// mostWaiting bounds the notices that nobody was told of yet; more are only counted as told.
const mostWaiting = 1000

// maxCounted bounds the tenants whose errors are counted, as callers without a token may name any: those of others are not
// noticed while so many have failed within a day.
const maxCounted = 10_000

// add has a notice be told of; it does not block.
func (n *notices) add(one notice) {
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

// disabled tells that a subscription was disabled by its policy's rule.
func (n *notices) disabled(s *record.Subscription) {
	n.add(notice{noticeDisabled, "a subscription was disabled: " + s.Disabled.Reason, map[string]any{
		"subscription": s.ID, "tenant": s.Tenant, "name": s.Name, "reason": s.Disabled.Reason, "policy": s.Policy,
	}, time.UnixMilli(s.Disabled.Since)})
}

// attempted counts tenants' failed attempts. It is called on the dispatcher's loop.
func (n *notices) attempted(now time.Time, attempts []dispatch.Attempted) {
	if n.conf.Errors <= 0 {
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
		if d.count(now, n.conf.Errors) {
			over = append(over, a.Tenant)
		}
	}
	n.mu.Unlock()
	for _, tenant := range over {
		n.add(notice{noticeErrors, "a tenant's calls fail", map[string]any{
			"tenant": tenant, "more_than": n.conf.Errors, "within": "24h",
		}, now})
	}
}

// watchEvery is how often hosts are looked at; what is told of them is so late at most.
const watchEvery = 30 * time.Second

// run tells of what comes, until ctx ends.
func (n *notices) run(ctx context.Context) {
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
func (n *notices) tell(ctx context.Context) {
	n.mu.Lock()
	waiting := n.waiting
	n.waiting = nil
	n.mu.Unlock()
	for _, one := range waiting {
		n.told.WithLabelValues(one.kind).Inc()
		n.log.Warn().Str("notice", one.kind).Fields(one.data).Msg(one.text)
		if n.conf.URL != "" {
			n.post(ctx, &one)
		}
	}
}

// noticeFlow is the flow of the webhooks that notices are.
const noticeFlow = "sluice-notices"

// post has a notice be sent as a webhook under the default policy.
func (n *notices) post(ctx context.Context, one *notice) {
	body, err := json.Marshal(map[string]any{
		"type": "sluice." + one.kind, "timestamp": one.at.UTC().Format("2006-01-02T15:04:05.000Z"), "text": one.text, "data": one.data,
	})
	if err == nil {
		w := &record.Webhook{
			Method: "POST", URL: n.conf.URL, Headers: []record.Header{{Name: "Content-Type", Value: "application/json"}}, Body: body,
			Tenant: "default", Flow: noticeFlow, Policy: policy.Default, Type: "sluice." + one.kind,
		}
		n.address(w)
		_, err = n.accept(ctx, []persist.Job{{Queue: w.Queue(), Payload: w.Encode(), Webhook: w}})
	}
	if err != nil {
		n.log.Error().Err(err).Str("notice", one.kind).Msg("a notice could not be sent")
	}
}
