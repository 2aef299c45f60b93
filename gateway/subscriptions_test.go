package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// endpoint is a destination that notes what it gets.
type endpoint struct {
	mu     sync.Mutex
	status int
	got    []received
}

type received struct {
	at      time.Time
	headers map[string]string
	body    string
}

func (w *world) endpoint(addr string) *endpoint {
	e := &endpoint{status: 200}
	w.scripted(addr, func(ctx *fasthttp.RequestCtx) {
		e.mu.Lock()
		defer e.mu.Unlock()
		one := received{at: time.Now(), headers: map[string]string{}, body: string(ctx.PostBody())}
		for k, v := range ctx.Request.Header.All() {
			one.headers[strings.ToLower(string(k))] = string(v)
		}
		e.got = append(e.got, one)
		ctx.SetStatusCode(e.status)
		ctx.SetBodyString("noted")
	})
	return e
}

func (e *endpoint) answers(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = status
}

// mostPerSecond is how many requests came within a second, behind the first ones, at most.
func (e *endpoint) mostPerSecond(after int) (most int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	got := e.got[after:]
	for first, next := 0, 0; next < len(got); next++ {
		for got[next].at.Sub(got[first].at) >= time.Second {
			first++
		}
		most = max(most, next-first+1)
	}
	return most
}

func (e *endpoint) bodies() (all []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.got {
		all = append(all, r.body)
	}
	return all
}

// call makes a request of JSON, wants a status, and reads the answer.
func (w *world) call(method, path, body string, want int, answer any) {
	w.t.Helper()
	var content []byte
	if body != "" {
		content = []byte(body)
	}
	status, text := w.ask(method, path, "application/json", content)
	if status != want {
		w.t.Fatalf("%s %s: %d, want %d: %s", method, path, status, want, text)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			w.t.Fatalf("%s %s: %s: %v", method, path, text, err)
		}
	}
}

type shownSubscription struct {
	ID, Secret string
	Enabled    bool
	Types      []string
	Disabled   *struct{ Since, Reason, By, Pending string }
	Secrets    []struct{ Until *string }
}

type shownEvent struct {
	ID         string
	Matched    int
	Deliveries []struct {
		Subscription, Webhook, State string
		Tries                        int
		Status                       *int
	}
}

const senders = `
policies:
  pulse: {extends: chariow, schemes: [http, https]}
  loyalty: {extends: advocate, sign: []}
  github-like: {extends: github, schemes: [http, https]}
  stripe-like: {extends: stripe, schemes: [http, https]}
  shopify-like: {extends: shopify, schemes: [http, https]}
`

