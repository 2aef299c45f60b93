package front

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	requestIDHeader = "X-Request-Id"
	maxRequestID    = 128
)

// requestIDs makes names for requests: eight random digits of the process, and a number.
type requestIDs struct {
	begin string
	last  atomic.Uint64
}

func newRequestIDs() *requestIDs {
	var b [4]byte
	rand.Read(b[:])
	return &requestIDs{begin: hex.EncodeToString(b[:]) + "-"}
}

// mark answers with the request's X-Request-Id, or one of its own where it has none that a log could hold.
func (r *requestIDs) mark(ctx *fasthttp.RequestCtx) {
	id := ctx.Request.Header.Peek(requestIDHeader)
	if len(id) == 0 || len(id) > maxRequestID || !printable(id) {
		r.own(ctx)
		return
	}
	ctx.Response.Header.SetBytesV(requestIDHeader, id)
}

// own answers with a name of its own.
func (r *requestIDs) own(ctx *fasthttp.RequestCtx) {
	var b [32]byte
	ctx.Response.Header.SetBytesV(requestIDHeader, strconv.AppendUint(append(b[:0], r.begin...), r.last.Add(1), 10))
}

func printable(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// logAccess writes a line about a request that was answered.
func (f *Front) logAccess(ctx *fasthttp.RequestCtx, by *principal) {
	began := ctx.Time()
	if began.IsZero() { // the connection was one too many, and this its only request
		began = ctx.ConnTime()
	}
	line := f.set.Log.Info().Bytes("method", ctx.Method()).Str("path", shownPath(ctx)).Int("status", ctx.Response.StatusCode()).
		Int("request_bytes", requestBytes(ctx)).Int("response_bytes", responseBytes(ctx)).
		Dur("duration_ms", time.Since(began)).Stringer("from", ctx.RemoteAddr()).
		Bytes("request_id", ctx.Response.Header.Peek(requestIDHeader))
	if by != nil && by.name != "" {
		line = line.Str("token", by.name)
	}
	line.Msg("request")
}

// requestBytes is the length of a request's body; of one that was not kept, as it was told, -1 where it was not.
func requestBytes(ctx *fasthttp.RequestCtx) int {
	if ctx.Request.IsBodyStream() {
		return max(ctx.Request.Header.ContentLength(), -1)
	}
	return len(ctx.Request.Body())
}

// responseBytes is the length of a response's body; of one that is still to be passed on, as it was told, -1 where it was not.
func responseBytes(ctx *fasthttp.RequestCtx) int {
	if ctx.Response.IsBodyStream() {
		return max(ctx.Response.Header.ContentLength(), -1)
	}
	return len(ctx.Response.Body())
}
