package webhook_test

import (
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

func TestCredentialsInHeadersAreMasked(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"Authorization", "Bearer s3cret", "Bearer ***"},
		{"authorization", "Basic YTpi", "Basic ***"},
		{"Authorization", "s3cret", "***"},
		{"Authorization", `Digest username="a", response="b"`, "Digest ***"},
		{"Proxy-Authorization", "Basic YTpi", "Basic ***"},
		{"Cookie", "session=s3cret", "***"},
		{"Set-Cookie", "session=s3cret; Path=/", "***"},
		{"X-Api-Key", "s3cret", "***"},
		{"X-API-KEY", "two words", "***"},
		{"api_key", "s3cret", "***"},
		{"X-Auth-Token", "s3cret", "***"},
		{"X-Hub-Signature-256", "sha256=aa", "***"},
		{"webhook-signature", "v1,aa", "***"},
		{"X-Client-Secret", "s3cret", "***"},
		{"X-Password", "s3cret", "***"},
		{"Ocp-Apim-Subscription-Key", "s3cret", "***"},
		{"X-Amz-Security-Token", "s3cret", "***"},
		{"Content-Type", "application/json", "application/json"},
		{"Idempotency-Key", "k1", "k1"},
		{"Retry-After", "1", "1"},
		{"X-RateLimit-Remaining", "7", "7"},
		{"User-Agent", "crm/1.0 (x)", "crm/1.0 (x)"},
	} {
		if got := webhook.MaskHeader(tt.name, tt.value); got != tt.want {
			t.Errorf("%s: %s is shown as %q, want %q", tt.name, tt.value, got, tt.want)
		}
	}
}

func TestCredentialsInURLsAreMasked(t *testing.T) {
	for _, tt := range []struct{ url, shown, logged string }{
		{"https://a.example/b", "https://a.example/b", "https://a.example/b"},
		{"https://a.example/b?n=1&token=s&x", "https://a.example/b?n=1&token=***&x", "https://a.example/b"},
		{"https://a.example/?access_token=s", "https://a.example/?access_token=***", "https://a.example/"},
		{"https://a.example/?sig=s;key=s&API-KEY=s", "https://a.example/?sig=***;key=***&API-KEY=***", "https://a.example/"},
		{"https://a.example/?to%6ben=s", "https://a.example/?to%6ben=***", "https://a.example/"},
		{"https://a.example/?hapikey=s&", "https://a.example/?hapikey=***&", "https://a.example/"},
		{"https://a.example/?token=", "https://a.example/?token=", "https://a.example/"},
		{"https://a.example/?q=a?b=c", "https://a.example/?q=a?b=c", "https://a.example/"},
		{"https://u:s@a.example/b", "https://a.example/b", "https://a.example/b"},
		{"https://u:s@x@a.example?c", "https://a.example?c", "https://a.example"},
		{"//u:s@a.example", "//a.example", "//a.example"},
		{"u:s@a.example/@b", "a.example/@b", "a.example/@b"},
		{"https://a.example/@u", "https://a.example/@u", "https://a.example/@u"},
		{"https://a.example/#token=s", "https://a.example/#token=s", "https://a.example/"},
	} {
		if got := webhook.MaskURL(tt.url); got != tt.shown {
			t.Errorf("%s is shown as %s, want %s", tt.url, got, tt.shown)
		}
		if got := webhook.LogURL(tt.url); got != tt.logged {
			t.Errorf("%s is logged as %s, want %s", tt.url, got, tt.logged)
		}
	}
}

func TestAMaskedPathShowsNothingButSchemeAndAuthority(t *testing.T) {
	for raw, want := range map[string]string{
		"https://hooks.example/services/T0/B0/secret?x=1": "https://hooks.example/***",
		"https://user:secret@hooks.example:8443/a":        "https://hooks.example:8443/***",
		"https://hooks.example?token=secret":              "https://hooks.example/***",
		"https://hooks.example":                           "https://hooks.example",
	} {
		if got := webhook.MaskPath(raw); got != want {
			t.Errorf("MaskPath(%q) = %q, want %q", raw, got, want)
		}
	}
}
