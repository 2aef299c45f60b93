// Package front is the front door: the HTTP API over which webhooks come in and are looked at. It checks requests,
// hands definitions to gateway/webhook and what they make to the store, and answers only when that is durable.
//
// # Who may
//
// Every route states in one table (route.go) which Scope a token needs for it, and whether it is about what all tenants
// share. Its handler gets the principal on whose behalf the request is, and with it what the table cannot know:
//
//   - what belongs to a tenant, host or flow that principal.SeesTenant, Reaches or InFlow denies is answered with 404, as if it
//     were not there;
//   - lists are filtered by the same; principal.Tenants is what to ask a store for;
//   - what is made without naming a tenant is principal.Tenant's; naming one that it may not see is answered with 403.
//
// Where no token is configured, every request is on behalf of a principal that may do everything; the configuration sees
// to it that the listener is on loopback then.
//
// It sends nothing and changes no live webhook itself: it asks others to, those that Settings names. What it keeps is gone
// with the process: how much of their rates tokens have used, and the bytes of the bodies being read. Nothing it hands on
// shares memory with a request, but for a proxied call's, which ends before its request does.
package front

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Bounds of what a request may take.
const (
	MaxRequest     = 32 << 20 // bytes of a request's body
	MaxItems       = 10_000   // definitions in one batch
	MaxHeaderBlock = 16 << 10 // bytes of the request line and all header fields

	// DefaultMaxConns is how many connections are served at once; one more is refused with 503.
	DefaultMaxConns = 10_000

	// DefaultReadTimeout is how long a request may take to arrive: 32 MiB at 0.5 MiB/s.
	DefaultReadTimeout = 60 * time.Second
	// DefaultIdleTimeout is how long a connection stays open for another request.
	DefaultIdleTimeout = 2 * time.Minute

	writeTimeout = 30 * time.Second
)

// Settings are what a Front is built with.
type Settings struct {
	Store Store
	// Forward and Tunnel pass proxied requests on; nil: there is no proxy. Patience is how long one waits for its lane's turn; 0:
	// DefaultPatience.
	Forward  Forward
	Tunnel   Tunnel
	Patience time.Duration
	// Credentials are those that definitions may name; nil: none.
	Credentials webhook.Credentials
	// FlowCap bounds the flows of a lane; nil: nothing does.
	FlowCap *FlowCap
	// Subscriptions keeps them, and publishes events.
	Subscriptions Subscriptions

	// An operator's questions and changes.
	Why      Why
	Hosts    Hosts
	Flows    Flows
	Logbook  Logbook
	Repairs  Repairs
	Replays  Replays
	Erasures Erasures
	Jobs     Jobs

	// Policies returns those in force.
	Policies func() policy.Set
	// Names are those that requests may be addressed to (Host) where there are no tokens, besides localhost and loopback
	// addresses; in lower case, without a port.
	Names []string
	// Tokens returns those in force; nil: there are none, and whoever reaches the front door may do everything.
	Tokens func() *Tokens
	// Await announces that a request will wait for the end of a webhook which it is about to store; nil: too many wait
	// already. Nil: nobody may wait.
	Await func(w *record.Webhook) Wait
	// Try makes one attempt for a webhook that is not stored.
	Try Try
	// KeySet returns the public parts of the gateway's signing keys, as a JWK Set. Nil: there are none.
	KeySet func() ([]byte, error)
	// LaneBy says what a host's limit is by; nil: by host.
	LaneBy func(host string) webhook.LaneBy
	// Priority is that of a flow's definitions which state none; nil: normal.
	Priority func(tenant, flow string) record.Priority
	// Destination refuses what must never be called, as far as the URL tells; nil refuses nothing.
	Destination func(host string, port uint16) error
	// ShowURL makes a URL fit to be shown: without credentials and whatever else is secret in those of its host; nil:
	// webhook.MaskURL.
	ShowURL    func(host, url string) string
	Secret     [32]byte // keys the digests in lanes; the same for ever, or lanes forget what they learned
	MaxWebhook int      // bytes of one webhook; 0: webhook.DefaultMaxSize
	MaxConns   int      // 0: DefaultMaxConns
	// ReadTimeout and IdleTimeout bound a request's arrival, and the silence before the next; 0: the defaults.
	ReadTimeout, IdleTimeout time.Duration
	Bodies                   int64                 // bytes of all requests' bodies together; 0: DefaultBodies
	Metrics                  prometheus.Registerer // nil: what is counted is shown nowhere
	Log                      zerolog.Logger
	AccessLog                bool // a line for each request
	// NoDate leaves out the Date header, whose clock is the process's: for tests in virtual time.
	NoDate bool
}

// Front is the front door. Use New, then Serve for each listener.
type Front struct {
	set        Settings
	defaults   webhook.Defaults
	server     fasthttp.Server
	serving    listeners
	closing    atomic.Bool
	conns      atomic.Int64  // served
	turnedAway chan struct{} // one for each connection that is being told that there are too many
	tunnels    atomic.Int64  // open
	stopping   chan struct{} // closed when the shutdown begins
	bodies     bodies
	readers    sync.Pool // of *webhook.Reader
	ids        *requestIDs
	tries      tries
	counts     *counts
	// work is what the store's calls run under. It does not end with a request or with Shutdown: what was begun is
	// finished, because its client may never learn what became of it.
	work context.Context //nolint:containedctx // see above
}

