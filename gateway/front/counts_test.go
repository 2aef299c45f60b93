package front_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-gateway/sluice/gateway/front"
)

func TestWhatIsAcceptedAndWhatIsRefusedIsCountedOnce(t *testing.T) {
	reg := prometheus.NewRegistry()
	d := open(t, func(s *front.Settings) { s.Metrics = reg })
	d.post(plain)
	d.post(plain, "Idempotency-Key: k")
	d.post(plain, "Idempotency-Key: k") // the same again
	d.post(strings.Replace(plain, "1", "2", 1), "Idempotency-Key: k")
	d.post(`{"webhooks":[` + plain + `,{"url":"x"},` + plain + `,{}]}`)
	d.post("hello")
	d.post(plain, "Content-Type: image/png")
	d.raw("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
	d.raw("no request\r\n\r\n")
	shown := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(shown, httptest.NewRequest("GET", "/metrics", nil))
	got := regexp.MustCompile("(?m)^#.*\n").ReplaceAllString(shown.Body.String(), "")
	const want = `sluice_refusals_total{reason="bad-request"} 1
sluice_refusals_total{reason="busy"} 0
sluice_refusals_total{reason="idempotency-conflict"} 1
sluice_refusals_total{reason="internal"} 0
sluice_refusals_total{reason="invalid-definition"} 3
sluice_refusals_total{reason="not-found"} 1
sluice_refusals_total{reason="storage-full"} 0
sluice_refusals_total{reason="storage-unwritable"} 0
sluice_refusals_total{reason="unsupported-media-type"} 1
sluice_webhooks_accepted_total 4
`
	if got != want {
		t.Errorf("%s; want\n%s", got, want)
	}
}