// TestAnEventReachesExactlyWhoWantsItByteForByte publishes what senders publish, in the forms in which they do.
func TestAnEventReachesExactlyWhoWantsItByteForByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := senders
		w.file(&text)
		shop, loyal, standard := w.endpoint("shop.example:80"), w.endpoint("loyal.example:80"), w.endpoint("standard.example:80")
		w.start()
		w.call("POST", "/v1/subscriptions", `{"url":"http://shop.example/pulse","types":["successful.sale","license.*"],"products":["prd_1"],"policy":"pulse"}`, 201, nil)
		w.call("POST", "/v1/subscriptions", `{"url":"http://loyal.example/hook","types":["*"],"policy":"loyalty","filter":"type startsWith \"user.\""}`, 201, nil)
		w.call("POST", "/v1/subscriptions", `{"url":"http://standard.example/","types":["user.created"],"policy":"default","headers":{"X-Own":"1"}}`, 201, nil)

		sale := "{\"event\":\"successful.sale\", \"sale\":{\"id\":\"sal_1\",\"amount\":10.50},\"name\":\"caf\\u00e9 \\/\"}\r\n"
		var published shownEvent
		w.call("POST", "/v1/events?type=successful.sale&product=prd_1&id=sal_1", sale, 202, &published)
		if published.ID != "sal_1" || published.Matched != 1 {
			t.Errorf("a sale of the product: %+v", published)
		}
		w.call("POST", "/v1/events?type=successful.sale&product=prd_2", sale, 202, &published)
		if published.Matched != 0 {
			t.Errorf("a sale of another product: %+v", published)
		}
		w.call("POST", "/v1/events?type=affiliate.joined", `{"event":"affiliate.joined"}`, 202, &published)
		if published.Matched != 0 {
			t.Errorf("an event of no product: %+v", published)
		}
		license := `{"event":"license.issued","license":{"id":"lic_1"}}`
		w.call("POST", "/v1/events?type=license.issued&product=prd_1", license, 202, nil)
		w.call("POST", "/v1/events", `{"events":[
			{"type":"user.created","id":"evt_u","data":{"email":"a@example.com", "n":9007199254740993},"created":1483390853520},
			{"type":"order.paid","data":{}}, {"type":""}]}`, 207, nil)
		time.Sleep(time.Second)

		if got := shop.bodies(); !slices.Equal(got, []string{sale, license}) && !slices.Equal(got, []string{license, sale}) {
			t.Errorf("the shop got %q", got)
		}
		want := `{"id":"evt_u","type":"user.created","tenantAlias":"default","live":true,"created":1483390853520,` +
			`"data":{"email":"a@example.com", "n":9007199254740993}}`
		if got := loyal.bodies(); !slices.Equal(got, []string{want}) {
			t.Errorf("the loyalty programme got %q, want %q", got, want)
		}
		if got := standard.got; len(got) != 1 || got[0].body != `{"email":"a@example.com", "n":9007199254740993}` ||
			got[0].headers["x-own"] != "1" || got[0].headers["content-type"] != "application/json" {
			t.Errorf("the third got %+v", got)
		}
		var shown shownEvent
		w.call("GET", "/v1/events/evt_u", "", 200, &shown)
		if len(shown.Deliveries) != 2 || shown.Deliveries[0].State != "delivered" || *shown.Deliveries[1].Status != 200 {
			t.Errorf("the event is shown as %+v", shown)
		}
		var one shownEvent
		w.call("GET", "/v1/webhooks/"+shown.Deliveries[1].Webhook, "", 200, &one)
		if !reflect.DeepEqual(one.Deliveries, shown.Deliveries) {
			t.Errorf("one of its deliveries is shown beside %+v, want %+v", one.Deliveries, shown.Deliveries)
		}
		w.call("GET", "/v1/events/sal_1", "", 200, &shown)
		w.call("GET", "/v1/events/sal_9", "", 404, nil)
		w.call("GET", "/v1/events/sal_1?tenant=other", "", 404, nil)
		w.close()
	})
}

// TestAdvocateDisablesAtExactlyItsCountsAndWhatWaitsGoesAtThePaceWhenItIsEnabled has an endpoint answer as many errors of a
// class as Advocate puts up with. Over a restart what waits stays held; enabled, all of it arrives.
func TestAdvocateDisablesAtExactlyItsCountsAndWhatWaitsGoesAtThePaceWhenItIsEnabled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, bound int
		reason        string
		restarts      bool
	}{
		{404, 1000, "1000 answers of 4xx", true},
		{500, 2000, "2000 answers of 5xx", false},
		{302, 2000, "2000 answers of 3xx", false},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { disables(t, c.status, c.bound, c.reason, c.restarts) })
		})
	}
}

func disables(t *testing.T, status, bound int, reason string, restarts bool) {
	const pace, more = 50, 100
	w := newWorld(t)
	text := fmt.Sprintf("policies: {loyalty: {extends: advocate, sign: []}}\nlimits: {hosts: [{match: in.example, fixed: %d/s, concurrency: {start: 1, max: 1}}]}\nbreaker: {min_requests: 10000}\n", pace)
	w.file(&text)
	e := w.endpoint("in.example:80")
	e.answers(status)
	w.start()
	var s shownSubscription
	w.call("POST", "/v1/subscriptions", `{"url":"http://in.example/","policy":"loyalty"}`, 201, &s)
	var lines bytes.Buffer
	for n := range bound + more {
		fmt.Fprintf(&lines, `{"type":"coupon.created","data":{"n":%d}}`+"\n", n)
	}
	if status, answer := w.ask("POST", "/v1/events", "application/x-ndjson", lines.Bytes()); status != 202 {
		t.Fatalf("%d: %s", status, answer)
	}
	time.Sleep(2 * time.Minute)
	if n := len(e.bodies()); n != bound {
		t.Errorf("%d attempts were made, want %d", n, bound)
	}
	w.call("GET", "/v1/subscriptions/"+s.ID, "", 200, &s)
	if s.Enabled || s.Disabled == nil || s.Disabled.Reason != reason || s.Disabled.By != "policy" || s.Disabled.Pending != "held" {
		t.Fatalf("after %d answers of %d it is %+v, %+v", bound, status, s, s.Disabled)
	}
	var meanwhile shownEvent
	w.call("POST", "/v1/events", `{"type":"coupon.created","data":"while it is disabled"}`, 202, &meanwhile)
	if restarts {
		w.shutdown()
		w.start()
	}
	time.Sleep(2 * time.Hour) // beyond the time at which what failed is due again
	if n := len(e.bodies()); n != bound {
		t.Errorf("%d attempts were made by two hours later, want none beyond the %d", n, bound)
	}
	if shown := w.show(meanwhile.Deliveries[0].Webhook); shown.State != "pending" || shown.Waiting.Reason != "held" {
		t.Errorf("what was published meanwhile is %+v", shown)
	}
	e.answers(200)
	w.call("PATCH", "/v1/subscriptions/"+s.ID, `{"enabled":true}`, 200, &s)
	time.Sleep(2 * time.Minute)
	if n := len(e.bodies()); n != bound+bound+more+1 {
		t.Errorf("%d attempts by two minutes after it was enabled, want all %d that were held, each once", n, bound+more+1)
	}
	if most := e.mostPerSecond(bound); most > pace+1 {
		t.Errorf("%d of what was held came within a second, and the pace is %d", most, pace)
	}
	w.close()
}

