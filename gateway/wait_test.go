package gateway_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/destination/server"
)

// outcome is what the API shows of how a webhook, or a try, ended.
type outcome struct {
	ID, State, Outcome string
	Response           *struct {
		Status    int
		Headers   [][2]string
		Body      string
		Truncated bool
	}
	ErrorClass string `json:"error_class"`
}

// prefer posts one definition with a preference and returns the answer, what it says, and how long it took.
func (w *world) prefer(path, preference, definition string, fields ...string) (*fasthttp.Response, outcome, time.Duration) {
	w.t.Helper()
	req, resp := fasthttp.AcquireRequest(), &fasthttp.Response{}
	defer fasthttp.ReleaseRequest(req)
	req.Header.SetMethod("POST")
	req.SetRequestURI("http://127.0.0.1" + path)
	req.Header.Set("Prefer", preference)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Set(name, value)
	}
	req.SetBodyString(definition)
	began := time.Now()
	if err := w.client.Do(req, resp); err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	var o outcome
	if err := json.Unmarshal(resp.Body(), &o); err != nil {
		w.t.Fatalf("%s: %v", resp.Body(), err)
	}
	return resp, o, time.Since(began)
}

func TestWhoPrefersToWaitGetsTheDestinationsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		calls := 0
		w.scripted("odd.example:80", func(ctx *fasthttp.RequestCtx) {
			time.Sleep(100 * time.Millisecond)
			if calls++; calls == 1 {
				ctx.SetStatusCode(503)
				return
			}
			ctx.Response.Header.Set("X-Receipt", "r7")
			ctx.SetStatusCode(201)
			ctx.SetBody(bytes.Repeat([]byte("a"), 100<<10))
		})
		w.destination("slow.example:80", server.Config{Latency: 90 * time.Second})
		w.start()
		const odd = `{"url":"http://odd.example/"}`
		resp, o, took := w.prefer("/v1/webhooks", "respond-async, wait=60", odd, "Idempotency-Key: k")
		if resp.StatusCode() != 200 || o.State != "delivered" || o.ID == "" || o.Response == nil || o.Response.Status != 201 ||
			len(o.Response.Body) != 64<<10 || !o.Response.Truncated || string(resp.Header.Peek("Preference-Applied")) != "wait=60" {
			t.Fatalf("%d %v %.300s", resp.StatusCode(), resp.Header.String(), resp.Body())
		}
		found := false
		for _, h := range o.Response.Headers {
			found = found || h == [2]string{"X-Receipt", "r7"}
		}
		if !found || took < 200*time.Millisecond || took > 60*time.Second {
			t.Errorf("after %s: headers %q", took, o.Response.Headers)
		}
		if got := w.show(o.ID); got.State != "delivered" || got.Tries.Used != 2 {
			t.Errorf("its end was told before it was so: %+v", got)
		}
		// Again under the same key: it has ended long since, and what is recorded is told at once.
		if resp, again, took := w.prefer("/v1/webhooks", "wait=60", odd, "Idempotency-Key: k"); resp.StatusCode() != 200 || again.ID != o.ID ||
			again.Response == nil || again.Response.Status != 201 || took > time.Second || string(resp.Header.Peek("Idempotent-Replayed")) != "true" {
			t.Errorf("again, after %s: %d %.300s", took, resp.StatusCode(), resp.Body())
		}
		resp, o, took = w.prefer("/v1/webhooks", "wait=5", `{"url":"http://slow.example/"}`)
		if resp.StatusCode() != 202 || o.ID == "" || o.State != "" || took != 5*time.Second || string(resp.Header.Peek("Preference-Applied")) != "wait=5" {
			t.Errorf("not in time, after %s: %d %s", took, resp.StatusCode(), resp.Body())
		}
		for _, preference := range []string{"wait=0", "wait=-1", "wait=soon", "wait", "return=minimal", "wait=99999999999"} {
			resp, o, took := w.prefer("/v1/webhooks", preference, `{"url":"http://slow.example/"}`)
			if resp.StatusCode() != 202 || o.ID == "" || took > time.Second || len(resp.Header.Peek("Preference-Applied")) > 0 {
				t.Errorf("Prefer: %s: after %s: %d %s", preference, took, resp.StatusCode(), resp.Body())
			}
		}
		if resp, _, took := w.prefer("/v1/webhooks", "wait=3600", `{"url":"http://slow.example/"}`); resp.StatusCode() != 202 || took != time.Minute {
			t.Errorf("an hour was asked for: %d after %s, want a minute", resp.StatusCode(), took)
		}
		w.close()
	})
}

func TestShutdownAnswersThoseWhoWaitThatItIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.destination("slow.example:80", server.Config{Latency: 10 * time.Second})
		w.start()
		answered := make(chan int, 1)
		go func() {
			resp, _, _ := w.prefer("/v1/webhooks", "wait=60", `{"url":"http://slow.example/"}`)
			answered <- resp.StatusCode()
		}()
		time.Sleep(time.Second)
		w.close()
		if status := <-answered; status != 202 {
			t.Errorf("answered with %d", status)
		}
	})
}

func TestATestIsOneAttemptAndObeysWhatHoldsItsLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		calls := 0
		w.scripted("strict.example:80", func(ctx *fasthttp.RequestCtx) {
			if calls++; calls < 3 {
				ctx.SetStatusCode(500)
				ctx.SetBodyString("out of order")
				return
			}
			ctx.SetStatusCode(429)
			ctx.Response.Header.Set("Retry-After", "30")
		})
		w.start()
		const one = `{"url":"http://strict.example/"}`
		for n := range 2 {
			resp, o, _ := w.prefer("/v1/webhooks/test", "", one)
			if resp.StatusCode() != 200 || o.State != "" || o.Outcome != "retry" || o.Response.Status != 500 || o.Response.Body != "out of order" {
				t.Errorf("%d: %d %s", n, resp.StatusCode(), resp.Body())
			}
			time.Sleep(time.Minute)
		}
		if calls != 2 {
			t.Errorf("%d calls came of two tests", calls)
		}
		if _, o, _ := w.prefer("/v1/webhooks/test", "", one); o.Outcome != "throttled" {
			t.Errorf("refused for now: %+v", o)
		}
		resp, _, _ := w.prefer("/v1/webhooks/test", "", one)
		if resp.StatusCode() != 409 || !strings.Contains(string(resp.Body()), "pause") || calls != 3 {
			t.Errorf("during the pause: %d %s, %d calls", resp.StatusCode(), resp.Body(), calls)
		}
		if after := string(resp.Header.Peek("Retry-After")); after == "" || after > "31" {
			t.Errorf("Retry-After %s, of a pause of 30 s", after)
		}
		if resp, o, _ := w.prefer("/v1/webhooks/test?force=true", "", one); resp.StatusCode() != 200 || o.Response == nil || calls != 4 {
			t.Errorf("with force: %d %s, %d calls", resp.StatusCode(), resp.Body(), calls)
		}
		if resp, o, _ := w.prefer("/v1/webhooks/test", "", `{"url":"http://nobody.example/"}`); resp.StatusCode() != 200 || o.Response != nil || o.ErrorClass != "connect" {
			t.Errorf("where nobody answers: %d %s", resp.StatusCode(), resp.Body())
		}
		for range 20 {
			resp, _, _ = w.prefer("/v1/webhooks/test", "", one)
		}
		if resp.StatusCode() != 429 || len(resp.Header.Peek("Retry-After")) == 0 {
			t.Errorf("after 20 more: %d %s", resp.StatusCode(), resp.Body())
		}
		w.close()
	})
}
