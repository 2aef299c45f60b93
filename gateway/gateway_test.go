package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/bench/destination/server"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/persist"
)

// world is a gateway, its destinations and the network between them, all in one process and in virtual time; the
// store is the real one, on disk.
type world struct {
	t       *testing.T
	conf    configs.Config
	servers map[string]*place

	reload   func() (configs.Config, error) // nil: no file
	logLevel func(string)
	log      bytes.Buffer // of the gateway; to be looked at when it has ended
	wrap     func(persist.Store) persist.Store

	front, admin *fasthttputil.InmemoryListener
	client       *fasthttp.HostClient
	stop         context.CancelFunc
	ended        chan error

	posted int
}

// place is a destination that may be down.
type place struct {
	server   *server.Server // nil of a scripted one
	shutdown func() error
	ln       *fasthttputil.InmemoryListener
	mu       sync.Mutex
	down     bool
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, conf: configs.Default(), servers: map[string]*place{}}
	w.conf.Data.Dir = t.TempDir()
	w.conf.Data.MinFree = 64 * configs.MiB
	return w
}

// destination adds a server under host:port.
func (w *world) destination(addr string, c server.Config) *place {
	w.t.Helper()
	c.NoDate = true
	s, err := server.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &place{server: s, ln: fasthttputil.NewInmemoryListener()}
	p.shutdown = func() error { return s.Shutdown(context.Background()) }
	go s.Serve(p.ln) //nolint:errcheck // it ends with the test
	w.servers[addr] = p
	return p
}

// scripted adds a destination that answers as it is told to.
func (w *world) scripted(addr string, handle fasthttp.RequestHandler) {
	s := &fasthttp.Server{Handler: handle, NoDefaultDate: true, CloseOnShutdown: true}
	p := &place{shutdown: s.Shutdown, ln: fasthttputil.NewInmemoryListener()}
	go s.Serve(p.ln) //nolint:errcheck // it ends with the test
	w.servers[addr] = p
}

