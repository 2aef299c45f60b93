package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/dispatch"
)

// reloadRoute answers POST /reload: 200 with what was Reloaded, or a problem document (RFC 9457) whose errors are the
// file's faults.
func (g *Gateway) reloadRoute(w http.ResponseWriter, r *http.Request) {
	// Once begun it is finished, though whoever asked has left: they may never learn what became of it.
	done, err := g.Reload(context.WithoutCancel(r.Context()))
	if err != nil {
		answerProblem(w, reloadProblem(err))
		return
	}
	answerJSON(w, "application/json", http.StatusOK, done)
}

// reloadProblem says why a reload did not happen.
func reloadProblem(err error) *adminProblem {
	p := &adminProblem{Detail: err.Error()}
	var faults configs.Faults
	switch {
	case errors.As(err, &faults):
		p.Type, p.Title, p.Status = "invalid-configuration", "The configuration is not valid", http.StatusBadRequest
		p.Errors = faults
		if p.Detail = faults[0].String(); len(faults) > 1 {
			p.Detail = fmt.Sprintf("%d faults; the first: %s", len(faults), p.Detail)
		}
	case errors.Is(err, ErrNoFile):
		p.Type, p.Title, p.Status = "no-configuration-file", "There is nothing to reload", http.StatusConflict
	case errors.Is(err, dispatch.ErrStopping):
		p.Type, p.Title, p.Status = "shutting-down", "The gateway is shutting down", http.StatusServiceUnavailable
	default:
		p.Type, p.Title, p.Status = "internal", "Something went wrong here", http.StatusInternalServerError
	}
	return p
}
