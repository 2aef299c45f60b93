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
)

// route finds who answers. Paths are compared as they were sent: nothing is decoded, joined or completed, but for a
// host's name.
func (f *Front) route(ctx *fasthttp.RequestCtx) {
	path := string(ctx.URI().PathOriginal())
	switch path {
	case webhooksPath:
		if on(ctx, "POST") {
			f.accept(ctx)
		}
	case hostsPath:
		if on(ctx, "GET", "HEAD") {
			f.hosts(ctx)
		}
	case jobsPath:
		if on(ctx, "GET", "HEAD") {
			f.jobs(ctx)
		}
	default:
		f.routeMember(ctx, path)
	}
}

// routeMember finds who answers for one member of a collection.
func (f *Front) routeMember(ctx *fasthttp.RequestCtx, path string) {
	if id, part := member(path, webhooksPath); id != "" && part == "" {
		if on(ctx, "GET", "HEAD") {
			f.webhook(ctx, id)
		}
		return
	}
	if name, part := member(path, hostsPath); name != "" {
		f.host(ctx, name, part)
		return
	}
	if id, part := member(path, jobsPath); id != "" && part == "" {
		if on(ctx, "GET", "HEAD", "DELETE") {
			f.job(ctx, id)
		}
		return
	}
	answer(ctx, notFoundProblem("No route has this path: webhooks are posted to "+webhooksPath))
}

// member returns the member of a collection that a path names, and which part of it, empty where the path ends with the
// member. Each is one segment. An empty name: the path names none.
func member(path, collection string) (name, part string) {
	rest, ok := strings.CutPrefix(path, collection+"/")
	if !ok {
		return "", ""
	}
	name, part, ok = strings.Cut(rest, "/")
	if ok && (part == "" || strings.IndexByte(part, '/') >= 0) {
		return "", ""
	}
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return name, part
}

// on reports whether the request's method is one of those, and answers when it is not.
func on(ctx *fasthttp.RequestCtx, methods ...string) bool {
	for _, m := range methods {
		if string(ctx.Method()) == m {
			return true
		}
	}
	answer(ctx, methodProblem(ctx.Method(), strings.Join(methods, ", ")))
	return false
}
