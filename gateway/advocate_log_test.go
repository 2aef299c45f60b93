package gateway_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// detailed is a delivery as it is shown alone, as far as Advocate's documentation describes it.
type detailed struct {
	ID, State, Type, Event, Subscription string
	CreatedAt                            time.Time `json:"created_at"`
	Payload                              struct{ Body string }
	Deliveries                           []struct {
		Subscription, State string
		Status              *int
	}
	Attempts []attempted
}

type attempted struct {
	At           time.Time
	DurationMs   int64 `json:"duration_ms"`
	Status       *int
	TimedOut     bool              `json:"timed_out"`
	ErrorClass   *string           `json:"error_class"`
	Headers      map[string]string `json:"response_headers"`
	ResponseBody string            `json:"response_body"`
}

// TestAdvocatesLogIsByTypeAndPeriodAndItsDetailSaysWhatHappened: of events of two types on two days, to two subscriptions one of which
// is ill at first.
func TestAdvocatesLogIsByTypeAndPeriodAndItsDetailSaysWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.scripted("well.example:80", func(ctx *fasthttp.RequestCtx) { ctx.SetBodyString("noted") })
		r := &receiver{answer: func(ctx *fasthttp.RequestCtx, n int) {
			switch n {
			case 1:
				time.Sleep(time.Minute) // beyond the policy's 30 s
			case 2:
				ctx.SetStatusCode(503)
				ctx.Response.Header.Set("Retry-After", "5")
				ctx.SetBodyString(strings.Repeat("x", 5000))
			}
		}}
		w.scripted("ill.example:80", r.handle)
		w.start()
		var well, ill shownSubscription
		for host, s := range map[string]*shownSubscription{"well": &well, "ill": &ill} {
			w.call("POST", "/v1/subscriptions", fmt.Sprintf(`{"url":"http://%s.example/","types":["coupon.created"],"policy":"advocate"}`, host), 201, s)
		}
		w.call("POST", "/v1/subscriptions", `{"url":"http://well.example/","types":["reward.created"]}`, 200, nil)
		first := time.Now().UTC()
		var coupon, reward shownEvent
		w.call("POST", "/v1/events", `{"type":"coupon.created","id":"cpn_1","data":{"code":"FRIEND10"}}`, 202, &coupon)
		time.Sleep(day)
		second := time.Now().UTC()
		w.call("POST", "/v1/events", `{"type":"reward.created","id":"rwd_1","data":{"code":"REWARD"}}`, 202, &reward)
		time.Sleep(time.Minute)

		ids := func(query string) (found []string) {
			for _, row := range w.logOf(query, "10") {
				found = append(found, row.ID)
			}
			slices.Sort(found)
			return found
		}
		webhooks := func(e shownEvent) (all []string) {
			for _, d := range e.Deliveries {
				all = append(all, d.Webhook)
			}
			return all
		}
		to := map[string]string{}
		for _, d := range coupon.Deliveries {
			to[d.Subscription] = d.Webhook
		}
		at := func(t time.Time) string { return t.Format(time.RFC3339) }
		for query, want := range map[string][]string{
			"":                    append(webhooks(coupon), webhooks(reward)...), // all types, by default
			"type=coupon.created": webhooks(coupon),
			"type=reward.created": webhooks(reward),
			"since=" + at(second): webhooks(reward),
			"until=" + at(second): webhooks(coupon),
			"type=reward.created&until=" + at(second):                                         nil,
			"type=coupon.created&since=" + at(first) + "&until=" + at(first.Add(2*time.Hour)): {to[well.ID]},
		} {
			slices.Sort(want)
			if got := ids(query); !slices.Equal(got, want) {
				t.Errorf("%q: %v, want %v", query, got, want)
			}
		}

		_, text := w.ask("GET", "/v1/webhooks/"+to[ill.ID]+"?include=payload", "", nil)
		var d detailed
		if err := json.Unmarshal(text, &d); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if d.Type != "coupon.created" || d.Event != "cpn_1" || d.CreatedAt.Sub(first).Abs() > time.Second || d.State != "delivered" ||
			!strings.Contains(d.Payload.Body, `"data":{"code":"FRIEND10"}`) || !strings.Contains(d.Payload.Body, `"id":"cpn_1"`) {
			t.Errorf("the delivery is shown as %s", text)
		}
		if len(d.Deliveries) != 2 || d.Deliveries[0].State != "delivered" || d.Deliveries[1].State != "delivered" ||
			d.Deliveries[0].Status == nil || *d.Deliveries[0].Status != 200 || d.Deliveries[0].Subscription == d.Deliveries[1].Subscription {
			t.Errorf("its event went to %+v", d.Deliveries)
		}
		d.Attempts = append(d.Attempts, make([]attempted, 3)...) // whatever there is
		slow, failed, taken := d.Attempts[0], d.Attempts[1], d.Attempts[2]
		if !slow.TimedOut || slow.Status != nil || slow.ErrorClass == nil || *slow.ErrorClass != "timeout" || slow.DurationMs != 30_000 ||
			slow.At.Sub(first).Abs() > time.Second {
			t.Errorf("the attempt that was not answered in time: %+v", slow)
		}
		if failed.TimedOut || failed.Status == nil || *failed.Status != 503 || failed.Headers["Retry-After"] != "5" || len(failed.ResponseBody) != 1024 ||
			failed.At.Sub(first).Round(time.Second) != time.Hour+30*time.Second { // after the attempt that ended half a minute later
			t.Errorf("the attempt that was refused: %+v", failed)
		}
		if taken.TimedOut || taken.Status == nil || *taken.Status != 200 || taken.At.Sub(first).Round(time.Second) != 2*time.Hour+30*time.Second {
			t.Errorf("the attempt that was taken: %+v", taken)
		}
		w.close()
	})
}
