package front

import (
	"context"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"
)

// Hosts is what the front door asks of whoever sends. Its errors mean that it cannot say now.
type Hosts interface {
	// Hosts returns the hosts that something is known of and that are wanted, by name, behind a name (empty: from the first),
	// at most limit; more: there are others behind them.
	Hosts(ctx context.Context, after string, limit int, wanted func(host string) bool) (page []HostView, more bool, err error)
	// Host returns one of them; nil: nothing is known of it.
	Host(ctx context.Context, host string) (*HostView, error)
	HostsHand
}

// HostsHand is what an operator does to a destination. Each returns it as it stands once the change is durable; nil: nothing
// is known of it, and nothing was done.
type HostsHand interface {
	// Pause holds a host until Resume, also one that nothing is known of yet.
	Pause(ctx context.Context, host string) (*HostView, error)
	// Resume ends a Pause and the pauses of its lanes, Forget has those forget what they learned.
	Resume(ctx context.Context, host string) (*HostView, error)
	Forget(ctx context.Context, host string) (*HostView, error)
	// ForceBreaker has its breaker open or closed until auto lets it judge again.
	ForceBreaker(ctx context.Context, host, state string) (*HostView, error)
}

// The states of ForceBreaker.
const (
	BreakerOpen   = "open"
	BreakerClosed = "closed"
	BreakerAuto   = "auto"
)

// hosts answers GET /v1/hosts.
func (f *Front) hosts(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	part, p := readListing(ctx)
	if p != nil {
		answer(ctx, p)
		return
	}
	page, more, err := f.set.Hosts.Hosts(f.work, part.after, part.limit, by.Reaches)
	if err != nil {
		f.failed(ctx, err, "listing hosts failed")
		return
	}
	var behind string
	if more && len(page) > 0 {
		behind = nameCursor(page[len(page)-1].Host)
	}
	write(ctx, struct {
		Hosts []HostView `json:"hosts"`
		Next  *string    `json:"next"` // null: these are the last
	}{append([]HostView{}, page...), next(behind)})
}

// host answers GET /v1/hosts/{host}.
func (f *Front) host(ctx *fasthttp.RequestCtx, by *principal, name string) {
	f.answerHost(ctx, by, name, f.set.Hosts.Host, "showing a host failed")
}

// pauseHost answers POST /v1/hosts/{host}/pause.
func (f *Front) pauseHost(ctx *fasthttp.RequestCtx, by *principal, name string) {
	if name != strings.ToLower(name) || !mayBeHost(name) {
		answer(ctx, badRequest(fmt.Sprintf("%.100q is no host", name), "one as in /v1/hosts: lower case, its port unless it is https on 443"))
		return
	}
	f.answerHost(ctx, by, name, f.set.Hosts.Pause, "pausing a host failed")
}

// mayBeHost reports whether a name could be a host's, of whatever case; a URL, say, is none.
func mayBeHost(name string) bool {
	return len(name) <= maxHostName && !strings.ContainsAny(name, " /\\@?#\t")
}

// maxHostName is the longest name of the DNS (RFC 1035, section 2.3.4) and a port.
const maxHostName = 253 + len(":65535")

// resumeHost answers POST /v1/hosts/{host}/resume.
func (f *Front) resumeHost(ctx *fasthttp.RequestCtx, by *principal, name string) {
	f.answerHost(ctx, by, name, f.set.Hosts.Resume, "resuming a host failed")
}

// forgetHost answers DELETE /v1/hosts/{host}/learned.
func (f *Front) forgetHost(ctx *fasthttp.RequestCtx, by *principal, name string) {
	f.answerHost(ctx, by, name, f.set.Hosts.Forget, "forgetting what a host taught failed")
}

// forceBreaker answers POST /v1/hosts/{host}/breaker.
func (f *Front) forceBreaker(ctx *fasthttp.RequestCtx, by *principal, name string) {
	const want = `{"state": "open"}, {"state": "closed"} or {"state": "auto"}`
	var body struct {
		State string `json:"state"`
	}
	if p := readObject(ctx.PostBody(), &body, want); p != nil {
		answer(ctx, p)
		return
	}
	state := body.State
	if state != BreakerOpen && state != BreakerClosed && state != BreakerAuto {
		answer(ctx, badRequest(fmt.Sprintf("/state is %.100q", state), want))
		return
	}
	f.answerHost(ctx, by, name, func(ctx context.Context, host string) (*HostView, error) {
		return f.set.Hosts.ForceBreaker(ctx, host, state)
	}, "forcing a breaker failed")
}

// answerHost asks something of one host and answers with the host as it then stands. One that a token is not for is not
// there.
func (f *Front) answerHost(
	ctx *fasthttp.RequestCtx, by *principal, name string, ask func(context.Context, string) (*HostView, error), failed string,
) {
	var view *HostView
	var err error
	if by.Reaches(name) {
		view, err = ask(f.work, name)
	}
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