// New returns a front door that does not listen yet.
func New(set Settings) *Front {
	if set.ShowURL == nil {
		set.ShowURL = func(_, url string) string { return webhook.MaskURL(url) }
	}
	if set.Tokens == nil {
		set.Tokens = func() *Tokens { return nil }
	}
	set.ReadTimeout, set.IdleTimeout = cmp.Or(set.ReadTimeout, DefaultReadTimeout), cmp.Or(set.IdleTimeout, DefaultIdleTimeout)
	if set.MaxConns <= 0 {
		set.MaxConns = DefaultMaxConns
	}
	f := &Front{set: set, work: context.Background(), ids: newRequestIDs(), stopping: make(chan struct{}), counts: newCounts(set.Metrics)}
	f.turnedAway = make(chan struct{}, maxTurnedAway)
	f.readers.New = func() any { return new(webhook.Reader) }
	f.defaults = webhook.Defaults{
		Tenant: webhook.DefaultTenant,
		Policy: policy.Default, Policies: inForce(set.Policies), LaneBy: set.LaneBy, Priority: set.Priority, Destination: set.Destination,
		Secret: set.Secret, MaxSize: set.MaxWebhook,
		Unsigned: func(name string) (problem, want string) { return set.Policies().Unsigned(name) },
	}
	f.bodies.left.Store(cmp.Or(set.Bodies, DefaultBodies))
	f.defaults.Credentials = set.Credentials
	f.server = fasthttp.Server{
		Handler:                      f.handle,
		ErrorHandler:                 f.unreadable,
		Concurrency:                  2 * set.MaxConns, // out of reach: fullListener bounds them
		ConnState:                    f.countConn,
		ReadBufferSize:               MaxHeaderBlock,
		ReadTimeout:                  set.ReadTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  set.IdleTimeout,
		MaxRequestBodySize:           MaxRequest,
		StreamRequestBody:            true, // readBody reads it, within the bound of all
		DisablePreParseMultipartForm: true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		NoDefaultDate:                set.NoDate,
		SecureErrorLogMessage:        true,
		CloseOnShutdown:              true,
		TCPKeepalive:                 true,
		Logger:                       serverLog{set.Log},
	}
	return f
}

// inForce are the policies that hold at the moment they are asked for: webhook.Policies.
type inForce func() policy.Set

// Methods is policy.Set's.
func (p inForce) Methods(name string) ([]string, bool) { return p().Methods(name) }

// Refuses is policy.Set's.
func (p inForce) Refuses(name, scheme string, port uint16) (problem, want string) {
	return p().Refuses(name, scheme, port)
}

// Ordered is policy.Set's.
func (p inForce) Ordered(name string) bool { return p().Ordered(name) }

// Names is policy.Set's.
func (p inForce) Names() []string { return p().Names() }

// Serve answers the connections of a listener until Shutdown. It returns nil after Shutdown, also where that came first: the
// listener is closed then.
func (f *Front) Serve(ln net.Listener) error {
	served := f.serving.enter(&fullListener{Listener: &retryingListener{ln, f.set.Log}, of: f})
	if served == nil {
		return nil
	}
	defer f.serving.leave(served)
	if err := f.server.Serve(served); err != nil {
		return fmt.Errorf("front door at %s: %w", ln.Addr(), err)
	}
	return nil
}

// Shutdown stops accepting connections and waits for the requests under way, until ctx ends. Requests that still come
// over open connections are refused with 503. Those that wait for an end are answered that it has not come.
func (f *Front) Shutdown(ctx context.Context) error {
	if !f.closing.Swap(true) {
		close(f.stopping)
	}
	f.serving.close()
	if err := f.server.ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("front door: requests still under way: %w", err)
	}
	return nil
}

// handle answers one request. A panic costs this request its answer and nothing else.
func (f *Front) handle(ctx *fasthttp.RequestCtx) {
	var by *principal
	defer func() {
		if p := recover(); p != nil {
			ctx.Response.Reset()
			f.ids.mark(ctx)
			f.set.Log.Error().Str("panic", fmt.Sprint(p)).Bytes("stack", debug.Stack()).
				Bytes("method", ctx.Method()).Str("path", shownPath(ctx)).
				Bytes("request_id", ctx.Response.Header.Peek(requestIDHeader)).Msg("a request failed")
			ctx.SetConnectionClose()
			answer(ctx, internalProblem())
		}
		f.counts.answered(ctx)
		if f.set.AccessLog {
			f.logAccess(ctx, by)
		}
	}()
	f.ids.mark(ctx)
	form := f.formOf(ctx)
	p := checkFraming(ctx, form)
	if p == nil && (form == notProxied || form == formPath) { // who sends the other forms was told of a proxy: no page can
		p = f.checkAddressee(ctx, form)
	}
	if p != nil {
		// What else stands on this connection may be what the sender smuggled in.
		ctx.SetConnectionClose()
		answer(ctx, p)
		return
	}
	if f.closing.Load() {
		ctx.SetConnectionClose()
		answer(ctx, closingProblem())
		return
	}
	if form != notProxied {
		by = f.proxy(ctx, form)
		return
	}
	room := part{of: &f.bodies}
	defer room.giveBack()
	if p = f.readBody(ctx, &room); p != nil {
		ctx.SetConnectionClose()
		answer(ctx, p)
		return
	}
	by = f.route(ctx)
}

// serverLog passes on what the HTTP server has to say: about connections, never about their content.
type serverLog struct{ log zerolog.Logger }

// Printf is fasthttp.Logger's.
func (l serverLog) Printf(format string, args ...any) {
	l.log.Debug().Msg(string(bytes.TrimSpace(fmt.Appendf(nil, format, args...))))
}

func shownPath(ctx *fasthttp.RequestCtx) string { return webhook.LogURL(string(ctx.RequestURI())) }
