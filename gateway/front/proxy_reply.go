package front

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

// smallReply is up to which length a response's body is read at once; a longer one is passed on as it comes.
const smallReply = 16 << 10

var replyBuffers = sync.Pool{New: func() any { return new([smallReply]byte) }}

// passBack writes a destination's response as this request's, and what stands behind its body if that is wanted. The reply is
// closed, or will be once the client has its body.
func passBack(ctx *fasthttp.RequestCtx, reply Reply, trailers bool) {
	streams := false
	defer func() {
		if !streams { // read, or a panic
			_ = reply.Close()
		}
	}()
	h := &ctx.Response.Header
	h.DisableNormalizing()
	h.SetStatusCode(reply.Status())
	copyFields(h, reply, trailers)
	h.Add("Via", via)
	n := reply.Length()
	switch {
	case ctx.IsHead():
		ctx.Response.SkipBody = true
		h.SetContentLength(n)
	case n < 0 || n > smallReply:
		ctx.SetBodyStream(&replyStream{reply, ctx, trailers}, n) // which closes it
		ctx.Response.ImmediateHeaderFlush = true                 // the body's first byte may be long in coming
		streams = true
	case n == 0:
	default:
		buf := replyBuffers.Get().(*[smallReply]byte) //nolint:forcetypeassert // nothing else is put there
		if _, err := io.ReadFull(reply, buf[:n]); err != nil {
			ctx.Response.Reset() // the client must not take a part for the whole
			answer(ctx, failureProblem("reset", false, errors.New("the response broke off")))
		} else {
			ctx.Response.SetBody(buf[:n])
		}
		replyBuffers.Put(buf)
	}
}

// copyFields copies the fields of a response but for those of its connection (RFC 9110 section 7.6.1) and its length.
func copyFields(h *fasthttp.ResponseHeader, reply Reply, trailers bool) {
	var named []byte // fields that Connection names
	copied := func(name, value []byte) {
		switch {
		case trailers && len(name) == len("Trailer") && bytes.EqualFold(name, []byte("Trailer")):
			_ = h.AddTrailerBytes(value) // which leaves out what no trailer may hold
			return
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

// replyStream is a response's body as it is passed on.
type replyStream struct {
	Reply
	ctx      *fasthttp.RequestCtx
	trailers bool
}

// Read is io.Reader's. The client has its time for each part, and not for all of it.
func (s *replyStream) Read(p []byte) (int, error) {
	n, err := s.Reply.Read(p)
	if n > 0 {
		_ = s.ctx.Conn().SetWriteDeadline(time.Now().Add(writeTimeout)) // writing tells
	}
	if s.trailers && errors.Is(err, io.EOF) {
		h := &s.ctx.Response.Header // of which nothing is written any more but the trailer
		s.VisitTrailer(func(name, value []byte) {
			h.DelBytes(name)
			h.AddBytesKV(name, value)
		})
	}
	return n, err
}
