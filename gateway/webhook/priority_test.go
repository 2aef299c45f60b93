package webhook_test

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

func TestAPriorityThatIsStatedGoesBeforeThatOfTheFlow(t *testing.T) {
	d := defaults(t)
	d.Priority = func(tenant, flow string) record.Priority {
		if tenant == "eu" && flow == "receipts" {
			return record.High
		}
		return record.Low
	}
	for text, want := range map[string]record.Priority{
		`{"url":"https://api.example.com","tenant":"eu","flow":"receipts"}`:                     record.High,
		`{"url":"https://api.example.com","tenant":"eu","flow":"receipts","priority":"normal"}`: record.Normal,
		`{"url":"https://api.example.com","flow":"receipts"}`:                                   record.Low,
	} {
		def, faults := webhook.Parse([]byte(text), time.Unix(0, 0), d)
		if faults != nil || def.Webhook.Priority != want {
			t.Errorf("%s: %v, priority %v, want %v", text, faults, def.Webhook.Priority, want)
		}
	}
}
