package gateway

import "net/http"

// rotateRoute answers POST /signing-keys/rotate: 200 with the id of the key that signs from now on.
func (g *Gateway) rotateRoute(w http.ResponseWriter, _ *http.Request) {
	id, err := g.keys.Rotate()
	if err != nil {
		g.log.Error().Err(err).Msg("the signing key was not rotated")
		answerProblem(w, &adminProblem{
			Type: "internal", Title: "Something went wrong here", Status: http.StatusInternalServerError, Detail: err.Error(),
		})
		return
	}
	answerJSON(w, "application/json", http.StatusOK, struct {
		ID string `json:"kid"`
	}{id})
}
