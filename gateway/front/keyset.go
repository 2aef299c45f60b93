package front

import "github.com/valyala/fasthttp"

// keysPath is where the public parts of the gateway's signing keys are (RFC 8615).
const keysPath = "/.well-known/jwks.json"

// keySetAge is for how long receivers may keep the keys, in seconds: as long as they may be unaware of one that signs
// already, unless they look again for a kid that they do not know.
const keySetAge = "max-age=300"

// keySet answers GET /.well-known/jwks.json to anyone: public keys are no secret.
func (f *Front) keySet(ctx *fasthttp.RequestCtx, _ *principal, _ string) {
	if f.set.KeySet == nil {
		answer(ctx, notFoundProblem("This gateway has no signing keys"))
		return
	}
	text, err := f.set.KeySet()
	if err != nil {
		f.set.Log.Error().Err(err).Msg("the signing keys cannot be shown")
		answer(ctx, internalProblem())
		return
	}
	ctx.Response.Header.Set("Content-Type", "application/jwk-set+json") // RFC 7517 section 8.5.2
	ctx.Response.Header.Set("Cache-Control", keySetAge)
	ctx.SetBody(text)
}
