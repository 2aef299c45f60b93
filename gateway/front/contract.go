package front

import (
	_ "embed" // the contract

	"github.com/valyala/fasthttp"
)

// Contract is the OpenAPI document of the front door (https://spec.openapis.org/oas/v3.1.0): the one source, which tests
// hold against the routes and what they answer.
//
//go:embed openapi.yaml
var Contract []byte

// contract answers GET /openapi.yaml.
func (f *Front) contract(ctx *fasthttp.RequestCtx, _ *principal, _ string) {
	ctx.SetContentType("application/yaml") // RFC 9512
	ctx.SetBody(Contract)
}
