package front

import (
	"context"
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Erasures is what the front door asks for to have what is kept of webhooks wiped.
type Erasures interface {
	// Begin starts a job, of a tenant (empty: of all), that cancels what waits and wipes what is over: of a subject (zero: of
	// any) and of tenants (nil: of any), not of both any. The same key (empty: none) begins it once; then existing is true.
	// Errors: ErrTooManyJobs, ErrJobConflict, ErrStopping.
	Begin(ctx context.Context, subject record.Digest, tenants []string, tenant, key string) (job JobView, existing bool, err error)
}

// erase answers POST /v1/erasures.
func (f *Front) erase(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	var asked struct {
		Subject string `json:"subject"`
		Tenant  string `json:"tenant"`
	}
	if p := readObject(ctx.PostBody(), &asked, `{"subject":"customer-4711"} or {"tenant":"eu"}`); p != nil {
		answer(ctx, p)
		return
	}
	var subject record.Digest
	tenants := by.Tenants()
	switch {
	case asked.Subject == "" && asked.Tenant == "":
		answer(ctx, badRequest("neither subject nor tenant is given", `one of them, as in {"subject":"customer-4711"}`))
		return
	case by.partial():
		answer(ctx, forbiddenProblem(fmt.Sprintf("Token %s is confined to hosts or flows: want one that is not", by.Name())))
		return
	case asked.Tenant != "" && !by.SeesTenant(asked.Tenant):
		answer(ctx, by.tenantProblem(asked.Tenant))
		return
	}
	if asked.Tenant != "" {
		tenants = []string{asked.Tenant}
	}
	if asked.Subject != "" {
		subject = webhook.SubjectDigest(&f.defaults.Secret, asked.Subject)
	}
	f.beginJob(ctx, by, tenants, func(tenant, key string) (JobView, bool, error) {
		return f.set.Erasures.Begin(f.work, subject, tenants, tenant, key)
	})
}
