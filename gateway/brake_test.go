package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/bench/destination/server"
)

// tell asks something of the front door and reads the answer.
func (w *world) tell(method, path, body string, want int, answer any) {
	w.t.Helper()
	status, text := w.ask(method, path, "", []byte(body))
	if status != want {
		w.t.Fatalf("%s %s: %d: %s, want %d", method, path, status, text, want)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(text, answer); err != nil {
		w.t.Fatalf("%s %s: %s: %v", method, path, text, err)
	}
}

// postTo posts n webhooks to a flow.
func (w *world) postTo(url, flow, tenant string, n int) (ids []string) {
	w.t.Helper()
	for range n {
		var answer struct{ ID string }
		w.tell("POST", "/v1/webhooks", fmt.Sprintf(`{"url":%q,"flow":%q,"tenant":%q}`, url, flow, tenant), 202, &answer)
		ids = append(ids, answer.ID)
	}
	return ids
}

// shownBrake is what these tests look at of a host or a flow.
type shownBrake struct {
	State     string
	Held      bool
	Waiting   int
	Cancelled int
	FlowCount int `json:"flow_count"`
	Flows     []struct{ Flow string }
	Cap       struct{ Reason, Detail string }
	Achieved  float64  `json:"achieved_rate"`
	Allowed   *float64 `json:"allowed_rate"`
	Breaker   struct {
		State       string
		Forced      bool
		Share       float64
		Transitions []struct{ From, To, Cause string }
		Parts       []struct{ Tenant, State string }
	}
}

func TestAPausedHostTakesNothingUntilItIsResumedAlsoOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.destination("held.example:80", server.Config{})
		w.start()
		var host shownBrake
		w.tell("POST", "/v1/hosts/held.example%3A80/pause", "", 200, &host) // before anything is known of it
		if !host.Held || host.Cap.Reason != "held" {
			t.Errorf("the answer shows %+v", host)
		}
		ids := w.postTo("http://held.example/", "spring", "default", 20)
		time.Sleep(time.Minute)
		if s := p.server.Stats(); s.Received != 0 {
			t.Errorf("%d calls arrived while it was paused", s.Received)
		}
		if x := w.show(ids[0]); x.Waiting == nil || x.Waiting.Reason != "held" || x.Waiting.Detail != "an operator holds its host" {
			t.Errorf("a webhook waits for %+v", x.Waiting)
		}
		w.shutdown()
		w.start()
		time.Sleep(time.Minute)
		w.tell("GET", "/v1/hosts/held.example:80", "", 200, &host)
		if s := p.server.Stats(); s.Received != 0 || !host.Held || host.FlowCount != 1 || host.Flows[0].Flow != "spring" {
			t.Errorf("after a restart %d calls arrived, and the host is shown as %+v", s.Received, host)
		}
		w.tell("POST", "/v1/hosts/held.example:80/resume", "", 200, &host)
		time.Sleep(10 * time.Second)
		if s := p.server.Stats(); s.Accepted != 20 || host.Held {
			t.Errorf("%d of 20 arrived within 10 s of the resume, which shows %+v", s.Accepted, host)
		}
		w.close()
	})
}

func TestAFlowsBrakeHoldsItAloneAndCancelsWhatWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.destination("crm.example:80", server.Config{})
		w.start()
		var flow shownBrake
		w.tell("POST", "/v1/flows/spring/pause", "", 200, &flow)
		w.postTo("http://crm.example/", "spring", "default", 15)
		w.postTo("http://crm.example/", "receipts", "default", 5)
		w.postTo("http://crm.example/", "spring", "eu", 5)
		time.Sleep(10 * time.Second)
		if s := p.server.Stats(); s.Accepted != 10 {
			t.Errorf("%d arrived, want the 10 of the flows that are not paused", s.Accepted)
		}
		w.tell("GET", "/v1/flows/spring", "", 200, &flow)
		if flow.State != "held" || flow.Waiting != 15 {
			t.Errorf("the flow is shown as %+v", flow)
		}
		var job struct{ ID, Kind, State string }
		w.tell("POST", "/v1/flows/spring/cancel", "", 202, &job)
		time.Sleep(5 * time.Second)
		later := w.postTo("http://crm.example/", "spring", "default", 3)
		var done struct {
			State       string
			Done, Total int
		}
		w.tell("GET", "/v1/jobs/"+job.ID, "", 200, &done)
		if job.Kind != "flow-cancel" || done.State != "done" || done.Done != 15 || done.Total != 15 {
			t.Errorf("the job began as %+v and is %+v", job, done)
		}
		w.tell("POST", "/v1/flows/spring/resume", "", 200, &flow)
		time.Sleep(5 * time.Second)
		if s := p.server.Stats(); s.Accepted != 13 {
			t.Errorf("%d arrived in the end, want 13: nothing of what was cancelled", s.Accepted)
		}
		if x := w.show(later[0]); x.State != "delivered" {
			t.Errorf("what came after the cancellation is %s", x.State)
		}
		if status, _ := w.ask("POST", "/v1/flows/nothing/resume", "", nil); status != fasthttp.StatusNotFound {
			t.Errorf("resuming an unknown flow: %d", status)
		}
		w.tell("POST", "/v1/flows/nothing/cancel", "", 202, &job)
		time.Sleep(time.Second)
		var none struct {
			State       string
			Done, Total *int
		}
		if w.tell("GET", "/v1/jobs/"+job.ID, "", 200, &none); none.State != "done" || none.Done == nil || *none.Done != 0 || none.Total == nil || *none.Total != 0 {
			t.Errorf("cancelling an unknown flow became %+v, want a job that counts nothing", none)
		}
		w.close()
	})
}

func TestABreakerSaysWhyAndObeysAnOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.destination("failing.example:80", server.Config{FailFor: time.Minute})
		w.start()
		ids := w.post("http://failing.example/hook", 200)
		time.Sleep(10 * time.Second)
		const path = "/v1/hosts/failing.example:80"
		var host shownBrake
		w.tell("GET", path, "", 200, &host)
		if n := len(host.Breaker.Transitions); n == 0 || host.Breaker.Transitions[n-1].Cause == "" || host.Cap.Reason != "breaker" {
			t.Errorf("the host is shown as %+v", host)
		}
		x := w.show(ids[len(ids)-1])
		if x.Waiting == nil || x.Waiting.Reason != "breaker" || !strings.Contains(x.Waiting.Detail, "calls failed") ||
			!strings.Contains(x.Waiting.Detail, "probes at ") {
			t.Errorf("a webhook waits for %+v", x.Waiting)
		}
		w.tell("POST", path+"/breaker", `{"state":"open"}`, 200, &host)
		before := p.server.Stats().Received
		time.Sleep(10 * time.Minute)
		if got := p.server.Stats().Received; got != before || !host.Breaker.Forced {
			t.Errorf("%d calls arrived while it was forced open: %+v", got-before, host.Breaker)
		}
		w.shutdown()
		w.start()
		time.Sleep(10 * time.Minute)
		w.tell("GET", path, "", 200, &host)
		if got := p.server.Stats().Received; got != before || !host.Breaker.Forced || host.Breaker.State != "open" {
			t.Errorf("%d calls arrived over a restart: %+v", got-before, host.Breaker)
		}
		w.tell("POST", path+"/breaker", `{"state":"auto"}`, 200, nil)
		time.Sleep(5 * time.Second)
		w.tell("GET", path, "", 200, &host)
		if host.Breaker.State != "closed" || host.Breaker.Share >= 1 || host.Cap.Reason != "ramp" {
			t.Errorf("five seconds after the release the host is shown as %+v", host)
		}
		time.Sleep(5 * time.Minute)
		if s := p.server.Stats(); s.Accepted != 200 {
			t.Errorf("%d of 200 arrived", s.Accepted)
		}
		w.close()
	})
}

func TestTheAchievedRateStandsBesideTheAllowedOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.destination("crm.example:80", server.Config{Limiter: destination.Spec{Algorithm: destination.Fixed, Limit: 20, Per: time.Second}, Headers: destination.Draft8})
		w.start()
		ids := w.post("http://crm.example/", 1000)
		time.Sleep(30 * time.Second)
		var host shownBrake
		w.tell("GET", "/v1/hosts/crm.example:80", "", 200, &host)
		if host.Allowed == nil || host.Achieved < 0.9**host.Allowed || host.Achieved > 1.02**host.Allowed ||
			host.Cap.Reason != "limit" || !strings.HasPrefix(host.Cap.Detail, "20 per 1 s from RateLimit") {
			t.Errorf("the host is shown as %+v, %v", host, *host.Allowed)
		}
		if x := w.show(ids[999]); x.Waiting == nil || !strings.Contains(x.Waiting.Detail, "in flow default") {
			t.Errorf("the last one waits for %+v", x.Waiting)
		}
		w.close()
	})
}

// TestACancelledFlowDoesNotWaitForOtherJobs has as many jobs run as may at once, for as long as the test takes.
func TestACancelledFlowDoesNotWaitForOtherJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.destination("crm.example:80", server.Config{FailFor: time.Minute})
		for i := range 2 {
			w.scripted(fmt.Sprintf("slow%d.example:80", i), func(*fasthttp.RequestCtx) { time.Sleep(time.Minute) })
		}
		w.start()
		for i := range 2 { // each waits for the attempt of what it is to erase
			tenant := fmt.Sprint("slow", i)
			w.postTo("http://"+tenant+".example/", "default", tenant, 1)
			time.Sleep(time.Millisecond)
			w.tell("POST", "/v1/erasures", fmt.Sprintf(`{"tenant":%q}`, tenant), 202, nil)
		}
		w.tell("POST", "/v1/flows/spring/pause", "", 200, nil)
		ids := w.postTo("http://crm.example/", "spring", "default", 5)
		w.tell("POST", "/v1/flows/spring/cancel", "", 202, nil)
		w.tell("POST", "/v1/flows/spring/resume", "", 200, nil)
		time.Sleep(time.Second)
		for _, id := range ids {
			if got := w.show(id).State; got != "cancelled" {
				t.Errorf("a second later one is %s", got)
			}
		}
		if n := p.server.Stats().Received; n > 0 {
			t.Errorf("%d calls arrived after the cancellation", n)
		}
		time.Sleep(2 * time.Minute)
		w.close()
	})
}