// TestASubscriptionIsTriedOutRotatedAndDeleted is its owner's day.
func TestASubscriptionIsTriedOutRotatedAndDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := senders
		w.file(&text)
		e := w.endpoint("in.example:80")
		w.start()
		var s, again, rotated shownSubscription
		w.call("POST", "/v1/subscriptions", `{"url":"http://in.example/","types":["a"],"policy":"pulse"}`, 201, &s)
		if !strings.HasPrefix(s.Secret, "whsec_") || !s.Enabled {
			t.Errorf("created: %+v", s)
		}
		w.call("POST", "/v1/subscriptions", `{"url":"http://in.example/","types":["b"]}`, 200, &again)
		if again.ID != s.ID || again.Secret != "" || !slices.Equal(again.Types, []string{"a", "b"}) {
			t.Errorf("the same URL again: %+v", again)
		}
		var problem struct{ Detail string }
		w.call("POST", "/v1/subscriptions", `{"url":"http://in.example/other","policy":"chariow"}`, 400, &problem)
		if !strings.Contains(problem.Detail, "https only") {
			t.Errorf("plain HTTP under an HTTPS policy: %s", problem.Detail)
		}
		var tested struct {
			Event   string
			Attempt struct {
				Status       int
				ResponseBody string `json:"response_body"`
			}
		}
		w.call("POST", "/v1/subscriptions/"+s.ID+"/test", "", 200, &tested)
		if tested.Attempt.Status != 200 || tested.Attempt.ResponseBody != "noted" || len(e.bodies()) != 1 {
			t.Errorf("a test: %+v, and %d requests arrived", tested, len(e.bodies()))
		}
		w.call("POST", "/v1/subscriptions/"+s.ID+"/rotate-secret", `{"overlap":"1h"}`, 200, &rotated)
		if !strings.HasPrefix(rotated.Secret, "whsec_") || rotated.Secret == s.Secret || len(rotated.Secrets) != 2 || rotated.Secrets[1].Until == nil {
			t.Errorf("rotated: %+v", rotated)
		}
		var event shownEvent
		w.call("POST", "/v1/events", `{"type":"a","id":"1","data":{"n":1}}`, 202, &event)
		w.call("POST", "/v1/events", `{"type":"a","id":"1","data":{"n":1}}`, 202, &event)
		w.call("POST", "/v1/events", `{"type":"a","id":"1","data":{"n":2}}`, 409, nil)
		time.Sleep(time.Second)
		if n := len(e.bodies()); n != 2 {
			t.Errorf("%d requests arrived, want the test and one event", n)
		}
		w.call("PATCH", "/v1/subscriptions/"+s.ID, `{"enabled":false}`, 200, &s)
		w.call("POST", "/v1/events", `{"type":"a","id":"2","data":{}}`, 202, &event)
		w.call("DELETE", "/v1/subscriptions/"+s.ID, "", 204, nil)
		time.Sleep(time.Second)
		if got := w.show(event.Deliveries[0].Webhook); got.State != "cancelled" {
			t.Errorf("what waited for the deleted one is %+v", got)
		}
		w.call("GET", "/v1/subscriptions/"+s.ID, "", 404, nil)
		w.call("POST", "/v1/events", `{"type":"a","data":{}}`, 202, &event)
		if event.Matched != 0 || len(e.bodies()) != 2 {
			t.Errorf("after it was deleted: %+v, %d requests", event, len(e.bodies()))
		}
		w.close()
	})
}
