package front

import (
	"context"
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

// host answers GET /v1/hosts/{host}, and what an operator does to one: POST …/resume and DELETE …/learned.
func (f *Front) host(ctx *fasthttp.RequestCtx, name, part string) {
	switch part {
	case "":
		if on(ctx, "GET", "HEAD") {
			f.answerHost(ctx, name, f.set.Hosts.Host, "showing a host failed")
		}
	case "resume":
		if on(ctx, "POST") {
			f.answerHost(ctx, name, f.set.Hosts.Resume, "resuming a host failed")
		}
	case "learned":
		if on(ctx, "DELETE") {
			f.answerHost(ctx, name, f.set.Hosts.Forget, "forgetting what a host taught failed")
		}
	default:
		answer(ctx, notFoundProblem(fmt.Sprintf("A host has no %.100q: want "+hostsPath+"/{host}, …/resume or …/learned", part)))
	}
}

// answerHost asks something of one host and answers with the host as it then stands.
func (f *Front) answerHost(
	ctx *fasthttp.RequestCtx, name string, ask func(context.Context, string) (*HostView, error), failed string,
) {
	view, err := ask(f.work, name)
	switch {
	case err != nil:
		f.failed(ctx, err, failed)
	case view == nil:
		answer(ctx, notFoundProblem(fmt.Sprintf("Nothing is known of host %.100q: want a host as in /v1/hosts, with its "+
			"port unless it is https on 443", name)))
	default:
		write(ctx, view)
	}
}
