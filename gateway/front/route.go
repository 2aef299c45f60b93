package front

import (
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

const (
	webhooksPath = "/v1/webhooks"
	hostsPath    = "/v1/hosts"
)

// route finds who answers. Paths are compared as they were sent: nothing is decoded, joined or completed, but for a
// host's name.
func (f *Front) route(ctx *fasthttp.RequestCtx) {
	path := string(ctx.URI().PathOriginal())
	switch {
	case path == webhooksPath:
		if on(ctx, "POST") {
			f.accept(ctx)
		}
	case path == hostsPath:
		if on(ctx, "GET", "HEAD") {
			f.hosts(ctx)
		}
	case segment(path, webhooksPath) != "":
		if on(ctx, "GET", "HEAD") {
			f.webhook(ctx, segment(path, webhooksPath))
		}
	case segment(path, hostsPath) != "":
		if on(ctx, "GET", "HEAD") {
			f.host(ctx, segment(path, hostsPath))
		}
	default:
		answer(ctx, notFoundProblem("No route has this path: webhooks are posted to "+webhooksPath))
	}
}

// segment returns what stands behind a collection's path, empty unless it is one segment.
func segment(path, collection string) string {
	rest, ok := strings.CutPrefix(path, collection+"/")
	if !ok || strings.IndexByte(rest, '/') >= 0 {
		return ""
	}
	plain, err := url.PathUnescape(rest)
	if err != nil {
		return rest
	}
	return plain
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
