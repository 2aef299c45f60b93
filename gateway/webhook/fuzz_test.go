package webhook_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// FuzzParse holds what Parse accepts against what the rest of Sluice relies on.
func FuzzParse(f *testing.F) {
	for _, m := range malformed {
		if len(m.text) < 1024 {
			f.Add([]byte(m.text))
		}
	}
	f.Add([]byte(`{"url":"http://[2001:db8::1]:8080/a?b","headers":[["a","b"]],"body":"\u00e9","metadata":{"a":"b"},"limit_key":"k"}`))
	f.Add([]byte(`{"url":"https://a.example./x/y","request_method":"GET","request_headers":{"Authorization":["a","b"]},"body_base64":""}`))
	d := defaults(f)
	d.LaneBy = func(string) webhook.LaneBy { return webhook.LaneBy{By: webhook.ByPath, Segments: 1} }
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		def, faults := webhook.Parse(text, now, d)
		if !bytes.Equal(text, before) {
			t.Fatal("the text was changed")
		}
		if (def == nil) == (len(faults) == 0) {
			t.Fatalf("definition %v with faults %v", def, faults)
		}
		for _, fault := range faults {
			if fault.Problem == "" || fault.Want == "" {
				t.Errorf("fault %+v does not say enough", fault)
			}
		}
		if def == nil {
			return
		}
		w := &def.Webhook
		u, err := url.Parse(w.URL)
		if err != nil || u.User != nil || u.Fragment != "" {
			t.Fatalf("URL %q was accepted: %v", w.URL, err)
		}
		if name := strings.Trim(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), "[]"); !strings.Contains(name, ":") && isASCII(name) &&
			strings.Split(w.Host, ":")[0] != name {
			t.Errorf("URL %q: host %q, net/url reads %q", w.URL, w.Host, name)
		}
		for _, h := range w.Headers {
			if strings.ContainsAny(h.Name+h.Value, "\r\n\x00") || strings.ContainsAny(h.Name, " :") || h.Name == "" {
				t.Errorf("header %q: %q was accepted", h.Name, h.Value)
			}
		}
		again, err := record.DecodeWebhook(w.Encode())
		if err != nil || webhook.Fingerprint(again) != webhook.Fingerprint(w) {
			t.Errorf("the webhook is not what was stored: %v", err)
		}
	})
}

// FuzzMaskURL: whatever text it is given, what follows the user information and what stands in a token never shows.
func FuzzMaskURL(f *testing.F) {
	f.Add("https", "a.example", "n=1")
	f.Add("", "", "a;b&c?d#e")
	f.Fuzz(func(t *testing.T, scheme, host, query string) {
		if strings.ContainsAny(scheme+host, "/?#@") || strings.Contains(query, "#") {
			return
		}
		raw := scheme + "://u:s3cret@" + host + "/?" + query + "&token=s3cret2"
		if strings.Contains(scheme+host+query, "s3cret") {
			return
		}
		for _, shown := range []string{webhook.MaskURL(raw), webhook.LogURL(raw)} {
			if strings.Contains(shown, "s3cret") {
				t.Errorf("%q is shown as %q", raw, shown)
			}
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7f })
}
