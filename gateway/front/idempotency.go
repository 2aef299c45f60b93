package front

import (
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

// The Idempotency-Key header follows draft-ietf-httpapi-idempotency-key-header: a structured-field string in quotes
// (section 2.1), and 422 when a key comes with another request than the first time (section 2.7); its 409 is for a
// first request that is still being worked on, which does not happen here: a key is decided in one commit. Keys are also
// taken without quotes, as most clients write them.
const idempotencyHeader = "Idempotency-Key"

// idempotencyKey reads the header; empty: it was not given.
func idempotencyKey(h *fasthttp.RequestHeader) (string, *problem) {
	given := h.PeekAll(idempotencyHeader)
	if len(given) == 0 {
		return "", nil
	}
	const want = `a string of 1 to 256 printable ASCII characters, once, as in Idempotency-Key: "7f3c"`
	key := strings.TrimSpace(string(given[0]))
	if inner, ok := strings.CutPrefix(key, `"`); ok {
		if key, ok = strings.CutSuffix(inner, `"`); !ok {
			return "", badRequest(idempotencyHeader+" has no closing quote", want)
		}
		key = unescapeQuoted.Replace(key)
	}
	switch {
	case len(given) > 1:
		return "", badRequest(idempotencyHeader+" is given more than once", want)
	case key == "":
		return "", badRequest(idempotencyHeader+" is empty", want)
	case len(key) > webhook.MaxName:
		return "", badRequest(fmt.Sprintf("%s of %d bytes is too long", idempotencyHeader, len(key)), want)
	case strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }):
		return "", badRequest(idempotencyHeader+" holds a character that is not printable ASCII", want)
	}
	return key, nil
}

// unescapeQuoted undoes what RFC 9651 section 3.3.3 escapes in a string.
var unescapeQuoted = strings.NewReplacer(`\"`, `"`, `\\`, `\`)

// markReplayed tells that the answer is the first request's again.
func markReplayed(ctx *fasthttp.RequestCtx) { ctx.Response.Header.Set("Idempotent-Replayed", "true") }
