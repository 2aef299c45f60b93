package front_test

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/front"
)

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTraceparentIsKeptAndNoPartOfWhatAnIdempotencyKeyStandsFor(t *testing.T) {
	d := open(t)
	first := d.post(plain, "traceparent: "+trace, "Idempotency-Key: k")
	again := d.post(plain, "traceparent: 00-ffffffffffffffffffffffffffffffff-b7ad6b7169203331-00", "Idempotency-Key: k")
	if first.StatusCode != 202 || again.body != first.body || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %s, then %d %s", first.StatusCode, first.body, again.StatusCode, again.body)
	}
	d.post(plain+"\n"+plain, "Content-Type: application/x-ndjson", "Traceparent: "+trace)
	for i, w := range d.store.stored(t) {
		if w.Trace != trace {
			t.Errorf("webhook %d has the traceparent %q", i, w.Trace)
		}
	}
	v := pending(id(1))
	w := d.store.stored(t)[0]
	v.Payload = w.Encode()
	d.store.views[id(1)] = v
	if r := d.ask("GET", "/v1/webhooks/"+id(1).String(), ""); !strings.Contains(r.body, `"traceparent":"`+trace+`"`) {
		t.Errorf("it is shown as %s", r.body)
	}
}

// TestTraceparentThatIsNoneIsIgnored: a bad one restarts a trace and fails nothing (W3C Trace Context, section 4.3).
func TestTraceparentThatIsNoneIsIgnored(t *testing.T) {
	for header, want := range map[string]string{
		"01-" + trace[3:] + "-later": "01-" + trace[3:] + "-later",
		trace + "-more":              "",
		"ff-" + trace[3:]:            "",
		strings.ToUpper(trace):       "",
		trace[:54]:                   "",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": "",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": "",
		"01-" + trace[3:] + "-" + strings.Repeat("a", 300):        "",
		trace + "\r\ntraceparent: " + trace:                       "",
		"nonsense":                                                "",
	} {
		d := open(t)
		if r := d.post(plain, "traceparent: "+header); r.StatusCode != 202 {
			t.Errorf("%s: %d %s", header, r.StatusCode, r.body)
		} else if got := d.store.stored(t)[0].Trace; got != want {
			t.Errorf("%s: kept %q, want %q", header, got, want)
		}
	}
}

func TestRequestsHaveNames(t *testing.T) {
	d := open(t)
	one, two := d.post(plain).Header.Get("X-Request-Id"), d.post(plain).Header.Get("X-Request-Id")
	if one == "" || one == two {
		t.Errorf("%q and %q", one, two)
	}
	for given, want := range map[string]string{"r-1": "r-1", strings.Repeat("a", 129): "", "a b": "", "ä": ""} {
		got := d.ask("GET", "/nowhere", "", "X-Request-Id: "+given).Header.Get("X-Request-Id")
		if got == "" || (got == given) != (want == given) {
			t.Errorf("X-Request-Id %q is answered with %q", given, got)
		}
	}
	if got := d.raw("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nX-Request-Id: r-2\r\n\r\n")[0].Header.Get("X-Request-Id"); got == "" || got == "r-2" {
		t.Errorf("a request that cannot be read is %q", got)
	}
}

func TestAccessLogHasALineForEachRequestAndNoSecrets(t *testing.T) {
	d := open(t)
	d.post(plain, "X-Request-Id: r-1")
	if d.log.Len() > 0 {
		t.Errorf("logged, though nobody asked for it: %s", d.log)
	}
	d = open(t, withTokens(front.Token{Name: "crm", Scopes: front.Send}), func(s *front.Settings) { s.AccessLog = true })
	d.ask("POST", "/v1/webhooks?token=s3cret", plain, as("crm"), "X-Request-Id: r-1")
	d.ask("GET", "/v1/hosts", "", as("s3cret"), "X-Request-Id: r-2")
	lines := strings.Split(strings.TrimSpace(d.log.String()), "\n")
	if len(lines) != 2 || strings.Contains(d.log.String(), "s3cret") ||
		!strings.Contains(lines[0], `"method":"POST","path":"/v1/webhooks","status":400,"request_bytes":47,`) ||
		!strings.Contains(lines[0], `"request_id":"r-1","token":"crm"`) || !strings.Contains(lines[1], `"status":401`) {
		t.Errorf("logged %s", d.log)
	}
}
