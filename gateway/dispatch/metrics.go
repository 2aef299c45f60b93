package dispatch

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/policy"
)

// metrics are what the dispatcher counts; base units, and a host label only for hosts that are configured.
type metrics struct {
	attempts     *prometheus.CounterVec   // host, outcome
	finished     *prometheus.CounterVec   // host, state
	duration     *prometheus.HistogramVec // host
	latency      prometheus.Histogram
	transitions  *prometheus.CounterVec // host, to
	settleErrors prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, load func() Load) *metrics {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_attempts_total", Help: "Calls that ended, by what they meant: attempts, proxied requests, tunnels, tests.",
		}, []string{"host", "outcome"}),
		finished: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_webhooks_finished_total", Help: "Webhooks whose life ended, by state.",
		}, []string{"host", "state"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sluice_attempt_duration_seconds", Help: "From the start of a call to the end of its response, or of a tunnel to its connection.",
			Buckets: prometheus.ExponentialBuckets(0.001, 3, 11),
		}, []string{"host"}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "sluice_delivery_delay_seconds", Help: "From acceptance to delivery.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 13),
		}),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_breaker_transitions_total", Help: "Times that the breaker of a host opened, or closed again.",
		}, []string{"host", "to"}),
		settleErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sluice_settle_errors_total", Help: "Batches of settlements that the store refused and that were tried again.",
		}),
	}
	gauge := func(name, help string, value func(Load) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return float64(value(load())) })
	}
	reg.MustRegister(m.attempts, m.finished, m.duration, m.latency, m.transitions, m.settleErrors,
		gauge("sluice_in_flight", "Attempts under way.", func(l Load) int { return l.InFlight }),
		gauge("sluice_unsettled", "Attempts that ended and are not durable yet.", func(l Load) int { return l.Unsettled }),
		gauge("sluice_waiting_in_memory", "Webhooks that wait and are in memory; the disk may hold more.",
			func(l Load) int { return l.Waiting }))
	return m
}

// count counts a call that ended: an attempt for a webhook, a proxied request, a tunnel or a test. One that failed within Sluice
// is policy.Retry. What was not made for want of files, or broken off by a shutdown, is none.
func (d *Dispatcher) count(host string, outcome policy.Outcome, took time.Duration) {
	label := d.set.HostLabel(host)
	d.metrics.attempts.WithLabelValues(label, string(outcome)).Inc()
	d.metrics.duration.WithLabelValues(label).Observe(took.Seconds())
}

func (m *metrics) breaker(host string, t circuit.Transition) {
	m.transitions.WithLabelValues(host, t.To.String()).Inc()
}
