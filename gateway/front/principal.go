package front

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Scope is what a route asks of whoever calls it, and, as a set, what a token allows. None implies another.
type Scope uint8

// The scopes. Anyone is a route's that asks for no token; it is no token's.
const (
	Anyone   Scope = 0
	Send     Scope = 1 << (iota - 1) // accept webhooks and events
	Read                             // look at what was accepted and what became of it
	ReadBody                         // and at payloads
	Admin                            // change what others rely on: hosts, flows, subscriptions, what waits
)

// scopeNames are the words of the configuration, by bit.
var scopeNames = [...]string{"send", "read", "read:body", "admin"}

// ParseScope reads one of the configuration's words: send, read, read:body, admin.
func ParseScope(word string) (Scope, bool) {
	i := slices.Index(scopeNames[:], word)
	return Scope(1) << max(i, 0), i >= 0
}

// String returns the words of a set, with spaces between them as in RFC 6750 section 3.
func (s Scope) String() string {
	words := make([]string, 0, bits.OnesCount8(uint8(s)))
	for i, name := range scopeNames {
		if s&(1<<i) != 0 {
			words = append(words, name)
		}
	}
	return strings.Join(words, " ")
}

// principal is on whose behalf a request is answered: a token's bearer, or, where no token is configured, anyone on
// this machine. It is never nil in a handler, never changed, and may be kept.
type principal struct {
	name    string // of its token; empty: there are no tokens
	scopes  Scope
	tenants []string               // confined to these; nil: to none
	host    func(host string) bool // nil: every host
	flow    func(flow string) bool // nil: every flow
	meter   *meter                 // nil: no rate
}

// The principals of those who present no token: where none is configured, and on routes that ask for none.
var (
	everyone = &principal{scopes: Send | Read | ReadBody | Admin}
	nobody   = &principal{tenants: []string{}}
)

// Name is what the configuration calls the token; empty where no token is configured. Fit for logs.
func (p *principal) Name() string { return p.name }

// May reports whether every one of the scopes is among those of the principal.
func (p *principal) May(scopes Scope) bool { return p.scopes&scopes == scopes }

// Tenant is that of what the principal sends or asks for without naming one.
func (p *principal) Tenant() string {
	if len(p.tenants) > 0 {
		return p.tenants[0]
	}
	return webhook.DefaultTenant
}

// Tenants are those that the principal is confined to, its own first; nil: it may see and name all.
func (p *principal) Tenants() []string { return p.tenants }

// SeesTenant reports whether what belongs to a tenant may be shown to the principal. What it may not see is not there: 404.
func (p *principal) SeesTenant(tenant string) bool {
	return p.tenants == nil || slices.Contains(p.tenants, tenant)
}

// Reaches reports whether the principal may send to a host (record.Lane.Host), and see what is sent there.
func (p *principal) Reaches(host string) bool { return p.host == nil || p.host(host) }

// InFlow reports whether the principal may send in a flow, and see and steer it.
func (p *principal) InFlow(flow string) bool { return p.flow == nil || p.flow(flow) }

// partial reports whether the principal is confined to hosts or flows: of what a tenant has it sees a part.
func (p *principal) partial() bool { return p.host != nil || p.flow != nil }

// sees reports whether a webhook may be shown to the principal.
func (p *principal) sees(tenant, host, flow string) bool {
	return p.SeesTenant(tenant) && p.Reaches(host) && p.InFlow(flow)
}

// definitions returns what the principal's definitions are read with, which is not to be changed.
func (p *principal) definitions(of *webhook.Defaults) *webhook.Defaults {
	if p.Tenant() == of.Tenant {
		return of
	}
	own := *of
	own.Tenant = p.Tenant()
	return &own
}

// charge takes what a request holds beyond its first webhook from the principal's rate.
func (p *principal) charge(webhooks int) {
	if p.meter != nil && webhooks > 1 {
		p.meter.charge(time.Now(), webhooks-1)
	}
}

// refuse says why the principal may not send a webhook; nil: it may.
func (p *principal) refuse(w *record.Webhook) *problem {
	switch {
	case !p.SeesTenant(w.Tenant):
		return p.tenantProblem(w.Tenant)
	case !p.Reaches(w.Host):
		return forbiddenProblem(fmt.Sprintf("Token %s is not for host %.100q", p.name, w.Host))
	case !p.InFlow(w.Flow):
		return forbiddenProblem(fmt.Sprintf("Token %s is not for flow %.100q", p.name, w.Flow))
	}
	return nil
}

// tenantProblem is the answer to a request that names a tenant which the principal may not see.
func (p *principal) tenantProblem(tenant string) *problem {
	return forbiddenProblem(fmt.Sprintf("Token %s is not for tenant %.100q: want %s, or no tenant at all", p.name, tenant,
		strings.Join(p.tenants, " or ")))
}

// admit finds out on whose behalf a request is, by what was presented as a token (nil: nothing), and whether that one may
// do what its route is for. When not, it answers, and returns nil.
func (f *Front) admit(ctx *fasthttp.RequestCtx, presented []byte, scope Scope, shared bool) *principal {
	tokens := f.set.Tokens()
	switch {
	case scope == Anyone:
		return nobody
	case tokens.none():
		return everyone
	}
	by := tokens.bearer(presented)
	switch {
	case by == nil:
		ctx.Response.Header.Set("WWW-Authenticate", challenge(len(presented) > 0))
		answer(ctx, unauthorizedProblem(len(presented) > 0))
		return nil
	case !by.May(scope):
		ctx.Response.Header.Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="sluice", error="insufficient_scope", scope=%q`, scope))
		answer(ctx, forbiddenProblem(fmt.Sprintf("Token %s has the scope %s: want %s", by.name, by.scopes, scope)))
		return nil
	case shared && by.tenants != nil:
		answer(ctx, forbiddenProblem(fmt.Sprintf("Token %s is confined to tenant %s, and this is about what all tenants share",
			by.name, strings.Join(by.tenants, ", "))))
		return nil
	case by.meter != nil && !by.meter.admit(ctx):
		return nil
	}
	return by
}

// challenge is WWW-Authenticate's value (RFC 6750 section 3): its error is told only to who presented something.
func challenge(presented bool) string {
	if presented {
		return `Bearer realm="sluice", error="invalid_token"`
	}
	return `Bearer realm="sluice"`
}

// bearer returns the token of an Authorization field (RFC 6750 section 2.1); empty: there is none.
func bearer(h *fasthttp.RequestHeader) []byte {
	const scheme = "Bearer "
	given := h.Peek("Authorization")
	if len(given) <= len(scheme) || !strings.EqualFold(string(given[:len(scheme)]), scheme) {
		return nil
	}
	return given[len(scheme):]
}