func (p *place) set(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

var errRefused = errors.New("connection refused")

func (w *world) dial(_ context.Context, _, address string) (net.Conn, error) {
	p := w.servers[address]
	if p == nil {
		return nil, errRefused
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return nil, errRefused
	}
	conn, err := p.ln.Dial()
	if err != nil {
		return nil, err
	}
	return &wire{Conn: conn, to: p}, nil
}

// wire is a connection that breaks while its server is down.
type wire struct {
	net.Conn
	to *place
}

func (c *wire) Write(b []byte) (int, error) {
	c.to.mu.Lock()
	down := c.to.down
	c.to.mu.Unlock()
	if down {
		_ = c.Close()
		return 0, errRefused
	}
	return c.Conn.Write(b)
}

func (w *world) start() {
	w.t.Helper()
	w.front, w.admin = fasthttputil.NewInmemoryListener(), fasthttputil.NewInmemoryListener()
	g, err := gateway.New(gateway.Settings{
		Config: w.conf, Version: "test", Log: zerolog.New(zerolog.SyncWriter(&w.log)).Level(zerolog.InfoLevel),
		Listener: w.front, Admin: w.admin, Dial: w.dial, Reload: w.reload, SetLogLevel: w.logLevel,
		NoCompaction: true, Store: w.wrap,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	w.ended = make(chan error, 1)
	go func() { w.ended <- g.Run(ctx) }()
	front := w.front
	w.client = &fasthttp.HostClient{Addr: "127.0.0.1", Dial: func(string) (net.Conn, error) { return front.Dial() }}
}

func (w *world) shutdown() {
	w.t.Helper()
	w.client.CloseIdleConnections()
	w.stop()
	if err := <-w.ended; err != nil {
		w.t.Fatal(err)
	}
}

// close ends everything, so that the bubble may end too.
func (w *world) close() {
	w.shutdown()
	for _, p := range w.servers {
		if err := p.shutdown(); err != nil {
			w.t.Error(err)
		}
	}
	time.Sleep(2 * time.Minute) // fasthttp's cleaners end within virtual time
}

// ask makes one request to the front door and returns its answer.
func (w *world) ask(method, path, contentType string, body []byte) (int, []byte) {
	w.t.Helper()
	return w.exchange(w.client, method, path, contentType, body)
}

func (w *world) exchange(client *fasthttp.HostClient, method, path, contentType string, body []byte) (int, []byte) {
	w.t.Helper()
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(method)
	req.SetRequestURI("http://127.0.0.1" + path)
	if body != nil {
		req.Header.SetContentType(contentType)
		req.SetBody(body)
	}
	if err := client.Do(req, resp); err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode(), bytes.Clone(resp.Body())
}

// post posts n webhooks for a URL in one batch and returns their ids.
func (w *world) post(url string, n int) []string {
	w.t.Helper()
	var b bytes.Buffer
	for range n {
		w.posted++
		fmt.Fprintf(&b, `{"url":%q,"headers":{"webhook-id":"w%d"},"body":{"n":%d}}`+"\n", url, w.posted, w.posted)
	}
	status, text := w.ask("POST", "/v1/webhooks", "application/x-ndjson", b.Bytes())
	if status != fasthttp.StatusAccepted {
		w.t.Fatalf("%d: %s", status, text)
	}
	var answer struct{ Results []struct{ ID string } }
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Results) != n {
		w.t.Fatalf("%d webhooks posted, answer %s (%v)", n, text, err)
	}
	ids := make([]string, n)
	for i, r := range answer.Results {
		ids[i] = r.ID
	}
	return ids
}

type shownWebhook struct {
	State   string
	Tries   struct{ Used, Throttled int }
	Waiting *struct{ Reason, Detail, Until string }
}

func (w *world) show(id string) shownWebhook {
	w.t.Helper()
	status, text := w.ask("GET", "/v1/webhooks/"+id, "", nil)
	var s shownWebhook
	if err := json.Unmarshal(text, &s); status != fasthttp.StatusOK || err != nil {
		w.t.Fatalf("%s: %d: %s (%v)", id, status, text, err)
	}
	return s
}

// TestALimitedDestinationGetsItsWholeAllowanceWithoutRefusalsOverAnOutageAndARestart sends to a destination that allows
// 20 a second and says how much remains, for a quarter of an hour. In between the gateway is restarted and the
// destination is down for a minute; another host is dead all the while, and a third must not notice any of it.
func TestALimitedDestinationGetsItsWholeAllowanceWithoutRefusalsOverAnOutageAndARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		limited := w.destination("limited.example:80", server.Config{
			Limiter: destination.Spec{Algorithm: destination.Fixed, Limit: 20, Per: time.Second},
			Headers: destination.XRateLimitDelta,
		})
		healthy := w.destination("healthy.example:80", server.Config{Latency: 5 * time.Millisecond})
		w.start()

		const minutes = 15
		var ids []string
		ids = append(ids, w.post("http://limited.example/hook", 9000)...)
		ids = append(ids, w.post("http://limited.example/hook", 20*60*minutes-9000)...)
		w.post("http://dead.example/hook", 200)
		sent, late := 0, 0
		for minute := range minutes + 2 {
			switch minute {
			case 4:
				limited.set(true)
			case 5:
				limited.set(false)
			case 9:
				w.shutdown()
				w.start()
				time.Sleep(time.Second) // a lane starts with an empty bucket
			}
			for range 60 {
				w.post("http://healthy.example/hook", 1)
				sent++
				time.Sleep(50 * time.Millisecond)
				if healthy.server.Stats().Accepted != sent {
					late++
				}
				time.Sleep(950 * time.Millisecond)
			}
			if minute == minutes-1 {
				// Five minutes of the outage and its cool-downs may be missing, no more; nothing of the rest.
				if s := limited.server.Stats(); s.Accepted < 20*60*(minutes-3) {
					t.Errorf("after %d minutes %d were accepted, want at least %d", minutes, s.Accepted, 20*60*(minutes-3))
				}
			}
		}
		for limited.server.Stats().Accepted < len(ids) {
			time.Sleep(time.Second)
			if time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) > time.Hour {
				t.Fatalf("%d of %d arrived in an hour", limited.server.Stats().Accepted, len(ids))
			}
		}
		s := limited.server.Stats()
		if s.Refused != 0 {
			t.Errorf("%d of %d calls were refused with 429, though each answer said what remained", s.Refused, s.Received)
		}
		if s.MaxPerSecond > 20 {
			t.Errorf("%d arrived within a second, 20 are allowed", s.MaxPerSecond)
		}
		if s.Duplicates != 0 {
			t.Errorf("%d arrived twice, though every shutdown was in order", s.Duplicates)
		}
		if late != 0 {
			t.Errorf("%d of %d webhooks for the healthy host took more than 50 ms", late, sent)
		}
		for _, id := range []string{ids[0], ids[len(ids)/2], ids[len(ids)-1]} {
			if got := w.show(id).State; got != "delivered" {
				t.Errorf("webhook %s is shown as %s", id, got)
			}
		}
		w.close()
	})
}

// TestAHostThatFailsIsLeftAloneButForProbesAndGetsEverythingWhenItIsBack has a destination answer 500 for half a minute.
func TestAHostThatFailsIsLeftAloneButForProbesAndGetsEverythingWhenItIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const failing = 30 * time.Second
		p := w.destination("failing.example:80", server.Config{FailFor: failing, Latency: 20 * time.Millisecond})
		w.start()
		w.post("http://failing.example/hook", 500)
		time.Sleep(10 * time.Second)
		opened := p.server.Stats()
		if most := w.conf.Breaker.MinRequests + w.conf.Limits.Default.Concurrency.Start; opened.Failed > most {
			t.Errorf("%d failed before the breaker opened, want at most %d", opened.Failed, most)
		}
		_, text := w.ask("GET", "/v1/hosts/failing.example:80", "", nil)
		var host struct{ Breaker struct{ State string } }
		if err := json.Unmarshal(text, &host); err != nil || host.Breaker.State != "open" {
			t.Errorf("the host is shown as %s", text)
		}
		time.Sleep(failing - 10*time.Second)
		if s := p.server.Stats(); s.Received-opened.Received > w.conf.Breaker.Probes {
			t.Errorf("%d calls while open, want at most %d probes", s.Received-opened.Received, w.conf.Breaker.Probes)
		}
		time.Sleep(2 * time.Minute)
		if s := p.server.Stats(); s.Accepted != w.posted || s.Duplicates != 0 {
			t.Errorf("two minutes after its recovery %d of %d had arrived, %d of them twice", s.Accepted, w.posted, s.Duplicates)
		}
		w.close()
	})
}

