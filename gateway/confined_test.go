package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// askAs makes a request with a token.
func (w *world) askAs(token, method, path, body string) (int, []byte) {
	w.t.Helper()
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(method)
	req.Header.Set("Authorization", "Bearer "+token)
	req.SetRequestURI("http://127.0.0.1" + path)
	if body != "" {
		req.SetBodyString(body)
	}
	if err := w.client.Do(req, resp); err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp.StatusCode(), bytes.Clone(resp.Body())
}

// callAs is call with a token.
func (w *world) callAs(token, method, path, body string, want int, answer any) {
	w.t.Helper()
	status, text := w.askAs(token, method, path, body)
	if status != want {
		w.t.Errorf("%s: %s %s: %d, want %d: %s", token, method, path, status, want, text)
		return
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			w.t.Errorf("%s: %s %s: %s: %v", token, method, path, text, err)
		}
	}
}

// tokens are some with every scope, named by what they are confined to.
func tokens(confined map[string]string) string {
	var b strings.Builder
	b.WriteString("tokens:\n")
	for name, to := range confined {
		fmt.Fprintf(&b, "  - {name: %s, sha256: %x, scopes: [send, read, read:body, admin]%s}\n", name, sha256.Sum256([]byte(name)), to)
	}
	return b.String()
}

// TestAnEventIsWithinTheConfinementOfItsToken: whoever is confined to hosts or flows cannot have one sent beyond them, and of
// another's sees what is within.
func TestAnEventIsWithinTheConfinementOfItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := tokens(map[string]string{"all": "", "shop": ", hosts: [shop.example]", "mine": ", flows: [mine]", "eu": ", tenant: eu"})
		w.file(&text)
		shop, other := w.endpoint("shop.example:80"), w.endpoint("other.example:80")
		w.start()
		var at [4]shownSubscription
		for i, url := range []string{"http://shop.example/", "http://other.example/", "http://shop.example/off", "http://other.example/off"} {
			w.callAs("all", "POST", "/v1/subscriptions", fmt.Sprintf(`{"url":%q,"policy":"default"}`, url), 201, &at[i])
		}
		for _, token := range []string{"shop", "mine"} {
			for path, body := range map[string]string{
				"/v1/events": `{"type":"a","data":1}`, "/v1/events?type=a": `x`,
			} {
				status, answer := w.askAs(token, "POST", path, body)
				if status != 403 || !strings.Contains(string(answer), "confined to hosts or flows") {
					t.Errorf("%s publishes with %s: %d %s", token, path, status, answer)
				}
			}
		}
		var published, seen shownEvent
		w.callAs("all", "POST", "/v1/events", `{"type":"a","id":"e1","data":1}`, 202, &published)
		time.Sleep(time.Second)
		if len(shop.bodies()) != 2 || len(other.bodies()) != 2 || len(published.Deliveries) != 4 {
			t.Fatalf("%d and %d arrived of %+v", len(shop.bodies()), len(other.bodies()), published)
		}
		var within []string
		for _, d := range published.Deliveries {
			if d.Subscription == at[0].ID || d.Subscription == at[2].ID {
				within = append(within, d.Webhook)
			}
		}
		for token, want := range map[string][]string{"shop": within, "mine": nil} {
			w.callAs(token, "GET", "/v1/events/e1", "", 200, &seen)
			var got []string
			for _, d := range seen.Deliveries {
				got = append(got, d.Webhook)
			}
			if !slices.Equal(got, want) || seen.Matched != 4 {
				t.Errorf("%s sees %v of %d, want %v", token, got, seen.Matched, want)
			}
		}
		// Page by page it is the same.
		var got []string
		for cursor, pages := "", 0; pages < 5; pages++ {
			var page struct {
				shownEvent
				Next *string
			}
			w.callAs("shop", "GET", "/v1/events/e1?limit=1&cursor="+cursor, "", 200, &page)
			for _, d := range page.Deliveries {
				got = append(got, d.Webhook)
			}
			if page.Next == nil {
				break
			}
			cursor = *page.Next
		}
		if !slices.Equal(got, within) {
			t.Errorf("page by page shop sees %v, want %v", got, within)
		}
		w.callAs("eu", "GET", "/v1/events/e1", "", 404, nil)
		w.close()
	})
}

// TestAJobShowsToItsTenantOnly, and what is of a part of a tenant to who is in it.
func TestAJobShowsToItsTenantOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := tokens(map[string]string{
			"all": "", "eu": ", tenant: eu", "us": ", tenant: us", "both": ", tenants: [eu, us]",
			"spring": ", tenant: eu, flows: [spring]", "autumn": ", tenant: eu, flows: [autumn]", "host": ", tenant: eu, hosts: [a.example]",
		})
		w.file(&text)
		w.start()
		everybody := []string{"all", "eu", "us", "both", "spring", "autumn", "host"}
		seen := func(id string, by ...string) {
			t.Helper()
			for _, token := range everybody {
				want := 404
				if slices.Contains(by, token) {
					want = 200
				}
				w.callAs(token, "GET", "/v1/jobs/"+id, "", want, nil)
				_, list := w.askAs(token, "GET", "/v1/jobs", "")
				if strings.Contains(string(list), id) != (want == 200) {
					t.Errorf("%s is shown %s", token, list)
				}
				if want == 404 {
					w.callAs(token, "DELETE", "/v1/jobs/"+id, "", want, nil)
				}
			}
		}
		var job struct{ ID, Tenant, Flow string }
		w.callAs("all", "POST", "/v1/replays", `{"filter":{"state":"failed"}}`, 202, &job)
		seen(job.ID, "all")
		w.callAs("all", "POST", "/v1/replays", `{"filter":{"state":"failed","tenant":"us"}}`, 202, &job)
		seen(job.ID, "all", "us", "both")
		w.callAs("both", "POST", "/v1/replays", `{"filter":{"state":"failed"}}`, 400, nil)
		w.callAs("both", "POST", "/v1/replays", `{"filter":{"state":"failed","tenant":"eu"}}`, 202, &job)
		seen(job.ID, "all", "eu", "both")
		w.callAs("both", "POST", "/v1/erasures", `{"subject":"ada"}`, 400, nil)
		w.callAs("us", "POST", "/v1/erasures", `{"subject":"ada"}`, 202, &job)
		seen(job.ID, "all", "us", "both")
		w.callAs("host", "POST", "/v1/flows/spring/cancel", "", 403, nil)
		w.callAs("host", "POST", "/v1/flows/spring/pause", "", 403, nil)
		w.callAs("spring", "POST", "/v1/flows/autumn/cancel", "", 404, nil)
		w.callAs("spring", "POST", "/v1/flows/spring/cancel", "", 202, &job)
		if job.Flow != "spring" || job.Tenant != "eu" {
			t.Errorf("a flow's cancellation is %+v", job)
		}
		seen(job.ID, "all", "eu", "both", "spring")
		time.Sleep(time.Minute)
		w.close()
	})
}
