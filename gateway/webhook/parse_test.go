package webhook_test

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/webhook"
)

// now is the instant at which all definitions of these tests are read.
var now = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)

func defaults(tb testing.TB) *webhook.Defaults {
	tb.Helper()
	policies := configs.DefaultPolicies()
	return &webhook.Defaults{Policy: policy.Default, Policies: policies, Secret: [32]byte{1, 2, 3}}
}

func parse(d *webhook.Defaults, text string) (*webhook.Definition, webhook.Faults) {
	return webhook.Parse([]byte(text), now, d)
}
