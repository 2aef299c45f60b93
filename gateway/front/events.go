package front

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/subscription"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// publish answers POST /v1/events.
func (f *Front) publish(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	if by.partial() {
		answer(ctx, forbiddenProblem(fmt.Sprintf("Token %s is confined to hosts or flows, and an event goes to "+
			"whichever subscription of its tenant wants it: want a token that is confined to tenants at most", by.Name())))
		return
	}
	b, p := f.readEvents(ctx, by)
	if p != nil {
		answer(ctx, p)
		return
	}
	by.charge(len(b.items))
	results := f.set.Subscriptions.Publish(f.work, b.events)
	for i := range results {
		if r := &results[i]; r.Err == nil && r.Verdict == persist.New {
			f.counts.accepted.Add(float64(len(r.Webhooks)))
		}
	}
	if b.single {
		f.answerEvent(ctx, &b.items[0], results)
		return
	}
	f.answerEvents(ctx, b.items, results)
}

// shownPublished is what became of an event that was accepted.
type shownPublished struct {
	ID         string          `json:"id"`
	Matched    int             `json:"matched"`
	Deliveries []shownDelivery `json:"deliveries"`
}

// shownDelivery is one of the webhooks that an event became.
type shownDelivery struct {
	Subscription string `json:"subscription"`
	Webhook      string `json:"webhook"`
}

func showPublished(p *subscription.Published) shownPublished {
	v := shownPublished{ID: p.Event.ID, Matched: len(p.Webhooks), Deliveries: make([]shownDelivery, len(p.Webhooks))}
	for i, id := range p.Webhooks {
		v.Deliveries[i] = shownDelivery{p.Event.Matches[i], id.String()}
	}
	return v
}

// answerEvent answers for one event.
func (f *Front) answerEvent(ctx *fasthttp.RequestCtx, it *eventItem, results []subscription.Published) {
	p := it.wrong
	if p == nil {
		p = f.publishProblem(&results[it.event])
	}
	if p != nil {
		answer(ctx, p)
		return
	}
	write(ctx, showPublished(&results[it.event]))
	ctx.SetStatusCode(fasthttp.StatusAccepted)
	if results[it.event].Verdict == persist.Existing {
		markReplayed(ctx)
	}
}

// shownResult is what became of one event of several.
type shownResult struct {
	Index int `json:"index"`
	*shownPublished
	Error *problem `json:"error,omitempty"`
}

// answerEvents answers for several: 202 when all were accepted, 207 when some, 400 when none. Where the store took none
// for a reason of its own, that is the answer.
func (f *Front) answerEvents(ctx *fasthttp.RequestCtx, items []eventItem, results []subscription.Published) {
	shown := make([]shownResult, len(items))
	accepted, replayed := 0, 0
	var refused *problem
	for i := range items {
		shown[i].Index = i
		p := items[i].wrong
		if p == nil {
			r := &results[items[i].event]
			if p = f.publishProblem(r); p == nil {
				v := showPublished(r)
				shown[i].shownPublished = &v
				accepted++
				if r.Verdict == persist.Existing {
					replayed++
				}
				continue
			}
			if r.Err != nil {
				refused = p
			}
		}
		shown[i].Error = p
	}
	if accepted == 0 && refused != nil {
		answer(ctx, refused)
		return
	}
	for i := range shown {
		if wrong := shown[i].Error; wrong != nil {
			f.counts.refusal(wrong)
		}
	}
	write(ctx, struct {
		Accepted int           `json:"accepted"`
		Rejected int           `json:"rejected"`
		Results  []shownResult `json:"results"`
	}{accepted, len(items) - accepted, shown})
	switch accepted {
	case len(items):
		ctx.SetStatusCode(fasthttp.StatusAccepted)
	case 0:
		ctx.SetStatusCode(fasthttp.StatusBadRequest)
	default:
		ctx.SetStatusCode(fasthttp.StatusMultiStatus)
	}
	if replayed == len(items) {
		markReplayed(ctx)
	}
}

