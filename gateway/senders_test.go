package gateway_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/sluice-gateway/sluice/configs"
)

// What follows has the whole gateway stand in for three senders, for as long as each of them goes on, in virtual time.

// receiver is a destination that remembers when it was called.
type receiver struct {
	mu    sync.Mutex
	calls map[string][]time.Time // by path
	// answer answers call n, from 1, to a path.
	answer func(ctx *fasthttp.RequestCtx, n int)
}

func (r *receiver) handle(ctx *fasthttp.RequestCtx) {
	path := string(ctx.Path())
	r.mu.Lock()
	if r.calls == nil {
		r.calls = map[string][]time.Time{}
	}
	r.calls[path] = append(r.calls[path], time.Now())
	n := len(r.calls[path])
	r.mu.Unlock()
	r.answer(ctx, n)
}

// at returns when a path was called, counted from the first call.
func (r *receiver) at(path string) (at []time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, call := range r.calls[path] {
		at = append(at, call.Sub(r.calls[path][0]))
	}
	return at
}

// overTLS adds a destination that is called over https, on port 443 of a host, and has its certificate believed.
func (w *world) overTLS(host string, handle fasthttp.RequestHandler) {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(w.t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.conf.Egress.Hosts = append(w.conf.Egress.Hosts, configs.Way{Match: host, CA: file})
	s := &fasthttp.Server{Handler: handle, NoDefaultDate: true, CloseOnShutdown: true}
	p := &place{shutdown: s.Shutdown, ln: fasthttputil.NewInmemoryListener()}
	go s.Serve(tls.NewListener(p.ln, &tls.Config{ //nolint:errcheck // it ends with the test
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}))
	w.servers[host+":443"] = p
}

// postAs posts a webhook under a policy and returns its id.
func (w *world) postAs(policy, url string) string {
	w.t.Helper()
	status, text := w.ask("POST", "/v1/webhooks", "application/json", fmt.Appendf(nil, `{"url":%q,"policy":%q,"body":{"n":1}}`, url, policy))
	var answer struct{ ID string }
	if err := json.Unmarshal(text, &answer); status != fasthttp.StatusAccepted || err != nil {
		w.t.Fatalf("%s under %s: %d: %s", url, policy, status, text)
	}
	return answer.ID
}

// toTheSecond checks that calls came when they were to, at most a second late and never early. Due times are kept in
// milliseconds.
func toTheSecond(t *testing.T, got, want []time.Duration) {
	t.Helper()
	ok := len(got) == len(want)
	for i := range min(len(got), len(want)) {
		late := got[i] - want[i]
		ok = ok && late > -10*time.Millisecond && late < time.Second
	}
	if !ok {
		t.Errorf("called at %v, want %v", got, want)
	}
}

// TestEachSenderTriesWhenItsDocumentationSays has all three go on until they give up, side by side, for three days: the
// destinations fail in one way or another and none of them is given up early, late, or for another's sake.
func TestEachSenderTriesWhenItsDocumentationSays(t *testing.T) {
	t.Parallel()
	const m, h = time.Minute, time.Hour
	var hourly []time.Duration
	for n := range 72 {
		hourly = append(hourly, time.Duration(n)*h)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Policies = configs.Policies{ // signing is for subscriptions here: what is posted has no secret
			"pulses": {Extends: "chariow-2026", Sign: configs.Listed[configs.Signature]{}},
			"hooks":  {Extends: "advocate", Sign: configs.Listed[configs.Signature]{}},
		}
		r := &receiver{answer: func(ctx *fasthttp.RequestCtx, _ int) {
			var status int
			_, err := fmt.Sscanf(string(ctx.Path()), "/%d", &status)
			if err != nil {
				status = 500
			}
			ctx.SetStatusCode(status)
		}}
		w.overTLS("shop.example", r.handle)
		w.scripted("partner.example:80", r.handle)
		w.scripted("api.example:80", r.handle)
		w.start()

		ids := map[string]string{}
		for path, policy := range map[string]string{
			"https://shop.example/500/pulse": "chariow", "https://shop.example/404/newer": "pulses",
			"http://partner.example/204/hook": "hooks", "http://partner.example/500/hook": "hooks",
			"http://api.example/500/call": "braze", "http://nowhere.example/call": "braze",
		} {
			ids[path] = w.postAs(policy, path)
		}
		time.Sleep(30 * m)
		braze := r.at("/500/call")
		if len(braze) != 6 || braze[5] > 30*m {
			t.Errorf("Braze's call came at %v, want six times within 30 min", braze)
		}
		for i := range len(braze) - 2 {
			if before, gap := braze[i+1]-braze[i], braze[i+2]-braze[i+1]; gap < 2*before {
				t.Errorf("Braze's call came at %v: the gaps do not grow", braze)
			}
		}
		if got := w.show(ids["http://nowhere.example/call"]); got.State != "pending" {
			t.Errorf("a host that cannot be reached is tried for a day; after half an hour the call is %+v", got)
		}
		time.Sleep(71*h + 31*m)
		toTheSecond(t, r.at("/500/pulse"), []time.Duration{0, m, 6 * m, 36 * m, 2*h + 36*m, 26*h + 36*m})
		toTheSecond(t, r.at("/404/newer"), []time.Duration{0, 10 * time.Second, 110 * time.Second, 1110 * time.Second, 11110 * time.Second})
		toTheSecond(t, r.at("/204/hook"), hourly)
		toTheSecond(t, r.at("/500/hook"), hourly)
		for path, tries := range map[string]int{
			"https://shop.example/500/pulse": 6, "https://shop.example/404/newer": 5, "http://partner.example/204/hook": 72,
			"http://partner.example/500/hook": 72, "http://api.example/500/call": 6, "http://nowhere.example/call": 6,
		} {
			if got := w.show(ids[path]); got.State != "failed" || got.Tries.Used != tries {
				t.Errorf("%s ended as %+v, want failed after %d tries", path, got, tries)
			}
		}
		w.close()
	})
}

