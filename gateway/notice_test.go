package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPeopleAreToldOnceOfWhatShouldNotGoOnUnseen has an endpoint disabled, a tenant's calls fail, a host stay down, and
// webhooks wait; each is told of by a webhook to the operator, and no more than once.
func TestPeopleAreToldOnceOfWhatShouldNotGoOnUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := `
policies:
  gone: {extends: standard-webhooks, sign: [], timeout: 5s}
notices: {url: "http://ops.example/hook", errors: 300, oldest_waiting: 2h}
`
		w.file(&text)
		ops, gone := w.endpoint("ops.example:80"), w.endpoint("gone.example:80")
		gone.answers(410)
		missing := w.endpoint("missing.example:80")
		missing.answers(500)
		w.start()
		var s shownSubscription
		w.call("POST", "/v1/subscriptions", `{"url":"http://gone.example/","policy":"gone","name":"old shop"}`, 201, &s)
		w.call("POST", "/v1/events", `{"type":"a","data":1}`, 202, nil)
		time.Sleep(time.Minute)
		told := func() map[string]int {
			kinds := map[string]int{}
			for _, body := range ops.bodies() {
				var n struct {
					Type, Timestamp, Text string
					Data                  map[string]any
				}
				if err := json.Unmarshal([]byte(body), &n); err != nil || n.Timestamp == "" || n.Text == "" || len(n.Data) == 0 {
					t.Errorf("a notice is %s (%v)", body, err)
				}
				kinds[n.Type]++
			}
			return kinds
		}
		if got := told(); got["sluice.subscription.disabled"] != 1 || !strings.Contains(ops.bodies()[0], s.ID) {
			t.Errorf("after a subscription was disabled: %v: %v", got, ops.bodies())
		}
		var lines strings.Builder
		for n := range 400 {
			fmt.Fprintf(&lines, `{"url":"http://missing.example/%d"}`+"\n", n)
		}
		if status, answer := w.ask("POST", "/v1/webhooks", "application/x-ndjson", []byte(lines.String())); status != 202 {
			t.Fatalf("%d: %s", status, answer)
		}
		time.Sleep(150 * time.Minute)
		got := told()
		if got["sluice.breaker.open"] < 1 || got["sluice.oldest.waiting"] < 1 || got["sluice.subscription.disabled"] != 1 {
			t.Errorf("after two and a half hours of a host that fails: %v", got)
		}
		time.Sleep(20 * time.Hour)
		if got := told(); got["sluice.tenant.errors"] > 1 || got["sluice.oldest.waiting"] > 24 {
			t.Errorf("within a day: %v", got)
		}
		w.close()
	})
}
