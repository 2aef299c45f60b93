package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/configs"
)

// TestABacklogOutlivesItsCredential has a destination that refuses a key from one moment to the next, and a hundred
// webhooks that name it.
func TestABacklogOutlivesItsCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(key, []byte("s3cret-old"), 0o600); err != nil {
			t.Fatal(err)
		}
		var refused, delivered atomic.Int64
		w.scripted("api.example:80", func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Request.Header.Peek("X-Key")) != "s3cret-new" {
				refused.Add(1)
				ctx.SetStatusCode(401)
				return
			}
			delivered.Add(1)
		})
		w.conf.Credentials = configs.Credentials{"crm": {Hosts: []string{"api.example"}, Header: "X-Key", ValueFile: key}}
		w.start()

		var b strings.Builder
		for range 100 {
			fmt.Fprintln(&b, `{"url":"http://api.example/","credential":"crm","body":"x"}`)
		}
		status, text := w.ask("POST", "/v1/webhooks", "application/x-ndjson", []byte(b.String()))
		if status != 202 {
			t.Fatalf("%d: %s", status, text)
		}
		time.Sleep(10 * time.Minute)
		if n := refused.Load(); n < 10 || n > 45 {
			t.Errorf("%d calls were refused in ten minutes, want one each half minute after those at first under way", n)
		}
		if err := os.WriteFile(key, []byte("s3cret-new"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if n := delivered.Load(); n != 100 {
			t.Errorf("%d of 100 were delivered once the key was replaced", n)
		}
		w.close()
		log := w.log.String()
		if strings.Count(log, "a credential does not work") != 1 || strings.Count(log, "a credential works again") != 1 ||
			strings.Contains(log, "s3cret") {
			t.Errorf("the log tells otherwise than once each, or of the key:\n%s", log)
		}
	})
}

func TestTheDoorRefusesCredentialsThatAreUnknownOrForOtherHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(key, []byte("s3cret"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.conf.Credentials = configs.Credentials{
			"crm": {Hosts: []string{"api.example"}, ValueFile: key},
			"eu":  {Hosts: []string{"api.example"}, ValueFile: key, Tenants: []string{"eu"}},
		}
		w.start()
		defer w.close()
		for text, says := range map[string]string{
			`{"url":"http://api.example/","credential":"crn"}`:                                        "want one of crm",
			`{"url":"http://api.example/","credential":"eu"}`:                                         "want one of crm",
			`{"url":"http://other.example/","credential":"crm"}`:                                      "is not for host other.example:80",
			`{"url":"http://api.example/","credential":"crm","headers":{"authorization":"Bearer x"}}`: "is the value of header Authorization, which is given too",
			`{"url":"http://api.example/","credential":7}`:                                            "/credential",
		} {
			if status, answer := w.ask("POST", "/v1/webhooks", "application/json", []byte(text)); status != 400 ||
				!strings.Contains(string(answer), says) {
				t.Errorf("%s: %d %s, want %q", text, status, answer, says)
			}
		}
		if status, answer := w.ask("POST", "/v1/webhooks", "application/json",
			[]byte(`{"url":"http://api.example/","credential":"eu","tenant":"eu"}`)); status != 202 {
			t.Errorf("%d %s", status, answer)
		}
	})
}

// TestATestShowsWhatItsCredentialIsWorth: the value goes to the destination, a fresh one after a 401, and into no answer.
func TestATestShowsWhatItsCredentialIsWorth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key := filepath.Join(t.TempDir(), "key")
		write := func(value string) {
			if err := os.WriteFile(key, []byte(value), 0o600); err != nil {
				t.Error(err)
			}
		}
		write("s3cret-old")
		var mu sync.Mutex
		var calls []string
		accepted, next := "s3cret-old", ""
		w.scripted("api.example:80", func(ctx *fasthttp.RequestCtx) {
			value := string(ctx.Request.Header.Peek("X-Key"))
			mu.Lock()
			defer mu.Unlock()
			if calls = append(calls, value); value != accepted {
				ctx.SetStatusCode(401)
				ctx.SetBodyString("who are you?")
				if next != "" { // someone replaces the file at this very moment
					write(next)
				}
			}
		})
		w.conf.Credentials = configs.Credentials{"crm": {Hosts: []string{"api.example"}, Header: "X-Key", ValueFile: key}}
		w.start()
		arrived := func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(calls)
		}
		takes := func(now, then string) {
			mu.Lock()
			defer mu.Unlock()
			accepted, next, calls = now, then, nil
		}
		try := func(status int, outcome, class string, sent ...string) {
			t.Helper()
			resp, o, _ := w.prefer("/v1/webhooks/test", "", `{"url":"http://api.example/","credential":"crm"}`)
			got := 0
			if o.Response != nil {
				got = o.Response.Status
			}
			if resp.StatusCode() != 200 || got != status || o.Outcome != outcome || o.ErrorClass != class || !slices.Equal(arrived(), sent) {
				t.Errorf("%d %s; %q arrived, want %q", resp.StatusCode(), resp.Body(), arrived(), sent)
			}
			if strings.Contains(string(resp.Body()), "s3cret") {
				t.Errorf("the answer shows the credential: %s", resp.Body())
			}
		}
		try(200, "delivered", "", "s3cret-old")
		takes("s3cret-new", "s3cret-new")
		try(200, "delivered", "", "s3cret-old", "s3cret-new")
		takes("s3cret-third", "")
		try(401, "throttled", "credential", "s3cret-new")
		takes("", "")
		w.post("http://api.example/", 1)
		time.Sleep(time.Second)
		if got := arrived(); !slices.Equal(got, []string{""}) {
			t.Errorf("a test whose credential does not work holds the lane back: %q arrived", got)
		}
		w.close()
		if strings.Contains(w.log.String(), "s3cret") {
			t.Errorf("the log tells of the key:\n%s", w.log.String())
		}
	})
}
