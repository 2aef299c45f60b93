package front

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/subscription"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Subscriptions is what the front door asks of whoever keeps subscriptions. An empty tenant stands for all of them.
type Subscriptions interface {
	// Subscription returns one; nil: there is none of that id.
	Subscription(tenant, id string) *record.Subscription
	List(q subscription.Query) (page []*record.Subscription, more bool)
	// Check says what of a draft does not go with its policy; of is the subscription that it changes, nil for a new one.
	Check(d *subscription.Draft, of *record.Subscription) webhook.Faults
	Create(ctx context.Context, d *subscription.Draft) (subscription.Created, error)
	Update(ctx context.Context, tenant, id string,
		read func(*record.Subscription) (*subscription.Draft, error)) (*record.Subscription, error)
	Delete(ctx context.Context, tenant, id string, finish bool) error
	Rotate(ctx context.Context, tenant, id, secret string, overlap time.Duration) (*record.Subscription, string, error)
	// Test sends a test event to a subscription, at once and once, and returns what came of it.
	Test(ctx context.Context, tenant, id string) (*Tested, error)

	Publish(ctx context.Context, events []*subscription.Event) []subscription.Published
	Event(ctx context.Context, tenant, id string) (*record.Event, []record.ID, error)
}

// Tested is what came of a test event.
type Tested struct {
	Event   string // the id that it had
	Attempt record.Attempt
}

// createSubscription answers POST /v1/subscriptions.
func (f *Front) createSubscription(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	d, faults := subscription.Parse(ctx.PostBody(), time.Now(), by.definitions(&f.defaults))
	if faults == nil {
		faults = f.set.Subscriptions.Check(d, nil)
	}
	if faults != nil {
		answer(ctx, invalidProblem(faults))
		return
	}
	if p := by.refuseSubscription(&d.Record); p != nil {
		answer(ctx, p)
		return
	}
	made, err := f.set.Subscriptions.Create(f.work, d)
	if err != nil {
		f.subscriptionFailed(ctx, err, "making a subscription failed")
		return
	}
	view := f.showSubscription(made.Subscription)
	view.Secret = made.Secret
	write(ctx, view)
	if made.New {
		ctx.SetStatusCode(fasthttp.StatusCreated)
		ctx.Response.Header.Set("Location", subscriptionsPath+"/"+view.ID)
	}
}

// subscription answers GET /v1/subscriptions/{id}.
func (f *Front) subscription(ctx *fasthttp.RequestCtx, by *principal, id string) {
	if s := f.ownSubscription(ctx, by, id); s != nil {
		write(ctx, f.showSubscription(s))
	}
}

// changeSubscription answers PATCH /v1/subscriptions/{id}.
func (f *Front) changeSubscription(ctx *fasthttp.RequestCtx, by *principal, id string) {
	own := f.ownSubscription(ctx, by, id)
	if own == nil {
		return
	}
	var wrong *problem
	s, err := f.set.Subscriptions.Update(f.work, own.Tenant, id, func(is *record.Subscription) (*subscription.Draft, error) {
		d, faults := subscription.ParseChange(ctx.PostBody(), is, time.Now(), by.definitions(&f.defaults))
		if faults == nil {
			faults = f.set.Subscriptions.Check(d, is)
		}
		if faults != nil {
			wrong = invalidProblem(faults)
			return nil, faults[0]
		}
		if wrong = by.refuseSubscription(&d.Record); wrong != nil {
			return nil, errors.New(wrong.Detail)
		}
		return d, nil
	})
	switch {
	case wrong != nil:
		answer(ctx, wrong)
	case err != nil:
		f.subscriptionFailed(ctx, err, "changing a subscription failed")
	default:
		write(ctx, f.showSubscription(s))
	}
}

