package gateway_test

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

type shownJob struct {
	ID, State, Error string
	Total            *int64
	Done, Skipped    int64
}

// begin begins a job and returns it when it has ended.
func (w *world) runJob(path, body string) shownJob {
	w.t.Helper()
	status, text := w.ask("POST", path, "application/json", []byte(body))
	var job shownJob
	if err := json.Unmarshal(text, &job); status != fasthttp.StatusAccepted || err != nil {
		w.t.Fatalf("%s %s: %d: %s (%v)", path, body, status, text, err)
	}
	for job.State == "running" || job.State == "waiting" {
		time.Sleep(100 * time.Millisecond)
		_, text = w.ask("GET", "/v1/jobs/"+job.ID, "", nil)
		if err := json.Unmarshal(text, &job); err != nil {
			w.t.Fatal(err)
		}
	}
	return job
}

func TestWhatFailedIsReplayedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var broken atomic.Bool
		var again atomic.Int64
		broken.Store(true)
		w.scripted("a.example:80", func(ctx *fasthttp.RequestCtx) {
			if broken.Load() {
				ctx.SetStatusCode(404)
				return
			}
			again.Add(1)
		})
		w.start()
		const n = 600 // more than a page
		w.post("http://a.example/hook", n)
		time.Sleep(5 * time.Minute)
		broken.Store(false)
		w.post("http://a.example/other", 10) // delivered: not meant
		time.Sleep(time.Minute)
		again.Store(0)

		const filter = `{"filter":{"state":"failed","host":"a.example:80","status":"4xx"}`
		if status, text := w.ask("POST", "/v1/replays", "", []byte(filter+`,"dry_run":true}`)); status != 200 || string(text) != `{"count":600,"whole":true}` {
			t.Errorf("counted: %d %s", status, text)
		}
		job := w.runJob("/v1/replays", filter+"}")
		if job.State != "done" || job.Done != n || job.Total == nil || *job.Total != n || job.Skipped != 0 {
			t.Errorf("the job ended as %+v", job)
		}
		time.Sleep(5 * time.Minute)
		if got := again.Load(); got != n {
			t.Errorf("%d were sent again, want %d", got, n)
		}
		for body, want := range map[string]string{
			`{}`:                                  "/filter is empty",
			`{"filter":{"state":"pending"}}`:      "what is not over is sent anyway",
			`{"filter":{"status":true}}`:          "/filter/status is true",
			`{"filter":{"colour":"red"}}`:         "/filter/colour is nothing",
			`{"filter":{"state":"failed"},"x":1}`: "unknown field",
			`{"filter":{"state":"failed"}} {}`:    "something follows",
		} {
			if status, text := w.ask("POST", "/v1/replays", "", []byte(body)); status != 400 || !strings.Contains(string(text), want) {
				t.Errorf("%s: %d %s, want %s", body, status, text, want)
			}
		}
		w.close()
	})
}
