package front

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// checkAddressee refuses what a browser sends on behalf of someone else's page. The front door may be reachable from a
// browser on the same machine, and a page from anywhere could otherwise have webhooks sent (CSRF), or, after pointing a
// name of its own at 127.0.0.1, read what they say (DNS rebinding).
//
// So, where no token is asked for, a request must be addressed to localhost, a loopback address or a name that was
// configured: with tokens, a page has nothing to gain from a name, because browsers add no token by themselves. In both
// cases Sec-Fetch-Site (W3C Fetch Metadata) must not tell of another site, and an Origin (RFC 6454) must be the front
// door's own. Programs that are no browsers send neither header.
func (f *Front) checkAddressee(ctx *fasthttp.RequestCtx, form proxyForm) *problem {
	h := &ctx.Request.Header
	host := string(h.Host())
	if f.set.Tokens().none() && !AnswersTo(host, f.set.Names) {
		return misdirectedProblem(host)
	}
	if site := h.Peek("Sec-Fetch-Site"); len(site) > 0 && string(site) != "same-origin" && string(site) != "none" {
		return crossOriginProblem()
	}
	if form == formPath && string(h.Peek("Sec-Fetch-Mode")) == "navigate" {
		// Someone follows a link: what it leads to would be a page of the front door's own origin, and may do here whatever
		// its reader may.
		return crossOriginProblem()
	}
	if origin := h.Peek("Origin"); len(origin) > 0 {
		_, authority, ok := bytes.Cut(origin, []byte("://"))
		if !ok || !strings.EqualFold(string(authority), host) {
			return crossOriginProblem()
		}
	}
	return nil
}

// AnswersTo reports whether a Host field names a listener on loopback: localhost, a loopback address, or one of names, in
// lower case. An empty one is HTTP/1.0's. Any other may be a name of someone else's which was pointed here.
func AnswersTo(host string, names []string) bool {
	name := hostOnly(host)
	if name == "" || name == "localhost" || slices.Contains(names, name) {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Unmap().IsLoopback()
}

// hostOnly returns the host of an authority: in lower case, without port, brackets and final dot.
func hostOnly(authority string) string {
	name := authority
	if host, _, err := net.SplitHostPort(authority); err == nil {
		name = host
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
}