// TestARefusalHoldsTheLaneNotTheOneWebhook has a destination that says nothing but 429 and Retry-After.
func TestARefusalHoldsTheLaneNotTheOneWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.destination("strict.example:80", server.Config{
			Limiter: destination.Spec{Algorithm: destination.Fixed, Limit: 5, Per: time.Minute},
			Headers: destination.RetryAfterOnly,
		})
		w.start()
		ids := w.post("http://strict.example/hook", 50)
		time.Sleep(20 * time.Second)
		s := p.server.Stats()
		if s.Accepted != 5 || s.Refused > 3 {
			t.Errorf("in the first window %d were accepted and %d refused, want 5 and at most 3", s.Accepted, s.Refused)
		}
		last := w.show(ids[len(ids)-1])
		if last.State != "pending" || last.Waiting == nil || last.Waiting.Reason != "pause" {
			t.Errorf("a webhook behind the pause is shown as %+v", last)
		}
		if last.Tries.Used != 0 {
			t.Errorf("waiting cost %d tries", last.Tries.Used)
		}
		time.Sleep(15 * time.Minute)
		if s = p.server.Stats(); s.Accepted != len(ids) {
			t.Errorf("after 15 windows %d of %d had arrived, %d were refused", s.Accepted, len(ids), s.Refused)
		}
		for _, id := range ids {
			if got := w.show(id); got.State != "delivered" || got.Tries.Used != 1 {
				t.Errorf("webhook %s is shown as %+v; throttled attempts cost no tries", id, got)
			}
		}
		w.close()
	})
}

// TestWhatIsNotDueWaitsAndWhatIsTooLateIsNotSent covers send_at and expires_at from the door to the end.
func TestWhatIsNotDueWaitsAndWhatIsTooLateIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.destination("later.example:80", server.Config{})
		w.start()
		at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
		one := func(definition string) string {
			status, text := w.ask("POST", "/v1/webhooks", "application/json", []byte(definition))
			var answer struct{ ID string }
			if err := json.Unmarshal(text, &answer); status != fasthttp.StatusAccepted || err != nil {
				t.Fatalf("%s: %d: %s", definition, status, text)
			}
			return answer.ID
		}
		later := one(fmt.Sprintf(`{"url":"http://later.example/","send_at":%q}`, at(time.Hour)))
		p.set(true)
		late := one(fmt.Sprintf(`{"url":"http://later.example/","expires_at":%q}`, at(30*time.Second)))
		time.Sleep(5 * time.Minute)
		if got := w.show(late).State; got != "expired" {
			t.Errorf("past its expires_at a webhook is shown as %s", got)
		}
		p.set(false)
		time.Sleep(54 * time.Minute)
		if s := p.server.Stats(); s.Received != 0 {
			t.Errorf("%d calls before anything was due", s.Received)
		}
		if got := w.show(later); got.Waiting == nil || got.Waiting.Reason != "due" {
			t.Errorf("a webhook that is not due is shown as %+v", got)
		}
		time.Sleep(2 * time.Minute)
		if got := w.show(later).State; got != "delivered" {
			t.Errorf("after its send_at a webhook is shown as %s", got)
		}
		w.close()
	})
}

// TestStoppingAmidABacklogLosesNothing stops and starts the gateway again and again while it works off a backlog that is
// older than the marks lag: what was about to be sent when it stopped must be found again.
func TestStoppingAmidABacklogLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Egress.MaxInFlight = 200
		w.conf.Limits.Hosts = []configs.Host{{Match: "slow.example", Start: configs.Unlimited, Concurrency: configs.Concurrency{Start: 150, Max: 150}}}
		p := w.destination("slow.example:80", server.Config{Latency: 300 * time.Millisecond})
		p.set(true)
		w.start()
		var ids []string
		for range 6 {
			ids = append(ids, w.post("http://slow.example/hook", 1000)...)
		}
		time.Sleep(30 * time.Second)
		p.set(false)
		for range 12 {
			time.Sleep(1100 * time.Millisecond)
			w.shutdown()
			w.start()
		}
		time.Sleep(24 * time.Hour) // some were tried while the host was unreachable
		for _, id := range ids {
			if got := w.show(id).State; got != "delivered" {
				t.Fatalf("webhook %s is %s", id, got)
			}
		}
		if s := p.server.Stats(); s.Accepted-s.Duplicates != len(ids) {
			t.Errorf("%d of %d arrived", s.Accepted-s.Duplicates, len(ids))
		}
		w.close()
	})
}
