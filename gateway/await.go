package gateway

import (
	"context"
	"errors"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/operate"
	"github.com/sluice-gateway/sluice/persist/record"
)

// wait is a dispatcher's Wait as the front door has it.
type wait struct{ *dispatch.Wait }

// Ending is front.Wait's.
func (w wait) Ending() *front.Ending { return ending(w.Answer()) }

// await is front.Settings.Await.
func (g *Gateway) await(w *record.Webhook) front.Wait {
	if one := g.dispatcher.Await(w); one != nil {
		return wait{one}
	}
	return nil
}

// try is front.Settings.Try.
func (g *Gateway) try(ctx context.Context, w *record.Webhook, force bool) (*front.Ending, *front.Waiting, error) {
	a, blocked, err := g.dispatcher.Try(ctx, w, force)
	switch {
	case errors.Is(err, dispatch.ErrStopping):
		return nil, nil, front.ErrStopping
	case err != nil:
		return nil, nil, err
	case blocked != nil:
		return nil, operate.Blocked(blocked), nil
	}
	return ending(a), nil, nil
}

func ending(a *dispatch.Answer) *front.Ending {
	return &front.Ending{
		State: a.Final.State, Reason: a.Final.Reason, Tries: a.Final.Tries, Throttled: a.Final.Throttled,
		Attempt: a.Attempt, Headers: a.Headers, Body: a.Body, Truncated: a.Truncated,
	}
}
