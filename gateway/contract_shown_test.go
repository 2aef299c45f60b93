package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/bench/destination/server"
	"github.com/sluice-gateway/sluice/configs"
)

// TestWhatABusyGatewayShowsIsInItsContract has destinations that limit, fail and are gone, lanes by credential, flows and
// subscriptions that are held, and holds all that is shown of them against the document, which allows nothing more.
func TestWhatABusyGatewayShowsIsInItsContract(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var by configs.By
		if err := by.UnmarshalText([]byte("authorization")); err != nil {
			t.Fatal(err)
		}
		w.conf.Limits.Hosts = []configs.Host{{Match: "broken.example", By: by}, {Match: "told.example", Windows: []configs.Window{{N: 1000, Per: time.Hour}}}}
		w.destination("limited.example:80", server.Config{
			Limiter: destination.Spec{Algorithm: destination.Fixed, Limit: 3, Per: time.Minute}, Headers: destination.Draft8,
		})
		w.destination("refuses.example:80", server.Config{
			Limiter: destination.Spec{Algorithm: destination.Fixed, Limit: 1, Per: 10 * time.Minute}, Headers: destination.RetryAfterOnly,
		})
		w.destination("broken.example:80", server.Config{Status: 500})
		w.destination("told.example:80", server.Config{})
		w.start()
		c := readContract(t, w)
		var ids []string
		post := func(host string, n int, rest string) {
			t.Helper()
			for i := range n {
				ids = append(ids, c.made("/v1/webhooks", fmt.Sprintf(`{"url":"http://%s/%d","body":{"n":%d}%s}`, host, i, i, rest)))
			}
		}
		post("limited.example", 6, `,"flow":"spring","metadata":{"a":"1"},"type":"mail","priority":"low"`)
		post("refuses.example", 3, `,"ordering_key":"k","expires_at":"2000-01-02T00:00:00Z","expire_early":true`)
		post("broken.example", 30, `,"headers":[["Authorization","Bearer one"]],"tenant":"eu"`)
		post("broken.example", 5, `,"headers":{"Authorization":["Bearer two"]},"tenant":"us","flow":"held"`)
		post("gone.example", 3, `,"body_base64":null`)
		post("told.example", 2, `,"send_at":"2000-01-01T06:00:00Z","message_variation_id":"v1"`)
		c.call("POST", "/v1/flows/held/pause?tenant=us", "", "", true)
		c.call("POST", "/v1/hosts/"+url.PathEscape("told.example:80")+"/pause", "", "", true)

		open := c.made("/v1/subscriptions", `{"url":"http://limited.example/in","types":["order.*"],"products":["p1"],"headers":{"X-A":"b"},"metadata":{"a":"b"},"policy":"braze"}`)
		shut := c.made("/v1/subscriptions", `{"url":"http://broken.example/in","enabled":false,"filter":"data.n > 1"}`)
		c.call("POST", "/v1/subscriptions/"+open+"/rotate-secret", "application/json", `{"overlap":"1h"}`, true)
		c.call("PATCH", "/v1/subscriptions/"+open, "application/json", `{"name":"orders","products":null}`, true)
		c.made("/v1/events", `{"type":"order.paid","id":"e1","data":{"n":2},"products":["p1"],"subject":"s"}`)
		if status, answer := c.call("POST", "/v1/events", "application/json", `{"events":[{"type":"order.paid","data":{"n":3}},{"type":""}]}`, true); status != 207 {
			t.Errorf("two events, of which one is none: %d %s", status, answer)
		}
		for range 3 {
			time.Sleep(20 * time.Second)
			for _, path := range []string{
				"/v1/hosts", "/v1/flows", "/v1/jobs", "/v1/webhooks?limit=100", "/v1/webhooks?state=failed", "/v1/subscriptions", "/v1/subscriptions/" + open,
				"/v1/subscriptions/" + shut, "/v1/events/e1", "/v1/flows/spring", "/v1/flows/held?tenant=us",
			} {
				if status, answer := c.call("GET", path, "", "", true); status != 200 {
					t.Errorf("%s: %d %s", path, status, answer)
				}
			}
			shown := ""
			for _, host := range []string{"limited.example:80", "refuses.example:80", "broken.example:80", "gone.example:80", "told.example:80"} {
				status, answer := c.call("GET", "/v1/hosts/"+url.PathEscape(host), "", "", true)
				if status != 200 {
					t.Errorf("%s: %d %s", host, status, answer)
				}
				shown += string(answer)
			}
			for _, part := range []string{`"transitions":[{`, `"parts":[{`, `"windows":[{`, `"flows":[{`, `"pause_cause":"`} {
				if !strings.Contains(shown, part) {
					t.Errorf("no host shows %s: what is not shown is not tried", part)
				}
			}
			for _, id := range ids {
				if status, answer := c.call("GET", "/v1/webhooks/"+id+"?include=payload", "", "", true); status != 200 {
					t.Errorf("%s: %d %s", id, status, answer)
				}
			}
		}
		c.call("POST", "/v1/replays", "application/json", `{"filter":{"state":"failed","status":500},"dry_run":true}`, true)
		for _, job := range []string{
			c.made("/v1/replays", `{"filter":{"tenant":"eu","state":"failed"}}`), c.made("/v1/erasures", `{"tenant":"us"}`), c.made("/v1/flows/spring/cancel", ""),
		} {
			time.Sleep(time.Second)
			c.call("GET", "/v1/jobs/"+job, "", "", true)
		}
		for _, id := range ids[:12] {
			c.call("POST", "/v1/webhooks/"+id+"/retry", "", "", true)
			c.call("DELETE", "/v1/webhooks/"+id, "", "", true)
			c.call("GET", "/v1/webhooks/"+id, "", "", true)
		}
		var page struct{ Deliveries []struct{ Webhook string } }
		_, answer := c.call("GET", "/v1/events/e1", "", "", true)
		if err := json.Unmarshal(answer, &page); err != nil || len(page.Deliveries) == 0 {
			t.Fatalf("no delivery is shown: %s", answer)
		}
		c.call("GET", "/v1/webhooks/"+page.Deliveries[0].Webhook, "", "", true)
		w.close()
	})
}
