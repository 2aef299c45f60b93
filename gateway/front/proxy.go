package front

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// The proxy passes requests on while their clients wait, under the limits, the breaker and the turns that webhooks are
// under. A request comes in one of three forms: its path is /proxy/ and an absolute URL; its target is an absolute URL, as
// programs send that are told of an http_proxy (RFC 9112 section 3.2.2); or it is a CONNECT (proxy_tunnel.go). What is passed on
// is what the client wrote, but for what belongs to the connection (RFC 9110 section 7.6.1), to the gateway, and Via.

const (
	proxyPath = "/proxy/"
	// DefaultPatience is how long a proxied request waits for its lane's turn.
	DefaultPatience = 2 * time.Second
)

// ErrCrowded is Forward's when too many proxied requests wait already.
var ErrCrowded = errors.New("too many requests wait for their turn")

// ErrUnsettled is Forward's when no request gets its turn because what became of earlier calls cannot be written.
var ErrUnsettled = errors.New("what became of earlier calls cannot be written")

// Forward makes one call, with the webhook's body or that of an upload (nil: there is none), once its lane lets it, or,
// where that takes longer than patience, tells what holds it. trailers asks for the fields behind the response's body.
// Errors are ErrCrowded, ErrUnsettled, ErrStopping, or the gateway's own.
type Forward func(w *record.Webhook, u *Upload, trailers bool, patience time.Duration) (Reply, *Hold, error)

// Reply is the destination's response, or why there is none. It must be closed.
type Reply interface {
	io.ReadCloser // the body
	// Status is 0 when there was no response, for which Failure says why in a word, and in words without secrets.
	Status() int
	Failure() (class string, timedOut bool, err error)
	VisitAll(visit func(name, value []byte))
	Length() int // of the body; -1: not told
	// VisitTrailer visits the fields behind the body, once it was read to its end.
	VisitTrailer(visit func(name, value []byte))
}

// Hold is what holds a lane back.
type Hold struct {
	Breaker bool          // the host fails and is left alone; else its limit, a pause, a turn
	Why     string        // in words
	Wait    time.Duration // until it is worth asking again
	Limit   int64         // calls per Per that the lane may make; 0: not known
	Per     time.Duration
}

// formOf tells whether a request is for the proxy, by its target alone: an absolute URL that is not of this listener, a
// CONNECT, or a path below /proxy/.
func (f *Front) formOf(ctx *fasthttp.RequestCtx) proxyForm {
	target := ctx.Request.Header.RequestURI()
	switch {
	case f.set.Forward == nil:
		return notProxied
	case string(ctx.Method()) == fasthttp.MethodConnect:
		return formConnect
	case bytes.HasPrefix(target, []byte(proxyPath)):
		return formPath
	case len(target) == 0 || target[0] == '/':
		return notProxied
	}
	_, rest, ok := bytes.Cut(target, []byte("://"))
	if i := bytes.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	if !ok || isOwnAuthority(ctx, string(rest)) {
		return notProxied
	}
	return formAbsolute
}

// proxyForm is in which form a request asks to be passed on.
type proxyForm uint8

const (
	notProxied proxyForm = iota
	formPath
	formAbsolute
	formConnect
)

// isOwnAuthority reports whether an absolute URL's authority is the address that the request came in at.
func isOwnAuthority(ctx *fasthttp.RequestCtx, authority string) bool {
	own := ctx.LocalAddr().String()
	if strings.EqualFold(authority, own) {
		return true
	}
	_, port, _ := strings.Cut(authority, ":")
	return strings.EqualFold(hostOnly(authority), "localhost") && port != "" && strings.HasSuffix(own, ":"+port)
}

// proxy answers a request that is to be passed on. Its body is not looked at before it is known who sends it, and where to.
func (f *Front) proxy(ctx *fasthttp.RequestCtx, form proxyForm) *principal {
	r := proxieds.Get().(*proxied) //nolint:forcetypeassert // nothing else is put there
	r.read(string(ctx.Request.Header.RawHeaders()))
	if !r.async { // what is queued, the store keeps
		defer r.forget()
	}
	by := f.admitProxied(ctx, r.token, form)
	if by == nil {
		leave(ctx, nil)
		return nil
	}
	w, p := f.proxiedWebhook(ctx, by, r, form)
	switch {
	case p != nil:
		leave(ctx, nil)
		answer(ctx, p)
		return by
	case form == formConnect:
		f.tunnel(ctx, w)
		return by
	}
	room := part{of: &f.bodies}
	defer room.giveBack()
	body, u, p := f.upload(ctx, r, &room)
	w.Body = body
	switch {
	case p != nil:
		ctx.SetConnectionClose()
		answer(ctx, p)
	case r.async:
		f.queue(ctx, w)
	default:
		f.forward(ctx, by, r, u)
	}
	return by
}

// admitProxied is admit, answering with 407 where the client speaks to a proxy (RFC 9110 section 15.5.8).
func (f *Front) admitProxied(ctx *fasthttp.RequestCtx, token []byte, form proxyForm) *principal {
	by := f.admit(ctx, token, Send, false)
	if by == nil && form != formPath && ctx.Response.StatusCode() == fasthttp.StatusUnauthorized {
		ctx.Response.Header.Del("WWW-Authenticate")
		ctx.Response.Header.Set("Proxy-Authenticate", `Basic realm="sluice"`)
		answer(ctx, newProblem(407, "unauthorized", "A token is needed",
			"Proxy-Authorization: want Bearer and a token, or Basic with the token as password"))
	}
	return by
}

