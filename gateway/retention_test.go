package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/configs"
)

// kept is what is shown of a webhook.
type kept struct {
	status  int
	State   string
	Payload *struct{ Body string }
}

func (w *world) kept(id string) kept {
	w.t.Helper()
	status, text := w.ask("GET", "/v1/webhooks/"+id+"?include=payload", "", nil)
	k := kept{status: status}
	if err := json.Unmarshal(text, &k); err != nil {
		w.t.Errorf("%s: %d: %s", id, status, text)
	}
	return k
}

// after stops the gateway for so long: time passes quicker where nothing runs.
func (w *world) after(d time.Duration) {
	w.shutdown()
	time.Sleep(d)
	w.start()
}

const day = 24 * time.Hour

// TestEachPolicysWebhooksAreKeptAsLongAsItSays: Advocate's log goes back 30 days, with what was sent, and those of others as long
// as the gateway's. What has lost its payload is not sent again, and whoever asks is told.
func TestEachPolicysWebhooksAreKeptAsLongAsItSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := `
policies:
  brief: {extends: default, retention: {metadata: 30d, body: 2d}}
  split: {extends: default, retention: {metadata: 10d, body: {delivered: 0s, failed: 10d}}}
`
		w.file(&text)
		r := &receiver{answer: func(ctx *fasthttp.RequestCtx, _ int) {
			if strings.HasPrefix(string(ctx.Path()), "/404") {
				ctx.SetStatusCode(404)
			}
		}}
		w.scripted("in.example:80", r.handle)
		w.start()
		post := func(policy, path string) string {
			return w.accepted(fmt.Sprintf(`{"url":"http://in.example%s","policy":%q,"body":"kept"}`, path, policy))
		}
		advocates, ours, brief := post("advocate", "/"), post("default", "/"), post("brief", "/")
		given, gone := post("split", "/404"), post("split", "/ok")
		time.Sleep(time.Minute)

		if k := w.kept(given); k.State != "failed" || k.Payload == nil {
			t.Errorf("what failed, whose body is kept: %+v", k)
		}
		if k := w.kept(gone); k.State != "delivered" || k.Payload != nil {
			t.Errorf("what was delivered, whose body is not: %+v", k)
		}
		w.after(4 * day)
		if k := w.kept(ours); k.status != 404 {
			t.Errorf("four days later there is still %+v of the default policy", k)
		}
		if k := w.kept(brief); k.State != "delivered" || k.Payload != nil {
			t.Errorf("four days later, of what is kept for 30 days with its body for two, there is %+v", k)
		}
		for _, id := range []string{brief, gone} {
			status, answer := w.ask("POST", "/v1/webhooks/"+id+"/retry", "", nil)
			if status != 409 || !strings.Contains(string(answer), "body-gone") || !strings.Contains(string(answer), "retention has passed") {
				t.Errorf("a retry of what has no body any more: %d %s", status, answer)
			}
		}
		if job := w.runJob("/v1/replays", `{"filter":{"state":"delivered","host":"in.example:80"}}`); job.State != "done" || job.Done != 3 || job.Skipped != 2 {
			t.Errorf("a replay of all three that were delivered, two of them without a body: %+v", job)
		}
		time.Sleep(time.Minute)
		if n := len(r.at("/")); n != 4 {
			t.Errorf("%d calls, want the three and Advocate's again", n)
		}
		w.after(25*day - 2*time.Minute)
		if k := w.kept(advocates); k.State != "delivered" || k.Payload == nil || k.Payload.Body != "kept" {
			t.Errorf("29 days later, of Advocate's there is %+v", k)
		}
		if id := w.retry(advocates); id == advocates {
			t.Errorf("29 days later, a retry of Advocate's is %s", id)
		}
		w.after(5*day + day) // beyond 30 days, and an eighth of them
		for name, id := range map[string]string{"Advocate's": advocates, "what was kept for 30 days": brief, "for ten": given} {
			if k := w.kept(id); k.status != 404 {
				t.Errorf("35 days later, of %s there is still %+v", name, k)
			}
		}
		w.close()
	})
}

// TestTheSizeOfHistoryWinsOverItsTime: the oldest go first, and what comes meanwhile is accepted and sent.
func TestTheSizeOfHistoryWinsOverItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Retention.MaxSize = 8 * configs.MiB
		r := &receiver{answer: func(*fasthttp.RequestCtx, int) {}}
		w.scripted("in.example:80", r.handle)
		w.start()
		var ids []string
		body := strings.Repeat("x", 256<<10)
		const n = 100 // 25 MiB
		for range n {
			ids = append(ids, w.accepted(fmt.Sprintf(`{"url":"http://in.example/","body":%q}`, body)))
			time.Sleep(time.Minute)
		}
		if got := len(r.at("/")); got != n {
			t.Errorf("%d of %d arrived", got, n)
		}
		bodies := 0
		for i, id := range ids {
			k := w.kept(id)
			switch {
			case k.Payload != nil:
				bodies++
			case bodies > 0:
				t.Errorf("the body of %d is gone, and that of an older one is not", i)
			}
		}
		if bodies < 8 || bodies > 40 {
			t.Errorf("%d bodies of a quarter of a MiB are kept in 8 MiB", bodies)
		}
		if status, answer := w.ask("POST", "/v1/webhooks/"+ids[0]+"/retry", "", nil); status != 409 && status != 404 {
			t.Errorf("a retry of the oldest: %d %s", status, answer)
		}
		w.close()
	})
}
