package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/bench/destination/server"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
)

// speaks sends a request's bytes to the front door and reads the response, whose header fields keep their order.
func (w *world) speaks(request string) (head, body string) {
	w.t.Helper()
	cn, err := w.front.Dial()
	if err != nil {
		w.t.Fatal(err)
	}
	defer cn.Close()
	if _, err := io.WriteString(cn, request); err != nil {
		w.t.Fatal(err)
	}
	br := bufio.NewReader(cn)
	var b strings.Builder
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			w.t.Fatalf("after %q: %v", b.String(), err)
		}
		b.WriteString(line)
		if line == "\r\n" {
			break
		}
	}
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader(b.String()), br)), &http.Request{Method: method})
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return b.String(), string(text)
}

// heard is what a destination was sent.
type heard struct {
	mu  sync.Mutex
	all []string
}

func (h *heard) add(s string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, s)
}

// take returns what was sent since it was last asked.
func (h *heard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.all
	h.all = nil
	return all
}

func TestTheProxyPassesOnWhatTheClientWroteAndWhatCameBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var all heard
		w.scripted("api.example:80", func(ctx *fasthttp.RequestCtx) {
			all.add(string(ctx.Method()) + " " + string(ctx.Request.Header.RequestURI()) + "\n" +
				string(ctx.Request.Header.RawHeaders()) + string(ctx.PostBody()))
			ctx.Response.Header.DisableNormalizing()
			ctx.Response.Header.Add("x-ODD", "1")
			ctx.Response.Header.Add("X-Hop", "gone")
			ctx.Response.Header.Add("Connection", "x-hop")
			ctx.SetStatusCode(418)
			ctx.SetContentType("text/x-tea")
			ctx.SetBodyString("short and stout")
		})
		w.start()
		defer w.close()
		const fields = "uSER-aGENT: me\r\nAuthorization: Bearer theirs\r\nIdempotency-Key: k1\r\nX-Two: a\r\nX-Two: b\r\n" +
			"Connection: close, X-Named\r\nX-Named: gone\r\nTE: trailers\r\nProxy-Authorization: Basic eDp5\r\n" +
			"Sluice-Token: s3cret\r\nSluice-Flow: f1\r\nContent-Length: 4\r\n\r\nbody"
		for target, host := range map[string]string{
			"/proxy/http://api.example/a%2Fb//c;d?x=%20y&&z": "127.0.0.1",
			"/proxy/http:/api.example/a%2Fb//c;d?x=%20y&&z":  "127.0.0.1", // as some clients send it
			"http://api.example/a%2Fb//c;d?x=%20y&&z":        "api.example",
			"HTTP://API.example:80/a%2Fb//c;d?x=%20y&&z":     "elsewhere.example",
		} {
			head, body := w.speaks("PATCH " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields)
			if !strings.HasPrefix(head, "HTTP/1.1 418 ") || body != "short and stout" {
				t.Fatalf("%s: %s%s", target, head, body)
			}
			for _, want := range []string{"x-ODD: 1\r\n", "Content-Type: text/x-tea\r\n", "Via: 1.1 sluice\r\n"} {
				if !strings.Contains(head, want) {
					t.Errorf("%s: the response lacks %q:\n%s", target, want, head)
				}
			}
			if strings.Contains(head, "X-Hop") {
				t.Errorf("%s: a field that Connection names was passed back:\n%s", target, head)
			}
			seen := all.take()
			if len(seen) != 1 {
				t.Fatalf("%s: %d requests", target, len(seen))
			}
			want := "PATCH /a%2Fb//c;d?x=%20y&&z\nHost: " + map[bool]string{true: "API.example:80", false: "api.example"}[strings.HasPrefix(target, "HTTP")] +
				"\r\nuSER-aGENT: me\r\nAuthorization: Bearer theirs\r\nIdempotency-Key: k1\r\nX-Two: a\r\nX-Two: b\r\nVia: 1.1 sluice\r\n" +
				"Content-Length: 4\r\n\r\nbody"
			if seen[0] != want {
				t.Errorf("%s: the destination got\n%q, want\n%q", target, seen[0], want)
			}
		}
	})
}

