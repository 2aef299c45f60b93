package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// stopping is a store that stops at what it is told to stop at, when that was read or before it is done.
type stopping struct {
	persist.Store
	read, erase chan chan struct{} // takes what is closed when it may go on; nil: it does not stop
}

func stop(at chan chan struct{}) {
	if at != nil {
		goOn := make(chan struct{})
		at <- goOn
		<-goOn
	}
}

func (s *stopping) Webhook(ctx context.Context, id record.ID) (*persist.View, error) {
	v, err := s.Store.Webhook(ctx, id)
	if err == nil && v.Final != nil {
		stop(s.read)
	}
	return v, err
}

func (s *stopping) Erase(ctx context.Context, f *persist.Filter) (int, error) {
	stop(s.erase)
	return s.Store.Erase(ctx, f)
}

// erasing is a gateway on a store that stops, with one webhook about mallory that is over.
type erasing struct {
	*world
	store stopping
	over  string
}

func withErasing(t *testing.T, do func(e *erasing)) {
	synctest.Test(t, func(t *testing.T) {
		e := &erasing{world: newWorld(t)}
		e.wrap = func(s persist.Store) persist.Store {
			e.store.Store = s
			return &e.store
		}
		e.start()
		e.over = e.postOne(`{"url":"http://nobody.example/","subject":"mallory","body":"dear mallory","send_at":"2000-01-01T05:00:00Z"}`)
		if status, text := e.ask("DELETE", "/v1/webhooks/"+e.over, "", nil); status >= 300 {
			t.Fatalf("cancelling: %d: %s", status, text)
		}
		do(e)
		e.store.read, e.store.erase = nil, nil
		e.close()
	})
}

// begin begins a job and returns its id.
func (e *erasing) begin(path, body string) string {
	e.t.Helper()
	status, text := e.ask("POST", path, "application/json", []byte(body))
	var job shownJob
	if err := json.Unmarshal(text, &job); status != fasthttp.StatusAccepted || err != nil {
		e.t.Fatalf("%s: %d: %s (%v)", path, status, text, err)
	}
	return job.ID
}

func (e *erasing) beginReplay() string {
	return e.begin("/v1/replays", `{"filter":{"state":"cancelled"}}`)
}
func (e *erasing) beginErasure() string { return e.begin("/v1/erasures", `{"subject":"mallory"}`) }

func (e *erasing) again() (int, string) {
	status, text := e.ask("POST", "/v1/webhooks/"+e.over+"/retry", "", nil)
	return status, string(text)
}

// done waits for a job's end.
func (e *erasing) done(id string) (job shownJob) {
	e.t.Helper()
	for job.State == "" || job.State == "running" || job.State == "waiting" {
		time.Sleep(100 * time.Millisecond)
		_, text := e.ask("GET", "/v1/jobs/"+id, "", nil)
		if err := json.Unmarshal(text, &job); err != nil {
			e.t.Fatalf("%s: %v", text, err)
		}
	}
	if job.State != "done" {
		e.t.Errorf("a job ended as %+v", job)
	}
	return job
}

// nothingLeft wants nothing that was said of mallory, live or over.
func (e *erasing) nothingLeft() {
	e.t.Helper()
	e.store.read = nil
	_, text := e.ask("GET", "/v1/webhooks?limit=100", "", nil)
	var log struct{ Webhooks []struct{ ID, State string } }
	if err := json.Unmarshal(text, &log); err != nil || len(log.Webhooks) == 0 {
		e.t.Fatalf("the log: %s (%v)", text, err)
	}
	for _, w := range log.Webhooks {
		_, shown := e.ask("GET", "/v1/webhooks/"+w.ID+"?include=payload", "", nil)
		if w.State != "cancelled" || bytes.Contains(shown, []byte("mallory")) || bytes.Contains(shown, []byte("nobody.example/")) {
			e.t.Errorf("%s is %s, as %s", w.ID, w.State, shown)
		}
	}
}