func TestBrazesCodesMeanWhatItDocuments(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := &receiver{answer: func(ctx *fasthttp.RequestCtx, _ int) {
			var status int
			if _, err := fmt.Sscanf(string(ctx.Path()), "/%d", &status); err != nil {
				status = 200
			}
			ctx.SetStatusCode(status)
		}}
		w.scripted("api.example:80", r.handle)
		w.start()
		type end struct {
			state string
			calls int
		}
		ids := map[int]string{}
		codes := map[int]end{
			200: {"delivered", 1}, 201: {"delivered", 1}, 204: {"delivered", 1},
			301: {"failed", 1}, 307: {"failed", 1}, 400: {"failed", 1}, 401: {"failed", 1}, 403: {"failed", 1}, 404: {"failed", 1}, 410: {"failed", 1},
			408: {"failed", 6}, 500: {"failed", 6}, 529: {"failed", 6}, 599: {"failed", 6},
		}
		for code := range codes {
			ids[code] = w.postAs("braze", fmt.Sprintf("http://api.example/%d", code))
		}
		time.Sleep(31 * time.Minute)
		for code, want := range codes {
			got, at := w.show(ids[code]), r.at(fmt.Sprintf("/%d", code))
			if got.State != want.state || len(at) != want.calls {
				t.Errorf("%d: %s after %d calls, want %s after %d", code, got.State, len(at), want.state, want.calls)
			}
		}
		w.close()
	})
}

func TestBrazeObeysTheFourHeadersAndTheyMoveTheRetry(t *testing.T) {
	for name, tt := range map[string]struct {
		status  int
		headers map[string]string
		wait    time.Duration
	}{
		"Retry-After on 429": {429, map[string]string{"Retry-After": "120"}, 2 * time.Minute},
		"Retry-After on 503": {503, map[string]string{"Retry-After": "120"}, 2 * time.Minute},
		"X-Rate-Limit on 429": {429, map[string]string{
			"X-Rate-Limit-Limit": "100", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "90",
		}, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				r := &receiver{answer: func(ctx *fasthttp.RequestCtx, n int) {
					if n > 1 {
						return
					}
					ctx.SetStatusCode(tt.status)
					for name, value := range tt.headers {
						ctx.Response.Header.Set(name, value)
					}
				}}
				w.scripted("api.example:80", r.handle)
				w.start()
				id := w.postAs("braze", "http://api.example/hook")
				time.Sleep(10 * time.Minute)
				at := r.at("/hook")
				if len(at) != 2 || at[1] < tt.wait || at[1] > tt.wait+10*time.Second {
					t.Errorf("called at %v, want again after %s", at, tt.wait)
				}
				if got := w.show(id); got.State != "delivered" || got.Tries.Used != 1 || got.Tries.Throttled != 1 {
					t.Errorf("it ended as %+v; being deferred spends no try", got)
				}
				w.close()
			})
		})
	}
}

