package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
