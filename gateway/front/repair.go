package front

import (
	"context"
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Repairs is what the front door asks for about single webhooks.
type Repairs interface {
	// Retry makes a live webhook due now, and accepts one that is over anew, as a replay of it; it returns when that
	// is durable. The same key (nil: none) does so once. Errors: ErrSending, ErrBodyGone, ErrSubscriptionGone,
	// ErrKeyConflict, persist.ErrNotFound and those of persist.Store.Enqueue.
	Retry(ctx context.Context, id record.ID, key *[32]byte) (Retried, error)
	// Cancel ends a live webhook, durably. Errors: ErrOver; ErrSending: an attempt is under way that did not end in time, and
	// the webhook will be cancelled when it does, unless it is over then; persist.ErrNotFound.
	Cancel(ctx context.Context, id record.ID) error
}

// Retried is what a retry came to.
type Retried struct {
	ID record.ID // of what is tried: the webhook itself, or the one that repeats it
	// Existing: it was asked for before, under the same key.
	Existing bool
}

// Errors of Repairs that clients are told of.
var (
	ErrOver     = errors.New("the webhook is over")
	ErrSending  = errors.New("the webhook is being sent")
	ErrBodyGone = errors.New("the webhook's payload is gone")
	// ErrSubscriptionGone: a delivery's subscription was deleted, and with it what its policy signs with.
	ErrSubscriptionGone = errors.New("the webhook's subscription is gone")
	ErrKeyConflict      = errors.New("the idempotency key is known for something else")
)

// retry answers POST /v1/webhooks/{id}/retry.
func (f *Front) retry(ctx *fasthttp.RequestCtx, by *principal, text string) {
	id, w := f.seenWebhook(ctx, by, text)
	if w == nil {
		return
	}
	key, p := idempotencyKey(&ctx.Request.Header)
	if p != nil {
		answer(ctx, p)
		return
	}
	var digest *[32]byte
	if key != "" {
		d := webhook.IdempotencyKey(w.Tenant, "retry "+key, webhook.Single)
		digest = &d
	}
	tried, err := f.set.Repairs.Retry(f.work, id, digest)
	if err != nil {
		f.repairFailed(ctx, err, id, "retrying a webhook failed")
		return
	}
	answerRetry := struct {
		ID      string  `json:"id"`
		Replays *string `json:"replays"` // null: it is the same webhook, due now
	}{ID: tried.ID.String()}
	if tried.ID != id {
		old := id.String()
		answerRetry.Replays = &old
	}
	write(ctx, answerRetry)
	ctx.SetStatusCode(fasthttp.StatusAccepted)
	ctx.Response.Header.Set("Location", webhooksPath+"/"+tried.ID.String())
	if tried.Existing {
		markReplayed(ctx)
	}
}

// cancel answers DELETE /v1/webhooks/{id}.
func (f *Front) cancel(ctx *fasthttp.RequestCtx, by *principal, text string) {
	id, w := f.seenWebhook(ctx, by, text)
	if w == nil {
		return
	}
	switch err := f.set.Repairs.Cancel(f.work, id); {
	case err == nil:
		f.webhook(ctx, by, text)
	case errors.Is(err, ErrSending):
		f.webhook(ctx, by, text)
		if ctx.Response.StatusCode() == fasthttp.StatusOK {
			ctx.SetStatusCode(fasthttp.StatusAccepted)
		}
	default:
		f.repairFailed(ctx, err, id, "cancelling a webhook failed")
	}
}

// seenWebhook returns a webhook that may be shown; when there is none it answers, and returns nil.
func (f *Front) seenWebhook(ctx *fasthttp.RequestCtx, by *principal, text string) (record.ID, *shown) {
	id, err := record.ParseID(text)
	if err != nil {
		answer(ctx, notFoundProblem(fmt.Sprintf("%.100q is no webhook's id: want the 26 characters of a ULID", text)))
		return id, nil
	}
	view, err := f.set.Store.Webhook(f.work, id)
	var s *shown
	if err == nil {
		s, err = f.show(id, view, false)
	}
	switch {
	case errors.Is(err, persist.ErrNotFound), err == nil && !by.sees(s.Tenant, s.Host, s.Flow):
		answer(ctx, noWebhookProblem(id))
	case err != nil:
		f.failed(ctx, err, "reading a webhook failed")
	default:
		return id, s
	}
	return id, nil
}

func noWebhookProblem(id record.ID) *problem {
	return notFoundProblem("No webhook has the id " + id.String() + ", or its retention has passed")
}

func (f *Front) repairFailed(ctx *fasthttp.RequestCtx, err error, id record.ID, what string) {
	switch {
	case errors.Is(err, persist.ErrNotFound):
		answer(ctx, noWebhookProblem(id))
	case errors.Is(err, ErrOver):
		answer(ctx, newProblem(409, "webhook-over", "The webhook is over", "What is over cannot be cancelled: want one that is pending or sending"))
	case errors.Is(err, ErrSending):
		answer(ctx, newProblem(409, "webhook-sending", "The webhook is being sent", "Its attempt is under way: want it again when that has ended"))
	case errors.Is(err, ErrBodyGone):
		answer(ctx, newProblem(409, "body-gone", "The webhook's payload is gone",
			"Its retention has passed, or it was erased: there is nothing left to be sent. Want the webhook posted anew"))
	case errors.Is(err, ErrSubscriptionGone):
		answer(ctx, newProblem(409, "subscription-gone", "The webhook's subscription is gone",
			"It was deleted, and with it the secret that its policy signs with: want the event published anew, or the call posted as a webhook"))
	case errors.Is(err, ErrKeyConflict):
		answer(ctx, conflictProblem())
	default:
		f.failed(ctx, err, what)
	}
}
