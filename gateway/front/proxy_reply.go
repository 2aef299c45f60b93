package front

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

// smallReply is up to which length a response's body is read at once; a longer one is passed on as it comes.
const smallReply = 16 << 10

var replyBuffers = sync.Pool{New: func() any { return new([smallReply]byte) }}

// passBack writes a destination's response as this request's.
func passBack(ctx *fasthttp.RequestCtx, reply Reply) {
	h := &ctx.Response.Header
	h.Del("RateLimit") // of the token's rate: here they are the destination's
	h.Del("RateLimit-Policy")
	h.DisableNormalizing()
	h.SetStatusCode(reply.Status())
	copyFields(h, reply)
	h.Add("Via", via)
	n := reply.Length()
	switch {
	case ctx.IsHead():
		ctx.Response.SkipBody = true
		h.SetContentLength(max(n, 0))
		_ = reply.Close()
	case n < 0 || n > smallReply:
		ctx.SetBodyStream(reply, n) // which closes it
	case n == 0:
		_ = reply.Close()
	default:
		buf := replyBuffers.Get().(*[smallReply]byte) //nolint:forcetypeassert // nothing else is put there
		if _, err := io.ReadFull(reply, buf[:n]); err != nil {
			ctx.Response.Reset() // the client must not take a part for the whole
			answer(ctx, failureProblem("reset", false, errors.New("the response broke off")))
		} else {
			ctx.Response.SetBody(buf[:n])
		}
		replyBuffers.Put(buf)
		_ = reply.Close()
	}
}

// copyFields copies the fields of a response but for those of its connection (RFC 9110 section 7.6.1) and its length.
func copyFields(h *fasthttp.ResponseHeader, reply Reply) {
	var named []byte // fields that Connection names
	copied := func(name, value []byte) {
		switch {
		case webhook.HopByHop(string(name)), len(name) == len("Content-Length") && bytes.EqualFold(name, []byte("Content-Length")),
			len(named) > 0 && names(string(named), string(name)):
			return
		case len(name) == len(requestIDHeader) && bytes.EqualFold(name, []byte(requestIDHeader)):
			h.Del(requestIDHeader)
		}
		h.AddBytesKV(name, value)
	}
	reply.VisitAll(func(name, value []byte) {
		if len(name) == len("Connection") && bytes.EqualFold(name, []byte("Connection")) {
			named = append(append(named, ','), value...)
		}
	})
	reply.VisitAll(copied)
}
