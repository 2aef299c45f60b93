package gateway_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// withTheClockBack runs a gateway for an hour, and then one on the same data directory that begins, as each bubble of
// synctest does, when the first one began: the clock was set back by an hour.
func withTheClockBack(t *testing.T, before, after func(w *world)) {
	t.Helper()
	dir := t.TempDir()
	for _, do := range []func(*world){before, after} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.conf.Data.Dir = dir
			do(w)
			w.close()
		})
	}
}

func TestACancelledFlowEndsWholeAfterTheClockWasSetBack(t *testing.T) {
	withTheClockBack(t, func(w *world) {
		w.start()
		time.Sleep(time.Hour)
		w.tell("POST", "/v1/flows/spring/pause", "", 200, nil)
		w.postTo("http://a.example/", "spring", "default", 2)
	}, func(w *world) {
		w.start()
		ids := w.postTo("http://a.example/", "spring", "default", 3)
		var job struct {
			ID, State string
			Done      int
		}
		w.tell("POST", "/v1/flows/spring/cancel", "", 202, &job)
		time.Sleep(5 * time.Second)
		w.tell("GET", "/v1/jobs/"+job.ID, "", 200, &job)
		if job.State != "done" || job.Done != 5 {
			w.t.Errorf("the job is %+v, want 5 done", job)
		}
		if got := w.show(ids[2]).State; got != "cancelled" {
			w.t.Errorf("what was accepted last is %s, want cancelled", got)
		}
	})
}

func TestADeletedSubscriptionsDeliveriesEndAfterTheClockWasSetBack(t *testing.T) {
	withTheClockBack(t, func(w *world) {
		w.start()
		time.Sleep(time.Hour)
		w.postTo("http://a.example/", "spring", "default", 1)
	}, func(w *world) {
		w.start()
		var s struct{ ID string }
		w.call("POST", "/v1/subscriptions", `{"url":"http://a.example/","types":["*"],"policy":"braze"}`, 201, &s)
		w.tell("POST", "/v1/hosts/a.example:80/pause", "", 200, nil)
		w.call("POST", "/v1/events", `{"type":"sold","data":{}}`, 202, nil)
		rows := w.logOf("subscription="+s.ID, "5")
		if len(rows) != 1 {
			w.t.Fatalf("%d deliveries", len(rows))
		}
		if status, text := w.ask("DELETE", "/v1/subscriptions/"+s.ID, "", nil); status >= 300 {
			w.t.Fatalf("deleting: %d %s", status, text)
		}
		time.Sleep(5 * time.Second)
		if got := w.show(rows[0].ID).State; got != "cancelled" {
			w.t.Errorf("its delivery is %s, want cancelled", got)
		}
	})
}

func TestAReplayFindsWhatFailedBeforeTheClockWasSetBack(t *testing.T) {
	withTheClockBack(t, func(w *world) {
		w.scripted("a.example:80", func(ctx *fasthttp.RequestCtx) { ctx.SetStatusCode(404) })
		w.start()
		time.Sleep(time.Hour)
		w.postTo("http://a.example/", "spring", "default", 2)
		time.Sleep(time.Minute)
	}, func(w *world) {
		w.scripted("a.example:80", func(ctx *fasthttp.RequestCtx) { ctx.SetStatusCode(404) })
		w.start()
		if job := w.runJob("/v1/replays", `{"filter":{"state":"failed"}}`); job.State != "done" || job.Done != 2 {
			w.t.Errorf("the job ended as %+v, want 2 done", job)
		}
		time.Sleep(time.Minute)
		if job := w.runJob("/v1/replays", `{"filter":{"state":"failed"}}`); job.State != "done" || job.Done != 4 {
			w.t.Errorf("a second one ended as %+v, want 4 done", job)
		}
	})
}
