package gateway_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// under makes a request with an idempotency key, and returns whether the answer is an earlier one's.
func (w *world) under(key, path, body string) (status int, text []byte, replayed bool) {
	w.t.Helper()
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod("POST")
	req.Header.Set("Idempotency-Key", key)
	req.SetRequestURI("http://127.0.0.1" + path)
	req.SetBodyString(body)
	if err := w.client.Do(req, resp); err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	return resp.StatusCode(), bytes.Clone(resp.Body()), string(resp.Header.Peek("Idempotent-Replayed")) == "true"
}

// TestARetryThatIsAskedForAgainUnderItsKeyIsNotMadeTwice: not of what is over, not of what waited when it was first asked for and
// is over by now, and not when its body has gone meanwhile; for a day.
func TestARetryThatIsAskedForAgainUnderItsKeyIsNotMadeTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var calls atomic.Int64
		w.scripted("a.example:80", func(*fasthttp.RequestCtx) { calls.Add(1) })
		w.start()
		over := w.accepted(`{"url":"http://a.example/","body":"1"}`)
		waits := w.accepted(`{"url":"http://a.example/","body":"2","send_at":"2000-01-05T00:00:00Z"}`)
		time.Sleep(time.Second)
		first := map[string]string{}
		again := func(id string, repeated bool) {
			t.Helper()
			status, text, replayed := w.under("key of "+id, "/v1/webhooks/"+id+"/retry", "")
			if status != fasthttp.StatusAccepted || replayed != repeated {
				t.Errorf("%d %s, replayed: %v; want the first answer: %v", status, text, replayed, repeated)
			}
			if was, ok := first[id]; ok && (string(text) == was) != repeated {
				t.Errorf("answered with %s, and %s before", text, was)
			}
			first[id] = string(text)
		}
		again(over, false)
		again(waits, false)
		time.Sleep(time.Second)
		if n := calls.Load(); n != 3 {
			t.Fatalf("%d calls, want the first, its retry and the one that waited", n)
		}
		w.after(23 * time.Hour)
		again(over, true)
		again(waits, true)
		if status, text, _ := w.under("key of "+over, "/v1/webhooks/"+waits+"/retry", ""); status != 422 {
			t.Errorf("the key of another: %d %s", status, text)
		}
		time.Sleep(time.Minute)
		if n := calls.Load(); n != 3 {
			t.Errorf("%d calls after the retries were asked for again, want none more than 3", n)
		}
		w.after(2 * time.Hour)
		again(waits, false)
		time.Sleep(time.Minute)
		if n := calls.Load(); n != 4 {
			t.Errorf("%d calls a day later, want one more than 3", n)
		}
		w.close()
	})
}

// TestAReplayThatIsAskedForAgainUnderItsKeyIsNotMadeTwice, for a week.
func TestAReplayThatIsAskedForAgainUnderItsKeyIsNotMadeTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var calls atomic.Int64
		w.scripted("a.example:80", func(*fasthttp.RequestCtx) { calls.Add(1) })
		w.start()
		w.post("http://a.example/", 3)
		time.Sleep(time.Second)
		const filter = `{"filter":{"host":"a.example:80"}}`
		var first, second struct{ ID string }
		ask := func(into any, repeated bool) {
			t.Helper()
			status, text, replayed := w.under("k", "/v1/replays", filter)
			if err := json.Unmarshal(text, into); err != nil || status != fasthttp.StatusAccepted || replayed != repeated {
				t.Errorf("%d %s, replayed: %v; want %v", status, text, replayed, repeated)
			}
		}
		ask(&first, false)
		time.Sleep(time.Minute)
		w.after(6 * day)
		ask(&second, true)
		if status, text, _ := w.under("k", "/v1/replays", `{"filter":{"host":"b.example"}}`); status != 422 {
			t.Errorf("another filter under the same key: %d %s", status, text)
		}
		time.Sleep(time.Minute)
		if n := calls.Load(); n != 6 || second.ID != first.ID {
			t.Errorf("%d calls, and the job is %s, then %s; want each webhook replayed once", n, first.ID, second.ID)
		}
		w.after(2 * day)
		ask(&second, false)
		if second.ID == first.ID {
			t.Errorf("a week later it is still job %s", first.ID)
		}
		time.Sleep(time.Minute)
		w.close()
	})
}

// unnoted has a job be as if the process had ended before anything of how far it came was noted.
func (w *world) unnoted(job string) {
	w.t.Helper()
	path := filepath.Join(w.conf.Data.Dir, "jobs", job+".json")
	text, err := os.ReadFile(path)
	var rec map[string]any
	if err == nil {
		err = json.Unmarshal(text, &rec)
	}
	for _, came := range []string{"total", "done", "skipped", "finished_at", "position"} {
		delete(rec, came)
	}
	rec["state"], rec["done"] = "running", 0
	if err == nil {
		text, err = json.Marshal(rec)
	}
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		w.t.Error(err)
	}
}

// TestAReplayThatACrashInterruptsAcceptsNothingTwice, also where the gateway is not started again for days: what it accepted and
// had not noted is known for as long as jobs are.
func TestAReplayThatACrashInterruptsAcceptsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Retention.Metadata, w.conf.Retention.Body = w.conf.Retention.Metadata*10, w.conf.Retention.Body*10
		var calls atomic.Int64
		w.scripted("a.example:80", func(*fasthttp.RequestCtx) { calls.Add(1) })
		w.start()
		const n = 600 // more than two pages
		w.post("http://a.example/", n)
		time.Sleep(5 * time.Minute)
		job := w.runJob("/v1/replays", `{"filter":{"host":"a.example:80"}}`)
		time.Sleep(5 * time.Minute)
		if got := calls.Load(); job.State != "done" || job.Done != n || got != 2*n {
			t.Fatalf("%d calls of twice %d, and the job is %+v", got, n, job)
		}
		w.shutdown()
		w.unnoted(job.ID)
		time.Sleep(3 * day)
		w.start()
		time.Sleep(time.Hour)
		w.call("GET", "/v1/jobs/"+job.ID, "", 200, &job)
		if got := calls.Load(); got != 2*n || job.State != "done" || job.Done != n {
			t.Errorf("%d calls, want none more than %d; the job is %+v", got, 2*n, job)
		}
		w.close()
	})
}
