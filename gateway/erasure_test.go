package gateway_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// TestErasedSubjectIsNowhereInHistory looks for what was said of somebody in every file of history.
func TestErasedSubjectIsNowhereInHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.scripted("a.example:80", func(ctx *fasthttp.RequestCtx) { ctx.SetBody(ctx.Path()) })
		w.start()
		about := func(subject, url string) string {
			return w.postOne(`{"url":"` + url + `","subject":"` + subject + `","body":"dear mallory-4711","metadata":{"who":"mallory-4711"}}`)
		}
		over := about("mallory", "http://a.example/mallory-4711")
		waits := w.postOne(`{"url":"http://a.example/w","subject":"mallory","body":"mallory-4711","send_at":"2000-01-01T05:00:00Z"}`)
		trent := w.postOne(`{"url":"http://a.example/t","subject":"trent","body":"dear trent-0815"}`)
		trentWaits := w.postOne(`{"url":"http://a.example/t","subject":"trent","send_at":"2000-01-01T05:00:00Z"}`)
		time.Sleep(time.Minute)
		if job := w.runJob("/v1/erasures", `{"subject":"mallory"}`); job.State != "done" || job.Done != 2 {
			t.Errorf("the job ended as %+v", job)
		}
		for id, want := range map[string]string{over: "delivered", waits: "cancelled", trent: "delivered", trentWaits: "pending"} {
			if got := w.show(id).State; got != want {
				t.Errorf("%s is %s, want %s", id, got, want)
			}
			if text := string(w.text(id)); strings.Contains(text, "mallory") {
				t.Errorf("shown as %s", text)
			}
		}
		if _, text := w.ask("GET", "/v1/webhooks/"+trent+"?include=payload", "", nil); !bytes.Contains(text, []byte("trent-0815")) {
			t.Errorf("another's is shown as %s", text)
		}
		for body, want := range map[string]string{`{}`: "neither subject nor tenant", `{"who":"x"}`: "unknown field"} {
			if status, text := w.ask("POST", "/v1/erasures", "", []byte(body)); status != 400 || !strings.Contains(string(text), want) {
				t.Errorf("%s: %d %s", body, status, text)
			}
		}
		w.close()
		err := filepath.WalkDir(filepath.Join(w.conf.Data.Dir, "history"), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if bytes.Contains(b, []byte("mallory")) {
				t.Errorf("%s still says it", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