// publishProblem says why an event was not stored; nil: it was.
func (f *Front) publishProblem(r *subscription.Published) *problem {
	switch {
	case r.Err != nil:
		if p := storeProblem(r.Err); p != nil {
			return p
		}
		f.set.Log.Error().Err(r.Err).Msg("storing an event failed; its sender was told")
		return internalProblem()
	case r.Verdict == persist.Conflict:
		return newProblem(409, "event-conflict", "The event's id is known for something else",
			"An id stands for one event for as long as it is kept, a day at least: want a new id, or the event that was first sent under it")
	}
	return nil
}

// event answers GET /v1/events/{id}.
func (f *Front) event(ctx *fasthttp.RequestCtx, by *principal, id string) {
	tenant := by.Tenant()
	if named := ctx.QueryArgs().Peek("tenant"); len(named) > 0 {
		tenant = string(named)
	}
	limit, p := pageSize(ctx)
	if p != nil {
		answer(ctx, p)
		return
	}
	unknown := notFoundProblem(fmt.Sprintf("Tenant %.100q has published no event with the id %.100q, or its retention has passed", tenant, id))
	if !by.SeesTenant(tenant) {
		answer(ctx, unknown)
		return
	}
	e, webhooks, err := f.set.Subscriptions.Event(f.work, tenant, id)
	var view *shownEvent
	if err == nil {
		view, err = f.showEvent(by, e, webhooks, string(ctx.QueryArgs().Peek("cursor")), limit)
	}
	switch {
	case errors.Is(err, subscription.ErrNotFound):
		answer(ctx, unknown)
	case err != nil:
		f.failed(ctx, err, "showing an event failed")
	default:
		write(ctx, view)
	}
}

// shownEvent is an event as the API shows it.
type shownEvent struct {
	ID         string       `json:"id"`
	Type       string       `json:"type"`
	Tenant     string       `json:"tenant"`
	Live       bool         `json:"live"`
	Products   []string     `json:"products"`
	CreatedAt  Instant      `json:"created_at"`
	AcceptedAt Instant      `json:"accepted_at"`
	Size       int          `json:"size"`
	Matched    int          `json:"matched"`
	Missed     []string     `json:"missed"` // subscriptions that were disabled, by a policy that keeps nothing for them
	Deliveries []shownState `json:"deliveries"`
	Next       *string      `json:"next"` // null: these are the last
}

// showEvent shows an event as far as somebody may see, and those of its deliveries that are behind a webhook's id.
func (f *Front) showEvent(by *principal, e *record.Event, webhooks []record.ID, after string, limit int) (*shownEvent, error) {
	v := &shownEvent{
		ID: e.ID, Type: e.Type, Tenant: e.Tenant, Live: e.Live, Products: e.Products, CreatedAt: At(e.CreatedAt),
		AcceptedAt: At(e.AcceptedAt), Size: e.Size, Matched: len(webhooks), Missed: []string{}, Deliveries: []shownState{},
	}
	if v.Products == nil {
		v.Products = []string{}
	}
	for _, id := range e.Missed {
		if s := f.set.Subscriptions.Subscription(e.Tenant, id); !by.partial() || s != nil && by.seesSubscription(s) {
			v.Missed = append(v.Missed, id)
		}
	}
	looked, last := 0, ""
	for i, id := range webhooks {
		if id.String() <= after {
			continue
		}
		if looked == limit {
			v.Next = &last
			break
		}
		one, whose, err := f.showState(e.Matches[i], id)
		if err != nil {
			return nil, err
		}
		if looked, last = looked+1, one.Webhook; by.seesDelivery(whose) {
			v.Deliveries = append(v.Deliveries, one)
		}
	}
	return v, nil
}

// beginsEvents reports whether a text's first member is "events".
func beginsEvents(text []byte) bool {
	const space = " \t\r\n"
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(text, space), []byte{'{'})
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, space), []byte(`"events"`))
}