// TestHeadersNeverMakeATerminalCodeRetriable is Braze's documented rule. The lane may pause for what the header says; the
// webhook has failed.
func TestHeadersNeverMakeATerminalCodeRetriable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := &receiver{answer: func(ctx *fasthttp.RequestCtx, _ int) {
			if string(ctx.Path()) == "/forbidden" {
				ctx.SetStatusCode(403)
				ctx.Response.Header.Set("Retry-After", "60")
			}
		}}
		w.scripted("api.example:80", r.handle)
		w.start()
		forbidden := w.postAs("braze", "http://api.example/forbidden")
		time.Sleep(time.Second)
		other := w.postAs("braze", "http://api.example/other")
		time.Sleep(time.Hour)
		if got := w.show(forbidden); got.State != "failed" || len(r.at("/forbidden")) != 1 {
			t.Errorf("403 with Retry-After: %s after %d calls, want failed after one", got.State, len(r.at("/forbidden")))
		}
		if got := w.show(other); got.State != "delivered" {
			t.Errorf("the next webhook for the host is %+v", got)
		}
		w.close()
	})
}

func TestChariowWaits30SecondsForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := &receiver{answer: func(_ *fasthttp.RequestCtx, n int) {
			if n == 1 {
				time.Sleep(40 * time.Second)
			} else {
				time.Sleep(29 * time.Second)
			}
		}}
		w.overTLS("shop.example", r.handle)
		w.start()
		id := w.postAs("chariow", "https://shop.example/pulse")
		time.Sleep(10 * time.Minute)
		toTheSecond(t, r.at("/pulse"), []time.Duration{0, 90 * time.Second}) // a minute after the time-out
		var shown struct {
			State    string
			Attempts []struct {
				TimedOut   bool   `json:"timed_out"`
				ErrorClass string `json:"error_class"`
			}
		}
		_, text := w.ask("GET", "/v1/webhooks/"+id, "", nil)
		if err := json.Unmarshal(text, &shown); err != nil || shown.State != "delivered" || len(shown.Attempts) != 2 ||
			!shown.Attempts[0].TimedOut || shown.Attempts[0].ErrorClass != "timeout" || shown.Attempts[1].TimedOut {
			t.Errorf("shown as %s", text)
		}
		w.close()
	})
}

func TestChariowRefusesHTTPAtTheDoorAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		for _, policy := range []string{"chariow", "chariow-2026"} {
			status, text := w.ask("POST", "/v1/webhooks", "application/json", fmt.Appendf(nil, `{"url":"http://shop.example/","policy":%q}`, policy))
			want := "is http, and policy " + policy + " sends over https only"
			if status != fasthttp.StatusBadRequest || !strings.Contains(string(text), want) || !strings.Contains(string(text), `"pointer":"/url"`) {
				t.Errorf("%s: %d: %s", policy, status, text)
			}
		}
		w.close()
	})
}

func TestAdvocateTakesExactly200ForASuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Policies = configs.Policies{"hooks": {Extends: "advocate", Sign: configs.Listed[configs.Signature]{}}}
		r := &receiver{answer: func(ctx *fasthttp.RequestCtx, n int) { ctx.SetStatusCode([]int{201, 202, 200}[n-1]) }}
		w.scripted("partner.example:80", r.handle)
		w.start()
		id := w.postAs("hooks", "http://partner.example/hook")
		time.Sleep(5 * time.Hour)
		toTheSecond(t, r.at("/hook"), []time.Duration{0, time.Hour, 2 * time.Hour})
		if got := w.show(id); got.State != "delivered" {
			t.Errorf("it ended as %+v", got)
		}
		w.close()
	})
}
