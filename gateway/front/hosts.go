package front

import (
	"fmt"

	"github.com/valyala/fasthttp"
)

// hosts answers GET /v1/hosts.
func (f *Front) hosts(ctx *fasthttp.RequestCtx) {
	views, err := f.set.Hosts.Hosts(f.work)
	if err != nil {
		f.failed(ctx, err, "listing hosts failed")
		return
	}
	if views == nil {
		views = []HostView{}
	}
	write(ctx, struct {
		Hosts []HostView `json:"hosts"`
	}{views})
}

// host answers GET /v1/hosts/{host}.
func (f *Front) host(ctx *fasthttp.RequestCtx, name string) {
	view, err := f.set.Hosts.Host(f.work, name)
	if err != nil {
		f.failed(ctx, err, "showing a host failed")
		return
	}
	if view == nil {
		answer(ctx, notFoundProblem(fmt.Sprintf("Nothing is known of host %.100q: want a host as in /v1/hosts, with its "+
			"port unless it is https on 443", name)))
		return
	}
	write(ctx, view)
}
