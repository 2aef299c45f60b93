package gateway

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// ownMachineOnly reports whether an address can be reached from this machine only: loopback, or no network's at all.
func ownMachineOnly(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

// door is the front door's listener: bounded for each address, and behind TLS where there is a certificate.
func (g *Gateway) door() net.Listener {
	ln := front.BoundPerAddress(g.listener, g.set.Config.Connections.PerAddress)
	if g.certificate != nil {
		ln = tls.NewListener(ln, g.certificate.config())
	}
	return ln
}

// adminDoor is the admin listener: behind TLS where others reach it and there is a certificate.
func (g *Gateway) adminDoor() net.Listener {
	if g.certificate != nil && !ownMachineOnly(g.adminListener.Addr()) {
		return tls.NewListener(g.adminListener, g.certificate.config())
	}
	return g.adminListener
}

// warnOfDoors says aloud who can reach what.
func (g *Gateway) warnOfDoors() {
	if len(g.set.Config.Tokens) == 0 {
		g.log.Warn().Stringer("listen", g.listener.Addr()).
			Msg("no tokens are configured: every program on this machine may do everything here, and nobody else anything")
		return
	}
	for name, l := range map[string]net.Listener{"listen": g.listener, "admin": g.adminListener} {
		if g.certificate == nil && !ownMachineOnly(l.Addr()) {
			g.log.Warn().Stringer(name, l.Addr()).
				Msg("tokens come over the network unencrypted: anyone on the way can read them")
		}
	}
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
