package front_test

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/persist/record"
)

func TestAProxiedRequestThatTheDiskKeepsWaitingIsNotToldOfALimit(t *testing.T) {
	d := open(t, func(s *front.Settings) {
		s.Forward = func(*record.Webhook, *front.Upload, bool, time.Duration) (front.Reply, *front.Hold, error) {
			return nil, nil, front.ErrUnsettled
		}
	})
	r := d.ask("GET", "/proxy/http://a.example/", "")
	wantProblem(t, r, 503, "storage-unwritable")
	if wait := r.Header.Get("Retry-After"); wait != "5" {
		t.Errorf("Retry-After: %q, want 5", wait)
	}
}