// proxiedWebhook is a request as the webhook that it would be: it is known to the schedule by the same names.
func (f *Front) proxiedWebhook(ctx *fasthttp.RequestCtx, by *principal, r *proxied, form proxyForm) (*record.Webhook, *problem) {
	url := string(ctx.Request.Header.RequestURI())
	switch form {
	case formPath:
		url = absolute(url[len(proxyPath):])
	case formConnect:
		if i := strings.LastIndexByte(url, ':'); i <= 0 || i == len(url)-1 || strings.Trim(url[i+1:], "0123456789") != "" {
			return nil, badRequest("the target of CONNECT has no port", "host:port (RFC 9110 section 9.3.6)")
		}
		scheme := "http://"
		if strings.HasSuffix(url, ":443") {
			scheme = "https://"
		}
		url = scheme + url
	}
	t, err := webhook.Locate(url)
	if err != nil {
		return nil, newProblem(400, "bad-request", "The request is not well-formed",
			"The URL to call "+err.Error()+", as in /proxy/https://api.example.com/v1/orders?id=7")
	}
	if f.set.Destination != nil {
		if err := f.set.Destination(t.Name, t.Port); err != nil {
			return nil, newProblem(403, "blocked-destination", "The destination may not be called", err.Error())
		}
	}
	if p, ok := f.set.Policies()[f.defaults.Policy]; ok {
		scheme := t.Scheme
		if form == formConnect {
			scheme = p.Schemes[0] // what is spoken in a tunnel nobody here knows
		}
		if problem, want := p.Refuses(scheme, t.Port); problem != "" {
			return nil, newProblem(403, "blocked-destination", "The destination may not be called",
				fmt.Sprintf("%s %s: want %s", t.Host, problem, want))
		}
	}
	w := &r.webhook
	*w = record.Webhook{
		Method: methodOf(ctx), URL: url, Host: t.Host, Headers: r.headers,
		Tenant: by.Tenant(), Flow: r.flow, Priority: r.priority, Policy: f.defaults.Policy,
	}
	if w.Flow == "" {
		w.Flow = webhook.DefaultFlow
	}
	if len(w.Flow) > webhook.MaxFlow {
		return nil, badRequest("Sluice-Flow is too long", "at most 128 bytes")
	}
	if f.set.LaneBy != nil {
		w.LaneKey = f.set.LaneBy(t.Host).Key(&f.set.Secret, w, t.Path)
	}
	return w, by.refuse(w)
}

// methodOf is a request's method; most are there already, and need no memory.
func methodOf(ctx *fasthttp.RequestCtx) string {
	switch m := ctx.Method(); string(m) {
	case fasthttp.MethodGet:
		return fasthttp.MethodGet
	case fasthttp.MethodPost:
		return fasthttp.MethodPost
	default:
		return string(m)
	}
}

// absolute gives a URL in a path its second slash back, which many clients and proxies take for one too many.
func absolute(url string) string {
	scheme, rest, ok := strings.Cut(url, ":/")
	if ok && !strings.HasPrefix(rest, "/") && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
		return scheme + "://" + rest
	}
	return url
}

// queue accepts a request to be sent like any webhook (Prefer: respond-async, RFC 7240 section 4.1).
func (f *Front) queue(ctx *fasthttp.RequestCtx, w *record.Webhook) {
	most := f.set.MaxWebhook
	if most <= 0 {
		most = webhook.DefaultMaxSize
	}
	if len(w.Body) > most {
		answer(ctx, newProblem(413, "too-large", "The webhook is too large", "It cannot be queued: want it without respond-async"))
		return
	}
	if p := f.claim(w); p != nil {
		answer(ctx, p)
		return
	}
	receipts, p := f.enqueue([]persist.Deposit{depositOf(&webhook.Definition{Webhook: *w}, "", webhook.Single)})
	if p != nil {
		answer(ctx, p)
		return
	}
	id := receipts[0].ID.String()
	ctx.Response.Header.Set("Preference-Applied", "respond-async")
	ctx.Response.Header.Set("Location", webhooksPath+"/"+id)
	ctx.SetStatusCode(fasthttp.StatusAccepted)
	ctx.SetContentType("application/json")
	ctx.SetBodyString(`{"id":"` + id + `"}`)
}

// forward passes a request on, with the body that its webhook has or an upload, and its response back.
func (f *Front) forward(ctx *fasthttp.RequestCtx, by *principal, r *proxied, u *Upload) {
	w := &r.webhook
	reply, hold, err := f.set.Forward(w, u, r.trailers, f.patience())
	p := passageProblem(hold, err)
	switch {
	case p != nil:
		f.tellHold(ctx, hold)
	case err != nil:
		f.set.Log.Error().Err(err).Str("host", w.Host).Msg("passing a request on failed")
		p = internalProblem()
	case reply.Status() == 0:
		defer reply.Close()
		if p = f.uploadProblem(u); p == nil {
			p = failureProblem(reply.Failure())
		}
	default:
		if by.meter != nil { // these were of the token's rate: here they are the destination's
			ctx.Response.Header.Del("RateLimit")
			ctx.Response.Header.Del("RateLimit-Policy")
		}
		passBack(ctx, reply, r.trailers)
	}
	if p != nil {
		answer(ctx, p)
	}
	if u != nil {
		leave(ctx, u)
	}
}

func (f *Front) patience() time.Duration {
	if f.set.Patience > 0 {
		return f.set.Patience
	}
	return DefaultPatience
}