// deleteSubscription answers DELETE /v1/subscriptions/{id}.
func (f *Front) deleteSubscription(ctx *fasthttp.RequestCtx, by *principal, id string) {
	pending := string(ctx.QueryArgs().Peek("pending"))
	if pending != "" && pending != "cancel" && pending != "finish" {
		answer(ctx, badRequest(fmt.Sprintf("pending=%.100q", pending), "pending=cancel, which is the default, or pending=finish"))
		return
	}
	own := f.ownSubscription(ctx, by, id)
	if own == nil {
		return
	}
	if err := f.set.Subscriptions.Delete(f.work, own.Tenant, id, pending == "finish"); err != nil {
		f.subscriptionFailed(ctx, err, "deleting a subscription failed")
		return
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
}

// rotateSecret answers POST /v1/subscriptions/{id}/rotate-secret.
func (f *Front) rotateSecret(ctx *fasthttp.RequestCtx, by *principal, id string) {
	own := f.ownSubscription(ctx, by, id)
	if own == nil {
		return
	}
	secret, overlap, faults := subscription.ParseRotation(ctx.PostBody())
	if faults == nil && secret != "" {
		faults = f.set.Subscriptions.Check(&subscription.Draft{Record: *own, Secret: secret}, own)
	}
	if faults != nil {
		answer(ctx, invalidProblem(faults))
		return
	}
	s, told, err := f.set.Subscriptions.Rotate(f.work, own.Tenant, id, secret, overlap)
	if err != nil {
		f.subscriptionFailed(ctx, err, "rotating a secret failed")
		return
	}
	view := f.showSubscription(s)
	view.Secret = told
	write(ctx, view)
}

// testSubscription answers POST /v1/subscriptions/{id}/test.
func (f *Front) testSubscription(ctx *fasthttp.RequestCtx, by *principal, id string) {
	own := f.ownSubscription(ctx, by, id)
	if own == nil || !f.takeTry(ctx, by, time.Now()) {
		return
	}
	tested, err := f.set.Subscriptions.Test(f.work, own.Tenant, id)
	if err != nil {
		f.subscriptionFailed(ctx, err, "testing a subscription failed")
		return
	}
	write(ctx, struct {
		Event   string       `json:"event"`
		Attempt shownAttempt `json:"attempt"`
	}{tested.Event, showAttempts([]record.Attempt{tested.Attempt})[0]})
}

// listSubscriptions answers GET /v1/subscriptions.
func (f *Front) listSubscriptions(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	q, p := readQuery(ctx, by)
	if p != nil {
		answer(ctx, p)
		return
	}
	views := []*shownSubscription{}
	for {
		page, more := f.set.Subscriptions.List(q)
		for _, s := range page {
			if q.After = s.ID; by.seesSubscription(s) {
				views = append(views, f.showSubscription(s))
			}
		}
		if !more || len(page) == 0 {
			q.After = ""
			break
		}
		if len(views) >= q.Limit {
			break
		}
	}
	write(ctx, struct {
		Subscriptions []*shownSubscription `json:"subscriptions"`
		Next          *string              `json:"next"` // null: these are the last
	}{views, next(q.After)})
}

func next(after string) *string {
	if after == "" {
		return nil
	}
	return &after
}

// readQuery reads which subscriptions are asked for.
func readQuery(ctx *fasthttp.RequestCtx, by *principal) (subscription.Query, *problem) {
	q := subscription.Query{Limit: defaultPage}
	var p *problem
	for name, raw := range ctx.QueryArgs().All() {
		value := string(raw)
		switch string(name) {
		case "tenant":
			if q.Tenant = value; !by.SeesTenant(value) {
				p = by.tenantProblem(value)
			}
		case "url":
			q.URL = value
		case "enabled":
			enabled, err := strconv.ParseBool(value)
			if q.Enabled = &enabled; err != nil {
				p = badRequest(fmt.Sprintf("enabled=%.100q", value), "enabled=true or enabled=false")
			}
		case "cursor":
			q.After = value
		case "limit":
			var wrong *problem
			if q.Limit, wrong = pageSize(ctx); wrong != nil {
				p = wrong
			}
		}
	}
	if tenants := by.Tenants(); q.Tenant == "" && len(tenants) == 1 {
		q.Tenant = tenants[0]
	}
	return q, p
}

// ownSubscription returns a subscription that the principal may see; where there is none, it answers, and returns nil.
func (f *Front) ownSubscription(ctx *fasthttp.RequestCtx, by *principal, id string) *record.Subscription {
	s := f.set.Subscriptions.Subscription("", id)
	if s == nil || !by.seesSubscription(s) {
		answer(ctx, notFoundProblem(fmt.Sprintf("No subscription has the id %.100q", id)))
		return nil
	}
	return s
}

// seesSubscription reports whether a subscription may be shown to the principal.
func (p *principal) seesSubscription(s *record.Subscription) bool {
	return p.sees(s.Tenant, hostOf(s), s.ID)
}

// refuseSubscription says why the principal may not have something sent as a subscription says; nil: it may.
func (p *principal) refuseSubscription(s *record.Subscription) *problem {
	return p.refuse(&record.Webhook{Tenant: s.Tenant, Host: hostOf(s), Flow: s.ID})
}

func hostOf(s *record.Subscription) string {
	target, _ := webhook.Locate(s.URL) // it was checked when it was given
	return target.Host
}

// subscriptionFailed answers when something about a subscription could not be done.
func (f *Front) subscriptionFailed(ctx *fasthttp.RequestCtx, err error, what string) {
	switch {
	case errors.Is(err, subscription.ErrNotFound):
		answer(ctx, notFoundProblem("There is no such subscription any more"))
	case errors.Is(err, subscription.ErrTaken):
		answer(ctx, newProblem(409, "url-taken", "Another subscription has this URL",
			"A tenant has one subscription for a URL: want another URL, or that subscription deleted or changed instead"))
	case errors.Is(err, subscription.ErrTooMany):
		answer(ctx, newProblem(409, "too-many-subscriptions", "There are too many subscriptions",
			fmt.Sprintf("Want at most %d of a tenant, and %d in all", subscription.MaxOfTenant, subscription.MaxSubscriptions)))
	default:
		f.failed(ctx, err, what)
	}
}
