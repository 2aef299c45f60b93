package webhook_test

import (
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/webhook"
)

func ExampleParse() {
	policies := configs.DefaultPolicies()
	defaults := &webhook.Defaults{Policy: policy.Default, Policies: policies}
	now := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)

	def, _ := webhook.Parse([]byte(`{"url":"https://api.example.com/hook","body":{"n": 1},"flow":"receipts"}`), now, defaults)
	w := def.Webhook
	fmt.Println(w.Method, w.URL, w.Host, w.Flow)
	fmt.Printf("%s: %s\n", w.Headers[0].Name, w.Headers[0].Value)
	fmt.Printf("%s\n", w.Body)

	_, faults := webhook.Parse([]byte(`{"url":"ftp://example.com/","flw":"receipts"}`), now, defaults)
	for _, f := range faults {
		fmt.Println(f)
	}
	// Output:
	// POST https://api.example.com/hook api.example.com receipts
	// Content-Type: application/json
	// {"n": 1}
	// /flw: "receipts": unknown field, did you mean flow?: want flow, or the definition without it
	// /url: ftp://example.com/: scheme "ftp" cannot be called: want http or https
}
