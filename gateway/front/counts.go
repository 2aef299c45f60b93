package front

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/persist"
)

// counts are what the front door counts. They have no label that a client could choose the value of.
type counts struct {
	accepted prometheus.Counter
	refused  *prometheus.CounterVec // reason: a problem's type, without ProblemBase
}

func newCounts(reg prometheus.Registerer) *counts {
	c := &counts{
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sluice_webhooks_accepted_total",
			Help: "Webhooks that the front door accepted, deliveries of events among them; one whose idempotency key was known counts once.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sluice_refusals_total",
			Help: "Requests, and items of batches, that the front door answered with a problem, by its type; proxied calls among them.",
		}, []string{"reason"}),
	}
	// A counter that begins with its first refusal shows no increase: those that alarms are about begin with 0.
	for _, reason := range []string{"busy", "internal", "storage-full", "storage-unwritable"} {
		c.refused.WithLabelValues(reason)
	}
	if reg != nil {
		reg.MustRegister(c.accepted, c.refused)
	}
	return c
}

// stored counts what the store made of jobs.
func (c *counts) stored(receipts []persist.Receipt) {
	n := 0
	for i := range receipts {
		if receipts[i].Verdict == persist.New {
			n++
		}
	}
	c.accepted.Add(float64(n))
}

func (c *counts) refusal(p *problem) {
	c.refused.WithLabelValues(strings.TrimPrefix(p.Type, ProblemBase)).Inc()
}

// answeredKey is the user value of a request that was answered with a problem: that.
type answeredKey struct{}

// answered counts a request that was answered with a problem.
func (c *counts) answered(ctx *fasthttp.RequestCtx) {
	if p, ok := ctx.UserValue(answeredKey{}).(*problem); ok {
		c.refusal(p)
	}
}
