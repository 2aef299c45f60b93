package webhook_test

import (
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

func TestIdempotencyKeysDoNotMeet(t *testing.T) {
	seen := map[[32]byte]string{}
	for name, key := range map[string][32]byte{
		"eu, k":           webhook.IdempotencyKey("eu", "k", webhook.Single),
		"us, k":           webhook.IdempotencyKey("us", "k", webhook.Single),
		"eu, l":           webhook.IdempotencyKey("eu", "l", webhook.Single),
		"e, uk":           webhook.IdempotencyKey("e", "uk", webhook.Single),
		"eu, k, item 0":   webhook.IdempotencyKey("eu", "k", 0),
		"eu, k, item 1":   webhook.IdempotencyKey("eu", "k", 1),
		"eu, k, item 128": webhook.IdempotencyKey("eu", "k", 128),
	} {
		if other, met := seen[key]; met {
			t.Errorf("%s and %s are the same", name, other)
		}
		seen[key] = name
	}
}

func TestFingerprintIsOfWhatIsAskedFor(t *testing.T) {
	d := defaults(t)
	fingerprint := func(text string) [16]byte { return webhook.Fingerprint(&mustParse(t, d, text).Webhook) }
	first := fingerprint(`{"url":"https://a.example/","body":{"n":1},"flow":"a"}`)
	if fingerprint(` {"flow":"a", "body":{"n":1}, "url":"https://a.example/"}`) != first {
		t.Error("the same definition in another order has another fingerprint")
	}
	d.LaneBy = func(string) webhook.LaneBy { return webhook.LaneBy{By: webhook.ByPath} }
	if fingerprint(`{"url":"https://a.example/","body":{"n":1},"flow":"a"}`) != first {
		t.Error("the gateway's configuration is part of the fingerprint")
	}
	for _, other := range []string{
		`{"url":"https://a.example/","body":{"n":2},"flow":"a"}`, `{"url":"https://a.example/","body":{"n":1},"flow":"b"}`,
		`{"url":"https://a.example/b","body":{"n":1},"flow":"a"}`,
	} {
		if fingerprint(other) == first {
			t.Errorf("%s: has the fingerprint of something else", other)
		}
	}
}
