package front

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Try makes one attempt for a webhook that is stored nowhere. Waiting is what keeps it from being made; nil: it was.
type Try func(ctx context.Context, w *record.Webhook, force bool) (*Ending, *Waiting, error)

// triesPerMinute is how many tries a token has: they go beside the queues, and are for a person who looks on.
const triesPerMinute = 10

// tries are what each token has left of its tries.
type tries struct {
	mu sync.Mutex
	of map[string]*meter // by the token's name; as many as are configured
}

// take takes one, or says how long until there is one.
func (t *tries) take(by *principal, now time.Time) (wait time.Duration, ok bool) {
	t.mu.Lock()
	m := t.of[by.name]
	if m == nil {
		if t.of == nil {
			t.of = map[string]*meter{}
		}
		m = newMeter(triesPerMinute, time.Minute)
		t.of[by.name] = m
	}
	t.mu.Unlock()
	return m.take(now)
}

// takeTry reports whether someone may make a test now; when not, it answers.
func (f *Front) takeTry(ctx *fasthttp.RequestCtx, by *principal, now time.Time) bool {
	wait, ok := f.tries.take(by, now)
	if !ok {
		p := newProblem(429, "too-many-tests", "That were enough tests for now",
			fmt.Sprintf("A token has %d a minute: want the same again in %s", triesPerMinute, wait.Round(time.Millisecond)))
		p.retryAfter = int(ceilSeconds(wait))
		answer(ctx, p)
	}
	return ok
}

// tryOne answers POST /v1/webhooks/test: one attempt for a definition, made now and not repeated, and what came back.
// Nothing of it is stored.
func (f *Front) tryOne(ctx *fasthttp.RequestCtx, by *principal, _ string) {
	if form, p := readForm(&ctx.Request.Header); p != nil || form == formLines {
		if p == nil {
			p = typeProblem(ctx.Request.Header.ContentType(), "application/json, and one definition")
		}
		answer(ctx, p)
		return
	}
	force := string(ctx.QueryArgs().Peek("force"))
	if force != "" && force != "true" && force != "false" {
		answer(ctx, badRequest(fmt.Sprintf("force=%.100q", force), "force=true or force=false"))
		return
	}
	now := time.Now()
	def, faults := webhook.Parse(ctx.PostBody(), now, by.definitions(&f.defaults))
	if faults != nil {
		answer(ctx, invalidProblem(faults))
		return
	}
	if p := by.refuse(&def.Webhook); p != nil {
		answer(ctx, p)
		return
	}
	if !f.takeTry(ctx, by, now) {
		return
	}
	def.Webhook.Trace = traceOf(&ctx.Request.Header)
	ending, waiting, err := f.set.Try(f.work, &def.Webhook, force == "true")
	switch {
	case err != nil:
		f.failed(ctx, err, "testing a webhook failed")
	case waiting != nil:
		answer(ctx, heldBackProblem(waiting, now))
	default:
		write(ctx, showOutcome(ending))
	}
}

// heldBackProblem says what keeps a webhook from being tested now.
func heldBackProblem(w *Waiting, now time.Time) *problem {
	p := newProblem(409, "held-back", "It may not be sent now", w.Reason+": "+w.Detail+": want the same later, or with force=true")
	if !w.Until.IsZero() && w.Until.After(now) {
		p.retryAfter = int(ceilSeconds(w.Until.Sub(now)))
	}
	return p
}
