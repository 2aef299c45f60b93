package webhook_test

import (
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

func TestAddressIsThatOfADefinition(t *testing.T) {
	for _, by := range []webhook.By{webhook.ByHost, webhook.ByAuthorization, webhook.ByPath} {
		d := defaults(t)
		d.LaneBy = func(string) webhook.LaneBy { return webhook.LaneBy{By: by, Segments: 1} }
		def := mustParse(t, d, `{"url":"https://API.example.com:8443/a/b?c=d","headers":{"Authorization":"Bearer x"}}`)
		w := def.Webhook
		w.Host, w.LaneKey = "another.example", [16]byte{9}
		if d.Address(&w); w.Host != def.Webhook.Host || w.LaneKey != def.Webhook.LaneKey {
			t.Errorf("by %s: %s %x, want %s %x", by, w.Host, w.LaneKey, def.Webhook.Host, def.Webhook.LaneKey)
		}
	}
}
