package gateway

import (
	"encoding/json"
	"net/http"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/front"
)

// adminProblem is a problem document of the admin side; Type is what follows front.ProblemBase.
type adminProblem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail"`
	Errors configs.Faults `json:"errors,omitempty"`
}

func answerProblem(w http.ResponseWriter, p *adminProblem) {
	shown := *p
	shown.Type = front.ProblemBase + p.Type
	answerJSON(w, "application/problem+json", p.Status, &shown)
}

func answerJSON(w http.ResponseWriter, contentType string, status int, v any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // whoever asked and left needs no answer
}
