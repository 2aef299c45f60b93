package front

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Replays is what the front door asks for about many finished webhooks at once.
type Replays interface {
	// Count returns how many a filter means, and whether that is all of them: it gives up after a while.
	Count(ctx context.Context, filter *persist.Filter) (n int64, whole bool, err error)
	// Begin starts a job, of a tenant (empty: of all), that accepts each of them anew. The same key (empty: none) begins it
	// once; then existing is true. Errors: ErrTooManyJobs, ErrJobConflict, ErrStopping.
	Begin(ctx context.Context, filter *persist.Filter, tenant, key string) (job JobView, existing bool, err error)
}

// replay answers POST /v1/replays.
func (f *Front) replay(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	var asked struct {
		Filter map[string]any `json:"filter"`
		DryRun bool           `json:"dry_run"`
	}
	if p := readObject(ctx.PostBody(), &asked, `{"filter":{"state":"failed"},"dry_run":true}`); p != nil {
		answer(ctx, p)
		return
	}
	given := map[string]string{}
	field := func(name string) string { return "/filter/" + name }
	for name, value := range asked.Filter {
		switch v := value.(type) {
		case string:
			given[name] = v
		case float64:
			given[name] = strconv.FormatFloat(v, 'f', -1, 64)
		default:
			answer(ctx, badRequest(fmt.Sprintf("%.100s is %.100v", field(name), v), "a string"))
			return
		}
	}
	if len(given) == 0 {
		answer(ctx, badRequest("/filter is empty", "at least one of host, flow, type, state, status, subscription, event, since, until, "+
			`as in {"filter":{"state":"failed"}}`))
		return
	}
	filter, p := readFilter(given, by, field)
	switch {
	case p != nil:
		answer(ctx, p)
		return
	case filter.State == record.Pending || filter.State == record.Sending:
		answer(ctx, badRequest(fmt.Sprintf("/filter/state is %q", filter.State),
			"delivered, failed, expired or cancelled: what is not over is sent anyway"))
		return
	case by.partial():
		answer(ctx, forbiddenProblem(fmt.Sprintf("Token %s is confined to hosts or flows: want a token that is not, "+
			"or a retry of single webhooks", by.Name())))
		return
	}
	if asked.DryRun {
		n, whole, err := f.set.Replays.Count(f.work, &filter.Filter)
		if err != nil {
			f.failed(ctx, err, "counting webhooks failed")
			return
		}
		write(ctx, struct {
			Count int64 `json:"count"`
			Whole bool  `json:"whole"` // false: there are more
		}{n, whole})
		return
	}
	f.beginJob(ctx, by, filter.Tenants, func(tenant, key string) (JobView, bool, error) {
		return f.set.Replays.Begin(f.work, &filter.Filter, tenant, key)
	})
}

// beginJob begins a job about tenants (nil: all) on behalf of someone, under the request's idempotency key, and answers with
// it. A job is of one tenant, to whom it shows, or of all.
func (f *Front) beginJob(ctx *fasthttp.RequestCtx, by *principal, about []string, begin func(tenant, key string) (JobView, bool, error)) {
	key, p := idempotencyKey(&ctx.Request.Header)
	if len(about) > 1 {
		p = badRequest(fmt.Sprintf("no tenant is named, and token %s is for %s", by.Name(), strings.Join(about, ", ")),
			"one of them: a job is of one tenant")
	}
	if p != nil {
		answer(ctx, p)
		return
	}
	tenant := ""
	if len(about) == 1 {
		tenant = about[0]
	}
	view, existing, err := begin(tenant, key)
	if err != nil {
		f.jobFailed(ctx, err, "beginning a job failed")
		return
	}
	begun(ctx, &view)
	if existing {
		markReplayed(ctx)
	}
}
