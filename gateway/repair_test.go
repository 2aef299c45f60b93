package gateway_test

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/configs"
)

// retry has a webhook tried again and returns the id of what is tried.
func (w *world) retry(id string) string {
	w.t.Helper()
	status, text := w.ask("POST", "/v1/webhooks/"+id+"/retry", "", nil)
	var answer struct{ ID string }
	if err := json.Unmarshal(text, &answer); status != fasthttp.StatusAccepted || err != nil {
		w.t.Fatalf("retry of %s: %d: %s (%v)", id, status, text, err)
	}
	return answer.ID
}

// slow is a destination that takes a while and then answers with a status.
type slow struct {
	status atomic.Int64
	calls  atomic.Int64
}

func (s *slow) handle(ctx *fasthttp.RequestCtx) {
	s.calls.Add(1)
	time.Sleep(3 * time.Second)
	ctx.SetStatusCode(int(s.status.Load()))
}

func TestOneWebhookIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.conf.Retention.Body = configs.Duration(time.Hour)
		w.scripted("a.example:80", byPath)
		w.start()
		failed := w.postOne(`{"url":"http://a.example/404","body":"again"}`)
		later := w.postOne(`{"url":"http://a.example/ok","send_at":"2000-01-02T00:00:00Z"}`)
		time.Sleep(time.Second)

		if id := w.retry(later); id != later {
			t.Errorf("what waits is retried as %s, want itself", id)
		}
		again := w.retry(failed)
		time.Sleep(time.Second)
		if s := w.show(later).State; s != "delivered" {
			t.Errorf("what was not due is %s after its retry", s)
		}
		_, text := w.ask("GET", "/v1/webhooks/"+again+"?include=payload", "", nil)
		if s := string(text); again == failed || !strings.Contains(s, `"replays":"`+failed+`"`) || !strings.Contains(s, `"body":"again"`) {
			t.Errorf("retried as %s", text)
		}
		if second := w.retry(again); !strings.Contains(string(w.text(second)), `"replays":"`+failed+`"`) {
			t.Errorf("a retry's retry: %s", w.text(second))
		}
		time.Sleep(4 * time.Hour)
		if status, text := w.ask("POST", "/v1/webhooks/"+failed+"/retry", "", nil); status != 409 || !strings.Contains(string(text), "body-gone") {
			t.Errorf("a retry of what is gone: %d %s", status, text)
		}
		if status, _ := w.ask("POST", "/v1/webhooks/01KG9P6JE00000000000000000/retry", "", nil); status != 404 {
			t.Errorf("a retry of what never was: %d", status)
		}
		w.close()
	})
}

func (w *world) text(id string) []byte {
	_, text := w.ask("GET", "/v1/webhooks/"+id, "", nil)
	return text
}

func TestCancelledWebhookIsNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var calls atomic.Int64
		w.scripted("a.example:80", func(*fasthttp.RequestCtx) { calls.Add(1) })
		w.start()
		const n = 3000 // more than a window: most are on disk only
		var b strings.Builder
		for range n {
			b.WriteString(`{"url":"http://a.example/ok","send_at":"2000-01-01T01:00:00Z"}` + "\n")
		}
		status, text := w.ask("POST", "/v1/webhooks", "application/x-ndjson", []byte(b.String()))
		var answer struct{ Results []struct{ ID string } }
		if err := json.Unmarshal(text, &answer); status != 202 || err != nil {
			t.Fatal(status, err)
		}
		time.Sleep(time.Second)
		cancelled := 0
		for _, i := range []int{0, 1, 1000, 1024, 2000, n - 1} {
			id := answer.Results[i].ID
			status, text := w.ask("DELETE", "/v1/webhooks/"+id, "", nil)
			if status != 200 || !strings.Contains(string(text), `"state":"cancelled"`) {
				t.Errorf("webhook %d: %d %s", i, status, text)
			}
			cancelled++
			if status, _ := w.ask("DELETE", "/v1/webhooks/"+id, "", nil); status != 409 {
				t.Errorf("webhook %d, once more: %d", i, status)
			}
		}
		w.shutdown()
		w.start()
		if s := w.show(answer.Results[n-1].ID).State; s != "cancelled" {
			t.Errorf("after a restart it is %s", s)
		}
		time.Sleep(3 * time.Hour)
		if got := calls.Load(); got != int64(n-cancelled) {
			t.Errorf("%d were sent of %d, %d of them cancelled", got, n, cancelled)
		}
		w.close()
	})
}

func TestWebhookThatIsBeingSentIsCancelledUnlessItIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := &slow{}
		w.scripted("slow.example:80", s.handle)
		w.start()
		for status, want := range map[int64]string{500: "cancelled", 200: "delivered"} {
			s.status.Store(status)
			id := w.postOne(`{"url":"http://slow.example/"}`)
			time.Sleep(time.Second)
			if got := w.show(id).State; got != "sending" {
				t.Fatalf("it is %s", got)
			}
			if code, _ := w.ask("POST", "/v1/webhooks/"+id+"/retry", "", nil); code != 409 {
				t.Errorf("retried while it is sent: %d", code)
			}
			code, text := w.ask("DELETE", "/v1/webhooks/"+id, "", nil)
			if got := w.show(id).State; got != want || (code == 200) != (want == "cancelled") {
				t.Errorf("the attempt ends with %d: the answer is %d %s, and it is %s; want %s", status, code, text, got, want)
			}
		}
		time.Sleep(time.Hour)
		if n := s.calls.Load(); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
		w.close()
	})
}
