package front

import (
	"fmt"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// parameters are what the query of each route may hold; of a route that is not here, nothing. The contract says the same.
var parameters = map[string][]string{
	"POST /v1/webhooks":             {"atomic"},
	"GET /v1/webhooks":              append(slices.Clip(filterNames), "limit", "cursor"),
	"POST /v1/webhooks/test":        {"force"},
	"GET /v1/webhooks/{id}":         {"include"},
	"GET /v1/hosts":                 {"limit", "cursor"},
	"GET /v1/flows":                 {"tenant", "limit", "cursor"},
	"GET /v1/flows/{flow}":          {"tenant"},
	"POST /v1/flows/{flow}/pause":   {"tenant"},
	"POST /v1/flows/{flow}/resume":  {"tenant"},
	"POST /v1/flows/{flow}/cancel":  {"tenant"},
	"GET /v1/subscriptions":         {"tenant", "url", "enabled", "limit", "cursor"},
	"DELETE /v1/subscriptions/{id}": {"pending"},
	"POST /v1/events":               {"type", "id", "tenant", "live", "product", "subject", "created"},
	"GET /v1/events/{id}":           {"tenant", "limit", "cursor"},
}

// query refuses a request that asks for something in a way that its route does not know: one that misspells tenant would be answered
// with another's. What a parameter's value may be is the handler's to say.
func (r *route) query(ctx *fasthttp.RequestCtx) *problem {
	if len(ctx.URI().QueryString()) == 0 {
		return nil
	}
	known := parameters[r.method+" "+r.path]
	for name := range ctx.QueryArgs().All() {
		switch {
		case slices.Contains(known, string(name)):
		case known == nil:
			return badRequest(fmt.Sprintf("%.100q is no parameter here", name), "a path without a query")
		default:
			return badRequest(fmt.Sprintf("%.100q is no parameter here", name), strings.Join(known, ", "))
		}
	}
	return nil
}
