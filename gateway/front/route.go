package front

import (
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

const (
	webhooksPath = "/v1/webhooks"
	hostsPath    = "/v1/hosts"
	jobsPath     = "/v1/jobs"
	contractPath = "/openapi.yaml"

	subscriptionsPath = "/v1/subscriptions"
)

// handler answers a request on behalf of someone who may make it. name is what stands for the {…} of its route's path,
// with percent-encodings decoded; empty where the path has none.
type handler func(f *Front, ctx *fasthttp.RequestCtx, by *principal, name string)

// route is one method of one path.
type route struct {
	method string // GET answers HEAD too
	path   string // with at most one segment in braces, which stands for one of any name
	// scope is what a token needs for it. Every route says, so that none is open for want of a thought.
	scope Scope
	// shared: it is about what all tenants share. A token that is confined to tenants may not.
	shared  bool
	handler handler
}

// routes are all there are, and who may.
var routes = []route{
	{"GET", contractPath, Anyone, false, (*Front).contract},
	{"POST", "/v1/webhooks", Send, false, (*Front).accept},
	{"GET", "/v1/webhooks", Read, false, (*Front).log},
	{"POST", "/v1/webhooks/test", Send, false, (*Front).tryOne},
	{"GET", "/v1/webhooks/{id}", Read, false, (*Front).webhook},
	{"DELETE", "/v1/webhooks/{id}", Admin, false, (*Front).cancel},
	{"POST", "/v1/webhooks/{id}/retry", Admin, false, (*Front).retry},
	{"GET", "/v1/hosts", Read, true, (*Front).hosts},
	{"GET", "/v1/hosts/{host}", Read, true, (*Front).host},
	{"POST", "/v1/hosts/{host}/pause", Admin, true, (*Front).pauseHost},
	{"POST", "/v1/hosts/{host}/resume", Admin, true, (*Front).resumeHost},
	{"POST", "/v1/hosts/{host}/breaker", Admin, true, (*Front).forceBreaker},
	{"DELETE", "/v1/hosts/{host}/learned", Admin, true, (*Front).forgetHost},
	{"POST", "/v1/erasures", Admin, false, (*Front).erase},
	{"POST", "/v1/replays", Admin, false, (*Front).replay},
	{"GET", keysPath, Anyone, false, (*Front).keySet},
	{"GET", "/v1/flows", Read, false, (*Front).flows},
	{"GET", "/v1/flows/{flow}", Read, false, (*Front).flow},
	{"POST", "/v1/flows/{flow}/pause", Admin, false, (*Front).pauseFlow},
	{"POST", "/v1/flows/{flow}/resume", Admin, false, (*Front).resumeFlow},
	{"POST", "/v1/flows/{flow}/cancel", Admin, false, (*Front).cancelFlow},
	{"GET", "/v1/jobs", Read, false, (*Front).jobs},
	{"GET", "/v1/jobs/{id}", Read, false, (*Front).job},
	{"DELETE", "/v1/jobs/{id}", Admin, false, (*Front).cancelJob},
	{"POST", "/v1/subscriptions", Admin, false, (*Front).createSubscription},
	{"GET", "/v1/subscriptions", Read, false, (*Front).listSubscriptions},
	{"GET", "/v1/subscriptions/{id}", Read, false, (*Front).subscription},
	{"PATCH", "/v1/subscriptions/{id}", Admin, false, (*Front).changeSubscription},
	{"DELETE", "/v1/subscriptions/{id}", Admin, false, (*Front).deleteSubscription},
	{"POST", "/v1/subscriptions/{id}/test", Admin, false, (*Front).testSubscription},
	{"POST", "/v1/subscriptions/{id}/rotate-secret", Admin, false, (*Front).rotateSecret},
	{"POST", "/v1/events", Send, false, (*Front).publish},
	{"GET", "/v1/events/{id}", Read, false, (*Front).event},
}

// byPath are the routes of each path, a {…} written as {}.
var byPath = func() map[string][]route {
	m := map[string][]route{}
	for _, r := range routes {
		key := r.path
		if open, end := strings.IndexByte(key, '{'), strings.IndexByte(key, '}'); open >= 0 {
			key = key[:open+1] + key[end:]
		}
		m[key] = append(m[key], r)
	}
	return m
}()

// route finds who answers, and has them answer if the request's sender may, who is returned; nil: nobody who may. Paths
// are compared as they were sent: nothing is decoded, joined or completed, but for a name.
func (f *Front) route(ctx *fasthttp.RequestCtx) *principal {
	path, name := ctx.URI().PathOriginal(), ""
	of := byPath[string(path)]
	if of == nil {
		of, name = find(string(path))
	}
	if of == nil {
		answer(ctx, noRouteProblem(path))
		return nil
	}
	method := string(ctx.Method())
	if method == "HEAD" {
		method = "GET"
	}
	for i := range of {
		if r := &of[i]; r.method == method {
			by := f.admit(ctx, bearer(&ctx.Request.Header), r.scope, r.shared)
			if by == nil {
				return nil
			}
			if p := r.query(ctx); p != nil {
				answer(ctx, p)
				return by
			}
			r.handler(f, ctx, by, name)
			return by
		}
	}
	answer(ctx, methodProblem(ctx.Method(), allowed(of)))
	return nil
}

// find returns the routes of a path, and the name in it, unescaped; nil: there are none. Beside the fixed paths there are
// /v1/{collection}/{name} and /v1/{collection}/{name}/{part}.
func find(path string) (of []route, name string) {
	if of = byPath[path]; of != nil || !strings.HasPrefix(path, "/v1/") {
		return of, ""
	}
	collection := strings.IndexByte(path[len("/v1/"):], '/')
	if collection < 0 {
		return nil, ""
	}
	collection += len("/v1/")
	name, part, ok := strings.Cut(path[collection+1:], "/")
	if name == "" || ok && part == "" {
		return nil, ""
	}
	key := path[:collection] + "/{}"
	if ok {
		key += "/" + part
	}
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return byPath[key], name
}

// allowed lists the methods of routes, for Allow (RFC 9110 section 10.2.1).
func allowed(of []route) string {
	var methods []string
	for _, r := range of {
		methods = append(methods, r.method)
		if r.method == "GET" {
			methods = append(methods, "HEAD")
		}
	}
	return strings.Join(methods, ", ")
}