// TestAnErasureFindsTheCopyOfAReplayThatHadReadBefore stops the replay between its reading and its accepting.
func TestAnErasureFindsTheCopyOfAReplayThatHadReadBefore(t *testing.T) {
	withErasing(t, func(e *erasing) {
		e.store.read = make(chan chan struct{})
		replay := e.beginReplay()
		goOn := <-e.store.read
		erasure := e.beginErasure()
		time.Sleep(time.Minute)
		close(goOn)
		e.done(replay)
		e.done(erasure)
		e.nothingLeft()
	})
}

// TestAReplayRefusesWhatIsBeingErased stops the erasure when it has looked at all that waits.
func TestAReplayRefusesWhatIsBeingErased(t *testing.T) {
	withErasing(t, func(e *erasing) {
		e.store.erase = make(chan chan struct{})
		erasure := e.beginErasure()
		goOn := <-e.store.erase
		if job := e.done(e.beginReplay()); job.Skipped != 1 {
			e.t.Errorf("the replay skipped %d, want 1", job.Skipped)
		}
		if status, text := e.again(); status != fasthttp.StatusConflict || !strings.Contains(text, "body-gone") {
			e.t.Errorf("a retry: %d: %s, want 409 and body-gone", status, text)
		}
		close(goOn)
		e.done(erasure)
		e.nothingLeft()
	})
}

// TestAnErasureFindsTheCopyOfARetryThatHadReadBefore is the same for a single webhook.
func TestAnErasureFindsTheCopyOfARetryThatHadReadBefore(t *testing.T) {
	withErasing(t, func(e *erasing) {
		e.store.read = make(chan chan struct{})
		type answer struct {
			status int
			text   string
		}
		retried := make(chan answer, 1)
		go func() {
			status, text := e.again()
			retried <- answer{status, text}
		}()
		close(<-e.store.read) // of the front door, which looks whose it is
		goOn := <-e.store.read
		erasure := e.beginErasure()
		time.Sleep(time.Second)
		close(goOn)
		if a := <-retried; a.status != fasthttp.StatusAccepted {
			e.t.Errorf("the retry: %d: %s", a.status, a.text)
		}
		e.done(erasure)
		e.nothingLeft()
	})
}

// TestAnErasureRunAgainLooksAtWhatWasCopiedMeanwhile has an erasure that an earlier release was interrupted in, behind its look at
// what waits, go on when that has been copied.
func TestAnErasureRunAgainLooksAtWhatWasCopiedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &erasing{world: newWorld(t)}
		e.start()
		before := e.beginErasure() // of nothing: its file has the subject's digest
		e.done(before)
		over := e.postOne(`{"url":"http://nobody.example/","subject":"mallory","body":"dear mallory","send_at":"2000-01-01T05:00:00Z"}`)
		if status, text := e.ask("DELETE", "/v1/webhooks/"+over, "", nil); status >= 300 {
			t.Fatalf("cancelling: %d: %s", status, text)
		}
		if e.over = over; e.show(over).State != "cancelled" {
			t.Fatal("it is not over")
		}
		if status, text := e.again(); status != fasthttp.StatusAccepted {
			t.Fatalf("copying: %d: %s", status, text)
		}
		e.shutdown()
		dir := filepath.Join(e.conf.Data.Dir, "jobs")
		text, err := os.ReadFile(filepath.Join(dir, before+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var job map[string]any
		if err := json.Unmarshal(text, &job); err != nil {
			t.Fatal(err)
		}
		delete(job, "finished_at")
		job["id"], job["state"], job["position"] = "job_Z", "running", map[string]any{"cancelled": 0, "live": true}
		text, _ = json.Marshal(job) //nolint:errchkjson // it was JSON
		if err := os.WriteFile(filepath.Join(dir, "job_Z.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		e.start()
		e.done("job_Z")
		e.nothingLeft()
		e.close()
		if strings.Contains(e.log.String(), `"level":"error"`) {
			t.Errorf("the log: %s", &e.log)
		}
	})
}
