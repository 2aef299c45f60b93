package front

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

func TestTheProxysTokenIsFoundWhereverProgramsPutIt(t *testing.T) {
	for raw, want := range map[string]string{
		"Proxy-Authorization: Bearer t0k\r\n":                      "t0k",
		"proxy-authorization: bearer  t0k\r\n":                     "t0k",
		"Proxy-Authorization: Basic dXNlcjp0MGs=\r\n":              "t0k",
		"Proxy-Authorization: Basic OnQwaw==\r\n":                  "t0k",
		"Sluice-Token: t0k\r\nProxy-Authorization: Bearer x\r\n":   "t0k",
		"Proxy-Authorization: Bearer x\r\nsluice-token:  t0k \r\n": "t0k",
		"Proxy-Authorization: Digest x\r\n":                        "",
		"Proxy-Authorization: Basic !\r\n":                         "",
		"Authorization: Bearer t0k\r\n":                            "",
	} {
		var r proxied
		r.read(raw)
		if string(r.token) != want {
			t.Errorf("%q: %q, want %q", raw, r.token, want)
		}
		for _, h := range r.headers {
			if strings.HasPrefix(strings.ToLower(h.Name), "proxy-") || strings.EqualFold(h.Name, "Sluice-Token") {
				t.Errorf("%q: %s is passed on", raw, h.Name)
			}
		}
	}
}

// Whatever is read, nothing is passed on that belongs to the connection or to the gateway.
func FuzzProxiedHeader(f *testing.F) {
	f.Add("Connection: close, x\r\nX: 1\r\nTE: y\r\nA: b\r\n\r\n")
	f.Add("Prefer: wait=1, respond-async\r\nsLUICE-token: x\r\n:\r\n")
	f.Fuzz(func(t *testing.T, raw string) {
		var r proxied
		r.read(raw)
		for _, h := range r.headers {
			switch {
			case webhook.HopByHop(h.Name), webhook.Reserved(h.Name), strings.EqualFold(h.Name, "Sluice-Token"), strings.EqualFold(h.Name, "Sluice-Flow"):
				t.Fatalf("%q is passed on", h.Name)
			case strings.ContainsAny(h.Name, ":") || strings.Contains(h.Value, "\r\n"):
				t.Fatalf("%q: %q", h.Name, h.Value)
			}
		}
		if last := r.headers[len(r.headers)-1]; last.Name != "Via" {
			t.Fatalf("the last is %s", last.Name)
		}
	})
}
