package webhook_test

import (
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

func TestAURLThatItsPolicyDoesNotCallIsAFaultThatSaysSo(t *testing.T) {
	d := defaults(t)
	_, faults := parse(d, `{"url":"http://shop.example/pulse","policy":"chariow"}`)
	want := webhook.Fault{
		Path: "/url", Value: "http://shop.example/pulse", Problem: "is http, and policy chariow sends over https only",
		Want: "a URL that begins with https://",
	}
	if len(faults) != 1 || faults[0] != want {
		t.Errorf("faults %+v, want %+v", faults, want)
	}
	for _, text := range []string{
		`{"url":"https://shop.example/pulse","policy":"chariow"}`, `{"url":"http://shop.example/pulse","policy":"braze"}`,
		`{"url":"HTTPS://shop.example/pulse","policy":"chariow"}`,
	} {
		if _, faults := parse(d, text); faults != nil {
			t.Errorf("%s: %v", text, faults)
		}
	}
}

func TestAPolicyMaySendAFlowInOrderWithoutAnOrderingKey(t *testing.T) {
	d := defaults(t)
	ordering := func(text string) [16]byte {
		def, faults := parse(d, text)
		if faults != nil {
			t.Fatalf("%s: %v", text, faults)
		}
		return def.Webhook.Ordering
	}
	one := ordering(`{"url":"https://a.example/1","policy":"customer-io"}`)
	if one == [16]byte{} || one != ordering(`{"url":"https://a.example/2","policy":"customer-io"}`) {
		t.Error("two webhooks of a flow are not in one order")
	}
	if own := ordering(`{"url":"https://a.example/1","policy":"customer-io","ordering_key":"k"}`); own != webhook.OrderingDigest("k") {
		t.Error("an ordering key of one's own does not count")
	}
	if ordering(`{"url":"https://a.example/1","policy":"braze"}`) != [16]byte{} {
		t.Error("braze sends in order")
	}
}
