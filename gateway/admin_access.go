package gateway

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// ownPages refuses what a browser sends to the admin listener for someone else's page. On loopback nobody is asked for a
// token, so that a page from anywhere could read metrics and profiles there, after pointing a name of its own at
// 127.0.0.1 (DNS rebinding): a request must be addressed to this machine, or by a name that was configured. Nor may
// another site's page (W3C Fetch Metadata, Origin) ask for anything, were it only a profile that keeps a processor
// busy; a reader who follows its link may, as that page does not see what comes of it.
func (g *Gateway) ownPages(next http.Handler) http.Handler {
	loopback, names := ownMachineOnly(g.adminListener.Addr()), g.set.Config.Names
	foreign := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case loopback && !front.AnswersTo(r.Host, names):
			answerProblem(w, &adminProblem{
				Type: "misdirected", Title: "The request is addressed to someone else", Status: http.StatusMisdirectedRequest,
				Detail: fmt.Sprintf("Host %.100q: want localhost, a loopback address, or one of names in the configuration", r.Host),
			})
		case foreign.Check(r) != nil || embedded(r):
			answerProblem(w, &adminProblem{
				Type: "cross-origin", Title: "Another site's page may not use this API", Status: http.StatusForbidden,
				Detail: "The browser said that the request comes from elsewhere",
			})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// embedded reports whether another site's page asks for something by itself: for a picture, a script, a frame.
func embedded(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

// administrators lets through who presents a token with the scope admin which is not confined to tenants; health, which
// says nothing of anyone, is for all.
func (g *Gateway) administrators(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const scheme = "Bearer "
		given := r.Header.Get("Authorization")
		open := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		if open || len(given) > len(scheme) && strings.EqualFold(given[:len(scheme)], scheme) &&
			g.rules.Tokens().Admits(given[len(scheme):], front.Admin) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="sluice", scope="admin"`)
		answerProblem(w, &adminProblem{
			Type: "unauthorized", Title: "A token is needed", Status: http.StatusUnauthorized,
			Detail: "want Authorization: Bearer and a token with the scope admin, not confined to a tenant",
		})
	})
}
