package front

import (
	"context"
	"fmt"

	"github.com/valyala/fasthttp"
)

// hosts answers GET /v1/hosts.
func (f *Front) hosts(ctx *fasthttp.RequestCtx, _ *Principal, _ string) {
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
func (f *Front) host(ctx *fasthttp.RequestCtx, _ *Principal, name string) {
	f.answerHost(ctx, name, f.set.Hosts.Host, "showing a host failed")
}

// resumeHost answers POST /v1/hosts/{host}/resume.
func (f *Front) resumeHost(ctx *fasthttp.RequestCtx, _ *Principal, name string) {
	f.answerHost(ctx, name, f.set.Hosts.Resume, "resuming a host failed")
}

// forgetHost answers DELETE /v1/hosts/{host}/learned.
func (f *Front) forgetHost(ctx *fasthttp.RequestCtx, _ *Principal, name string) {
	f.answerHost(ctx, name, f.set.Hosts.Forget, "forgetting what a host taught failed")
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