// TestProxiedCallsShareTheLanesLimitWithTheQueue has a destination that allows ten a second and says so, a backlog for it,
// and a client that calls through the proxy all the while: nothing is refused by the destination, each gets its half, and a
// 429 of the gateway's own says truly when to come back.
func TestProxiedCallsShareTheLanesLimitWithTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		api := w.destination("api.example:80", server.Config{
			Limiter: destination.Spec{Algorithm: destination.Fixed, Limit: 10, Per: time.Second},
			Headers: destination.XRateLimitDelta,
		})
		w.start()
		defer w.close()
		w.post("http://api.example/queued", 1000)
		time.Sleep(5 * time.Second)
		passed := 0
		for began := time.Now(); time.Since(began) < 20*time.Second; {
			head, body := w.speaks("GET /proxy/http://api.example/now HTTP/1.1\r\nHost: 127.0.0.1\r\nSluice-Flow: people\r\n\r\n")
			if !strings.HasPrefix(head, "HTTP/1.1 200") {
				t.Fatalf("%s%s", head, body)
			}
			passed++
		}
		if s := api.server.Stats(); s.Refused != 0 {
			t.Errorf("%d calls were refused by the destination", s.Refused)
		}
		if passed < 60 {
			t.Errorf("%d calls in 20 s, want about as many as the queue gets", passed)
		}
	})
}

func TestWhoIsNotLetInHearsTrulyWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var calls atomic.Int64
		w.scripted("api.example:80", func(ctx *fasthttp.RequestCtx) {
			if calls.Add(1) == 1 {
				ctx.SetStatusCode(429)
				ctx.Response.Header.Set("Retry-After", "30")
			}
		})
		w.start()
		defer w.close()
		const request = "GET /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
		if head, _ := w.speaks(request); !strings.HasPrefix(head, "HTTP/1.1 429") || strings.Contains(head, "problem+json") {
			t.Fatalf("the destination's own 429 is not passed back:\n%s", head)
		}
		began := time.Now()
		head, body := w.speaks(request)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it was held for %s, want 2 s", took)
		}
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head)), nil)
		if err != nil || resp.StatusCode != 429 || !strings.Contains(body, "lane-limited") || resp.Header.Get("RateLimit-Policy") == "" {
			t.Fatalf("%s%s (%v)", head, body, err)
		}
		wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err != nil || wait < 20 || wait > 30 {
			t.Fatalf("Retry-After: %q", resp.Header.Get("Retry-After"))
		}
		time.Sleep(time.Duration(wait) * time.Second)
		if head, _ := w.speaks(request); !strings.HasPrefix(head, "HTTP/1.1 200") || calls.Load() != 2 {
			t.Errorf("after Retry-After, and %d calls:\n%s", calls.Load(), head)
		}
	})
}

func TestAnOpenBreakerAnswers503AndAFailureIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var calls atomic.Int64
		w.scripted("api.example:80", func(ctx *fasthttp.RequestCtx) {
			calls.Add(1)
			ctx.HijackSetNoResponse(true)
			ctx.Hijack(func(net.Conn) {}) // closed without an answer
		})
		w.start()
		defer w.close()
		const request = "POST /proxy/http://api.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
		asked := 0
		for {
			head, body := w.speaks(request)
			if strings.HasPrefix(head, "HTTP/1.1 503") && strings.Contains(head, "Retry-After: ") && strings.Contains(body, "breaker-open") {
				break
			}
			if asked++; !strings.HasPrefix(head, "HTTP/1.1 502") || !strings.Contains(body, "was not sent again") || asked > 100 {
				t.Fatalf("%d: %s%s", asked, head, body)
			}
		}
		if calls.Load() != int64(asked) {
			t.Errorf("%d requests made %d calls", asked, calls.Load())
		}
	})
}

func TestWhoPrefersNotToWaitIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var all heard
		w.scripted("api.example:80", func(ctx *fasthttp.RequestCtx) {
			all.add(string(ctx.Method()) + " " + string(ctx.PostBody()) + " " + string(ctx.Request.Header.Peek("X-Mine")))
		})
		w.start()
		defer w.close()
		head, body := w.speaks("PUT /proxy/http://api.example/x HTTP/1.1\r\nHost: 127.0.0.1\r\nPrefer: respond-async\r\nX-Mine: 1\r\nContent-Length: 2\r\n\r\nhi")
		if !strings.HasPrefix(head, "HTTP/1.1 202") || !strings.Contains(head, "Preference-Applied: respond-async") || !strings.Contains(body, `"id"`) {
			t.Fatalf("%s%s", head, body)
		}
		time.Sleep(time.Second)
		if seen := all.take(); !slices.Equal(seen, []string{"PUT hi 1"}) {
			t.Errorf("%q", seen)
		}
	})
}

func TestALongResponseIsPassedOnWholeAsItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
		w.scripted("api.example:80", func(ctx *fasthttp.RequestCtx) {
			n := len(text)
			if string(ctx.Path()) == "/chunked" {
				n = -1
			}
			ctx.SetBodyStream(bytes.NewReader(text), n)
		})
		w.start()
		defer w.close()
		for _, path := range []string{"/counted", "/chunked"} {
			if _, body := w.speaks("GET /proxy/http://api.example" + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); body != string(text) {
				t.Errorf("%s: %d bytes, want %d", path, len(body), len(text))
			}
		}
		if head, _ := w.speaks("HEAD /proxy/http://api.example/counted HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"); !strings.Contains(head, "200") ||
			!strings.Contains(head, "Content-Length: 1048576\r\n") {
			t.Error(head)
		}
	})
}

func TestTheProxyGoesNowhereItShouldNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		defer w.close()
		for target, want := range map[string]string{
			"/proxy/http://127.0.0.1:6379/":        "403",
			"/proxy/http://169.254.169.254/latest": "403",
			"/proxy/ftp://api.example/":            "400",
			"/proxy/http://u:p@api.example/":       "400",
			"/proxy/api.example/":                  "400",
			"/proxy/":                              "400",
			"http://10.0.0.1/":                     "403",
		} {
			if head, _ := w.speaks("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); !strings.HasPrefix(head, "HTTP/1.1 "+want) {
				t.Errorf("%s: %s", target, head)
			}
		}
		// A page of another site may not use it, and a page's name may not have been pointed here.
		for _, fields := range []string{"Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\n", "Host: evil.example\r\n", "Host: 127.0.0.1\r\nSec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n"} {
			head, _ := w.speaks("GET /proxy/http://api.example/ HTTP/1.1\r\n" + fields + "\r\n")
			if !strings.HasPrefix(head, "HTTP/1.1 4") || strings.HasPrefix(head, "HTTP/1.1 400") {
				t.Errorf("%s: %s", fields, head)
			}
		}
		for _, to := range []string{"127.0.0.1:22", "10.0.0.1:443", "api.example", "u@api.example:443", ":443"} {
			if head, _ := w.speaks("CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n\r\n"); !strings.HasPrefix(head, "HTTP/1.1 4") {
				t.Errorf("CONNECT %s: %s", to, head)
			}
		}
	})
}

func TestTheProxyCallsWhatItsPolicyMayCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Policies = configs.Policies{"default": {Extends: "braze", Schemes: configs.Listed[string]{"https"}, Ports: configs.Listed[int]{443}}}
		w.start()
		defer w.close()
		for _, request := range []string{
			"GET /proxy/http://api.example/", "GET http://api.example/", "GET /proxy/https://api.example:80/", "CONNECT api.example:80",
		} {
			head, body := w.speaks(request + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
			if !strings.HasPrefix(head, "HTTP/1.1 403") || !strings.Contains(body, "policy default") {
				t.Errorf("%s: %s%s", request, head, body)
			}
		}
	})
}

func TestATunnelPassesBytesBothWaysAndEndsWithEither(t *testing.T) {
	target := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, "hello ", r.Header.Get("X-Mine"))
	}))
	defer target.Close()
	w := newWorld(t)
	w.conf.Listen, w.conf.Admin = "127.0.0.1:0", "127.0.0.1:0"
	w.conf.Egress.AllowNets = []configs.Net{mustNet(t, "127.0.0.0/8")}
	g, err := gateway.New(gateway.Settings{Config: w.conf, Version: "test", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	proxy, err := url.Parse("http://" + g.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client := target.Client()
	transport, _ := client.Transport.(*http.Transport)
	transport.Proxy = http.ProxyURL(proxy)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Mine", "you")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); string(text) != "hello you" {
		t.Errorf("%q (%v)", text, err)
	}
	client.CloseIdleConnections()
}

func mustNet(t *testing.T, s string) (n configs.Net) {
	t.Helper()
	if err := n.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return n
}
