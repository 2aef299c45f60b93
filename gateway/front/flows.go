package front

import (
	"context"
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

// Flows is what the front door asks of, and does to, whoever sends about callers' streams of webhooks.
type Flows interface {
	// Flows returns the flows that have something waiting or under way, or that are held or being cancelled, and that are
	// wanted, by tenant and name, behind one (both empty: from the first), at most limit; more: there are others behind them.
	Flows(ctx context.Context, tenant, flow string, limit int, wanted func(tenant, flow string) bool) (page []FlowView, more bool, err error)
	// Flow returns one of them; nil: nothing is known of it.
	Flow(ctx context.Context, tenant, flow string) (*FlowView, error)
	// HoldFlow holds a flow on every host, also for what is accepted later and also one that nothing is known of; ResumeFlow
	// ends that. Both return the flow as it stands once that is durable; ResumeFlow nil where nothing is known of it.
	HoldFlow(ctx context.Context, tenant, flow string) (*FlowView, error)
	ResumeFlow(ctx context.Context, tenant, flow string) (*FlowView, error)
	// CancelFlow begins a job that ends, without an attempt, everything of a flow that was accepted until now.
	CancelFlow(ctx context.Context, tenant, flow string) (*JobView, error)
}

// The states of a flow.
const (
	FlowSending    = "sending"    // its webhooks go, as far as their hosts let them
	FlowHeld       = "held"       // an operator holds it
	FlowCancelling = "cancelling" // what waited is being ended
)

// FlowView is a caller's stream of webhooks as it stands, on all hosts together.
type FlowView struct {
	Tenant    string  `json:"tenant"`
	Flow      string  `json:"flow"`
	State     string  `json:"state"`
	Waiting   int     `json:"waiting"` // webhooks known to wait
	More      bool    `json:"more"`    // the disk holds more than Waiting counts
	InFlight  int     `json:"in_flight"`
	Cancelled int     `json:"cancelled"`  // so far, by the cancellation under way or the latest one
	OldestAt  Instant `json:"oldest_at"`  // when the first of those that wait was accepted; null: none waits
	HeldSince Instant `json:"held_since"` // null: it is not held, or was by a release that did not say
}

// flows answers GET /v1/flows.
func (f *Front) flows(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	part, p := readListing(ctx)
	afterTenant, afterFlow, ok := readFlowPlace(part.after)
	if p == nil && !ok {
		p = badRequest("the cursor is no flow's", "the next of a page of flows, or none")
	}
	if p != nil {
		answer(ctx, p)
		return
	}
	only := string(ctx.QueryArgs().Peek("tenant"))
	page, more, err := f.set.Flows.Flows(f.work, afterTenant, afterFlow, part.limit, func(tenant, flow string) bool {
		return by.SeesTenant(tenant) && by.InFlow(flow) && (only == "" || tenant == only)
	})
	if err != nil {
		f.failed(ctx, err, "listing flows failed")
		return
	}
	var behind string
	if n := len(page); more && n > 0 {
		behind = nameCursor(flowPlace(page[n-1].Tenant, page[n-1].Flow))
	}
	write(ctx, struct {
		Flows []FlowView `json:"flows"`
		Next  *string    `json:"next"` // null: these are the last
	}{append([]FlowView{}, page...), next(behind)})
}

// flow answers GET /v1/flows/{flow}.
func (f *Front) flow(ctx *fasthttp.RequestCtx, by *principal, name string) {
	f.answerFlow(ctx, by, name, f.set.Flows.Flow, "showing a flow failed")
}

// pauseFlow answers POST /v1/flows/{flow}/pause.
func (f *Front) pauseFlow(ctx *fasthttp.RequestCtx, by *principal, name string) {
	f.answerFlow(ctx, by, name, f.set.Flows.HoldFlow, "pausing a flow failed")
}

// resumeFlow answers POST /v1/flows/{flow}/resume.
func (f *Front) resumeFlow(ctx *fasthttp.RequestCtx, by *principal, name string) {
	f.answerFlow(ctx, by, name, f.set.Flows.ResumeFlow, "resuming a flow failed")
}

// cancelFlow answers POST /v1/flows/{flow}/cancel.
func (f *Front) cancelFlow(ctx *fasthttp.RequestCtx, by *principal, name string) {
	tenant, ok := f.flowOf(ctx, by, name)
	if !ok {
		return
	}
	view, err := f.set.Flows.CancelFlow(f.work, tenant, name)
	if err != nil {
		f.jobFailed(ctx, err, "cancelling a flow failed")
		return
	}
	begun(ctx, view)
}

// flowOf returns the tenant whose flow a request is about; when that is not there for whoever asks, or cannot be, it answers.
func (f *Front) flowOf(ctx *fasthttp.RequestCtx, by *principal, name string) (tenant string, ok bool) {
	tenant = by.Tenant()
	if given := ctx.QueryArgs().Peek("tenant"); len(given) > 0 {
		tenant = string(given)
	}
	switch {
	case !by.SeesTenant(tenant) || !by.InFlow(name):
		answer(ctx, noFlowProblem(tenant, name))
	case by.host != nil && !ctx.IsGet() && !ctx.IsHead():
		answer(ctx, forbiddenProblem(fmt.Sprintf("Token %s is confined to hosts, and a flow goes to any: want one that is not", by.Name())))
	case len(name) > webhook.MaxFlow:
		answer(ctx, badRequest(fmt.Sprintf("a flow's name of %d bytes", len(name)), fmt.Sprintf("at most %d", webhook.MaxFlow)))
	case len(tenant) > webhook.MaxName:
		answer(ctx, badRequest(fmt.Sprintf("a tenant's name of %d bytes", len(tenant)), fmt.Sprintf("at most %d", webhook.MaxName)))
	default:
		return tenant, true
	}
	return "", false
}

// answerFlow asks something of one flow and answers with the flow as it then stands.
func (f *Front) answerFlow(
	ctx *fasthttp.RequestCtx, by *principal, name string,
	ask func(ctx context.Context, tenant, flow string) (*FlowView, error), failed string,
) {
	tenant, ok := f.flowOf(ctx, by, name)
	if !ok {
		return
	}
	view, err := ask(f.work, tenant, name)
	switch {
	case err != nil:
		f.failed(ctx, err, failed)
	case view == nil:
		answer(ctx, noFlowProblem(tenant, name))
	default:
		write(ctx, view)
	}
}

func noFlowProblem(tenant, name string) *problem {
	return notFoundProblem(fmt.Sprintf("Nothing of flow %.128q of tenant %.100q waits, is under way or held: want one as in /v1/flows",
		name, tenant))
}
