package gateway_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
)

// payload is what a sender posts: its type, and its bytes.
type payload struct{ policy, contentType, body string }

// payloads have the shapes that GitHub, Stripe and Shopify document, with what a careless hand would change: names that are not
// in order, or there twice, numbers that no float holds or that end in zeros, escapes that need not be, characters that need
// none, spaces, tabs, line ends.
var payloads = map[string]payload{
	"github-ping": {"github-like", "application/json", "{\n  \"zen\": \"Keep it logically awesome.\",\n  \"hook_id\": 109948940,\n" +
		"  \"hook\": {\"type\": \"Repository\", \"active\": true, \"events\": [\"*\"],\n    \"config\": {\"insecure_ssl\": \"0\", \"url\": \"https:\\/\\/example.com\\/webhook\"}}\n}"},
	"github-push": {"github-like", "application/json", `{"ref":"refs/heads/main","before":"0000000000000000000000000000000000000000","created":true,"base_ref":null,` +
		`"commits":[{"id":"7638417d","distinct":true,"message":"Fix caf\u00e9 \ud83d\ude80 & <b>\n\nCo-authored-by: Zoë 👩‍💻","timestamp":"2026-03-01T12:00:00+01:00",` +
		`"author":{"name":"Ève \"E\" O'Neil","email":"eve@example.com"},"added":[],"removed":[],"modified":["docs/ü.md"]}],"head_commit":null,` +
		`"repository":{"id":9223372036854775807,"size":0,"pushed_at":1772366400,"created_at":1772366400,"private":false,"license":null}}`},
	"github-form": {"github-like", "application/x-www-form-urlencoded", "payload=%7B%22zen%22%3A%22Anything+added+dilutes+everything+else.%22%2C%22hook_id%22%3A1%7D"},
	"stripe-event": {"stripe-like", "application/json; charset=utf-8", "{\n  \"id\": \"evt_1NG8Du2eZvKYlo2CUI79vXWy\",\n  \"object\": \"event\",\n" +
		"  \"api_version\": \"2019-02-19\",\n  \"created\": 1686089970,\n  \"data\": {\n    \"object\": {\n      \"id\": \"pi_1\",\n      \"amount\": 1099,\n" +
		"      \"fee\": 1.10,\n      \"rate\": 1e3,\n      \"exact\": 0.1000000000000000055511151231257827,\n      \"metadata\": {},\n      \"last\": null,\n" +
		"      \"description\": \"\\u0026 \\u2028 50% \\\\ off\"\n    },\n    \"previous_attributes\": {\"metadata\": {\"z\": \"1\", \"a\": \"2\"}}\n  },\n" +
		"  \"livemode\": false,\n  \"pending_webhooks\": 0,\n  \"request\": {\"id\": null, \"idempotency_key\": null},\n  \"type\": \"payment_intent.succeeded\"\n}\n"},
	"shopify-order": {"shopify-like", "application/json", `{"id":820982911946154508,"admin_graphql_api_id":"gid:\/\/shopify\/Order\/820982911946154508",` +
		`"total_price":"368.00","total_weight":0.0,"note":"<script>\u003c\/script> é` + "\u2028" + `","tags":"","line_items":[{"id":866550311766439020,"price":"199.00","properties":[]},` +
		`{"id":141249953214522974,"grams":1E+2}],"customer":{"id":115310627314723954,"email":"jon@example.com","state":"disabled"}}`},
	"shopify-not-quite-json": {"shopify-like", "application/json", `{"id":1,"note":"\u{2028}", "id":2,}` + "\r\n\t "},
}

// TestOtherSendersPayloadsPassUnchanged sends them as they stand, as an event's body where they are JSON that can stand in one, and
// as a webhook's: each arrives byte for byte, and with its type.
func TestOtherSendersPayloadsPassUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		text := senders
		w.file(&text)
		e := w.endpoint("in.example:80")
		w.start()
		var want []string
		for name, p := range payloads {
			w.call("POST", "/v1/subscriptions", fmt.Sprintf(`{"url":"http://in.example/%s","types":["%s"],"policy":"%s"}`, name, name, p.policy), 201, nil)
			if status, text := w.ask("POST", "/v1/events?type="+name, p.contentType, []byte(p.body)); status != fasthttp.StatusAccepted {
				t.Errorf("%s as it stands: %d %s", name, status, text)
			}
			want = append(want, p.contentType+" "+p.body)
			quoted, err := json.Marshal(map[string]any{
				"url": "http://in.example/", "headers": map[string]string{"Content-Type": p.contentType}, "body": p.body,
			})
			if err != nil {
				t.Error(err)
			}
			w.call("POST", "/v1/webhooks", string(quoted), 202, nil)
			want = append(want, p.contentType+" "+p.body)
			if json.Valid([]byte(p.body)) {
				w.call("POST", "/v1/events", fmt.Sprintf(`{"type":"%s","body": %s }`, name, p.body), 202, nil)
				within := p.body
				if within[len(within)-1] == '\n' { // it is no part of the value
					within = within[:len(within)-1]
				}
				want = append(want, "application/json "+within)
			}
		}
		time.Sleep(time.Minute)
		e.mu.Lock()
		defer e.mu.Unlock()
		var got []string
		for _, r := range e.got {
			got = append(got, r.headers["content-type"]+" "+r.body)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
		w.close()
	})
}
