package webhook_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

func mustParse(t *testing.T, d *webhook.Defaults, text string) *webhook.Definition {
	t.Helper()
	def, faults := parse(d, text)
	if faults != nil {
		t.Fatalf("%s: refused: %v", text, faults)
	}
	return def
}

func TestBrazesWebhookObjectIsAcceptedAsItStands(t *testing.T) {
	def := mustParse(t, defaults(t), `{
		"url": "https://api.example.com/v1/contacts?list=7",
		"request_method": "PUT",
		"request_headers": {"Authorization": "Bearer abc", "X-Campaign": "spring"},
		"body": "{\"name\":\"Ad\u00e1\",\"path\":\"a\\/b\"}",
		"message_variation_id": "8f2d"
	}`)
	w := def.Webhook
	if w.Method != "PUT" || w.URL != "https://api.example.com/v1/contacts?list=7" || w.Host != "api.example.com" || w.Variation != "8f2d" {
		t.Errorf("got %+v", w)
	}
	if got, want := string(w.Body), `{"name":"Adá","path":"a\/b"}`; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
	want := []record.Header{
		{Name: "Authorization", Value: "Bearer abc"}, {Name: "X-Campaign", Value: "spring"},
		{Name: "Content-Type", Value: "application/json"},
	}
	if !slices.Equal(w.Headers, want) {
		t.Errorf("headers %v, want %v", w.Headers, want)
	}
}

func TestEveryFieldArrivesInTheWebhook(t *testing.T) {
	def := mustParse(t, defaults(t), `{"url":"http://API.Example.com:8080/x","method":"PATCH","headers":[["b","1"],["A","2"],["b","3"]],
		"body":"plain","tenant":"eu","flow":"receipts","priority":"high","ordering_key":"contact-7","send_at":"2026-01-31T11:30:00.25+01:00",
		"expires_at":"2026-02-01T00:00:00Z","expire_early":true,"policy":"default","idempotency_key":"k1","type":"sale","metadata":{"a":"b"}}`)
	w := def.Webhook
	if def.IdempotencyKey != "k1" || w.Host != "api.example.com:8080" || w.Tenant != "eu" || w.Flow != "receipts" ||
		w.Priority != record.High || w.Ordering != webhook.OrderingDigest("contact-7") || w.Policy != "default" || w.Type != "sale" ||
		w.Metadata["a"] != "b" || !w.ExpireEarly {
		t.Errorf("got %+v", def)
	}
	if got, want := w.SendAt, now.Add(time.Hour+250*time.Millisecond).UnixMilli(); got != want {
		t.Errorf("send_at %d, want %d", got, want)
	}
	if got, want := w.Expires, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC).UnixMilli(); got != want {
		t.Errorf("expires_at %d, want %d", got, want)
	}
	var names []string
	for _, h := range w.Headers {
		names = append(names, h.Name+"="+h.Value)
	}
	if got := strings.Join(names, " "); got != "b=1 A=2 b=3 Content-Type=text/plain; charset=utf-8" {
		t.Errorf("headers %s: want order and case kept", got)
	}
}

func TestWhatIsNotGivenHasItsDefault(t *testing.T) {
	w := mustParse(t, defaults(t), `{"url":"https://a.example","flow":null,"body":null,"headers":null,"tenant":""}`).Webhook
	if w.Method != "POST" || w.Tenant != "default" || w.Flow != "default" || w.Policy != "default" || w.Priority != record.Normal ||
		w.Body != nil || w.Headers != nil || w.SendAt != 0 || w.Expires != 0 || w.Ordering != (record.Digest{}) {
		t.Errorf("got %+v", w)
	}
}

