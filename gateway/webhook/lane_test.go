package webhook_test

import (
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

func laneKey(t *testing.T, by webhook.LaneBy, text string) record.Digest {
	t.Helper()
	d := defaults(t)
	d.LaneBy = func(string) webhook.LaneBy { return by }
	return mustParse(t, d, text).Webhook.LaneKey
}

func TestLanesAreApartExactlyByWhatTheLimitIsBy(t *testing.T) {
	const ada = `{"url":"https://a.example/v1/x/1?q","headers":{"authorization":"Bearer ada"},"limit_key":"k1"}`
	for _, tt := range []struct {
		name  string
		by    webhook.LaneBy
		other string
		same  bool
	}{
		{"by host", webhook.LaneBy{}, `{"url":"https://a.example/y","headers":{"Authorization":"Bearer bob"},"limit_key":"k2"}`, true},
		{"another credential", webhook.LaneBy{By: webhook.ByAuthorization}, `{"url":"https://a.example/v1/x/1","headers":{"Authorization":"Bearer bob"}}`, false},
		{"the same credential", webhook.LaneBy{By: webhook.ByAuthorization}, `{"url":"https://a.example/y","headers":{"Authorization":"Bearer ada"}}`, true},
		{"no credential", webhook.LaneBy{By: webhook.ByAuthorization}, `{"url":"https://a.example/y"}`, false},
		{"another path", webhook.LaneBy{By: webhook.ByPath}, `{"url":"https://a.example/v1/x/2"}`, false},
		{"another query", webhook.LaneBy{By: webhook.ByPath}, `{"url":"https://a.example/v1/x/1?r"}`, true},
		{"the same two segments", webhook.LaneBy{By: webhook.ByPath, Segments: 2}, `{"url":"https://a.example/v1/x/2"}`, true},
		{"other two segments", webhook.LaneBy{By: webhook.ByPath, Segments: 2}, `{"url":"https://a.example/v1/y/1"}`, false},
		{"the same limit_key", webhook.LaneBy{By: webhook.ByLimitKey}, `{"url":"https://a.example/y","limit_key":"k1"}`, true},
		{"another limit_key", webhook.LaneBy{By: webhook.ByLimitKey}, `{"url":"https://a.example/y","limit_key":"k2"}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := laneKey(t, tt.by, ada), laneKey(t, tt.by, tt.other)
			if (a == b) != tt.same {
				t.Errorf("keys %x and %x, want the same: %v", a, b, tt.same)
			}
		})
	}
}

func TestLaneKeyIsNoUseWithoutTheSecret(t *testing.T) {
	d := defaults(t)
	d.LaneBy = func(string) webhook.LaneBy { return webhook.LaneBy{By: webhook.ByAuthorization} }
	const text = `{"url":"https://a.example/","headers":{"Authorization":"Bearer ada"}}`
	first := mustParse(t, d, text).Webhook.LaneKey
	d.Secret[0]++
	if second := mustParse(t, d, text).Webhook.LaneKey; first == second || first == (record.Digest{}) {
		t.Errorf("keys %x and %x under different secrets", first, second)
	}
}