func TestBodyAndItsType(t *testing.T) {
	for _, tt := range []struct{ name, fields, body, contentType string }{
		{"a string is sent byte for byte", `"body":" a=1&b=%20\n"`, " a=1&b=%20\n", "text/plain; charset=utf-8"},
		{"a string that is JSON", `"body":"{\"a\": 1}"`, `{"a": 1}`, "application/json"},
		{"a string that is a JSON scalar", `"body":"17"`, `17`, "application/json"},
		{"a string that is nearly JSON", `"body":"{\"a\":1"`, `{"a":1`, "text/plain; charset=utf-8"},
		{"an object is sent as received", `"body":{ "b" : 1.00, "a":"\u00e9" }`, `{ "b" : 1.00, "a":"\u00e9" }`, "application/json"},
		{"an array is sent as received", `"body":[1 , 2]`, `[1 , 2]`, "application/json"},
		{"64 levels", `"body":` + strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 64) + strings.Repeat("]", 64), "application/json"},
		{"brackets in strings are no levels", `"body":{"a":"` + strings.Repeat(`[\"`, 99) + `"}`, `{"a":"` + strings.Repeat(`[\"`, 99) + `"}`, "application/json"},
		{"an empty string is no body", `"body":""`, "", ""},
		{"null is no body", `"body":null`, "", ""},
		{"base64", `"body_base64":"AP/+"`, "\x00\xff\xfe", ""},
		{"a form keeps its type", `"body":"a=1","headers":{"content-type":"application/x-www-form-urlencoded"}`, "a=1", "application/x-www-form-urlencoded"},
		{"all escapes", `"body":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`, "\"\\/\b\f\n\r\té😀", "text/plain; charset=utf-8"},
		{"DELETE may have one", `"method":"DELETE","body":"x"`, "x", "text/plain; charset=utf-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := mustParse(t, defaults(t), `{"url":"https://a.example/",`+tt.fields+`}`).Webhook
			got := ""
			for _, h := range w.Headers {
				if strings.EqualFold(h.Name, "Content-Type") {
					got += h.Value
				}
			}
			if string(w.Body) != tt.body || got != tt.contentType {
				t.Errorf("body %q type %q, want %q type %q", w.Body, got, tt.body, tt.contentType)
			}
		})
	}
}

func TestHostIsTheAuthorityWithoutThePortOfHTTPSOnly(t *testing.T) {
	for url, want := range map[string]string{
		"https://api.example.com":             "api.example.com",
		"HTTPS://API.Example.COM:443/a":       "api.example.com",
		"https://api.example.com.:443/":       "api.example.com",
		"https://api.example.com:8443/":       "api.example.com:8443",
		"http://api.example.com/":             "api.example.com:80",
		"http://api.example.com:0080/":        "api.example.com:80",
		"http://api.example.com:443/":         "api.example.com:443",
		"http://a_b.example?q":                "a_b.example:80",
		"https://xn--bcher-kva.example/":      "xn--bcher-kva.example",
		"https://Bücher.example/":             "xn--bcher-kva.example",
		"https://bücher。example:8443/":        "xn--bcher-kva.example:8443",
		"http://192.0.2.7:9099/hook":          "192.0.2.7:9099",
		"http://[2001:DB8:0:0::1]:9099/":      "[2001:db8::1]:9099",
		"https://[2001:db8::1]/":              "[2001:db8::1]",
		"http://[::ffff:192.0.2.7]/":          "192.0.2.7:80",
		"https://a.example/@user/b?x=a@b&c:d": "a.example",
		"https://a.example?u=http://x@y/":     "a.example",
	} {
		target, err := webhook.Locate(url)
		if err != nil || target.Host != want {
			t.Errorf("%s: host %q, %v, want %q", url, target.Host, err, want)
			continue
		}
		w := mustParse(t, defaults(t), `{"url":"`+url+`"}`).Webhook
		if w.URL != url || w.Host != want {
			t.Errorf("%s: kept as %q under %q", url, w.URL, w.Host)
		}
	}
}

func TestSizeIsBounded(t *testing.T) {
	d := defaults(t)
	d.MaxSize = 100
	if _, faults := parse(d, `{"url":"https://a.example/","body":"`+strings.Repeat("a", 100)+`"}`); !faults.TooLarge() {
		t.Errorf("%v: want too large", faults)
	}
	if _, faults := parse(d, `{"url":"nowhere"}`); faults.TooLarge() {
		t.Errorf("%v: too large", faults)
	}
}
