package front

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

const (
	// DefaultBodies is what the bodies of all requests together take of memory: sixteen of the largest.
	DefaultBodies = 16 * MaxRequest

	// smallBody is what the HTTP server reads along with a request's headers: that is bounded by the connections.
	smallBody = 8 << 10
	// firstChunks is what a body of unknown length gets first; it doubles.
	firstChunks = 64 << 10
)

// bodies is a semaphore of bytes. A request whose body does not fit is refused at once: to wait would hold what its client
// sends in the kernel's buffers, and its connection.
type bodies struct{ left atomic.Int64 }

func (b *bodies) take(n int64) bool {
	if b.left.Add(-n) < 0 {
		b.left.Add(n)
		return false
	}
	return true
}

func (b *bodies) give(n int64) { b.left.Add(n) }

// readBody reads a request's body whole, for handlers to find it in ctx.Request, and returns how much of the bound it took,
// which is to be given back when the request is done. After a problem the connection holds what was not read, and must end.
func (f *Front) readBody(ctx *fasthttp.RequestCtx) (took int64, p *problem) {
	if !ctx.Request.IsBodyStream() {
		return 0, nil
	}
	length := int64(ctx.Request.Header.ContentLength())
	switch {
	case length > MaxRequest:
		return 0, tooLargeProblem(ctx)
	case length >= 0 && length <= smallBody:
		_ = ctx.Request.Body() // it is there already
		return 0, nil
	}
	var body []byte
	var err error
	if length >= 0 {
		took = length
		if !f.bodies.take(took) {
			return 0, crowdedProblem()
		}
		body = make([]byte, length)
		_, err = io.ReadFull(ctx.RequestBodyStream(), body)
	} else {
		body, took, p, err = f.readChunks(ctx)
	}
	switch {
	case p != nil:
		return took, p
	case err != nil:
		return took, f.unreadProblem(err)
	}
	ctx.Request.SetBodyRaw(body)
	return took, nil
}

// readChunks reads a body of unknown length. It takes as much of the bound as it has room for.
func (f *Front) readChunks(ctx *fasthttp.RequestCtx) (body []byte, took int64, p *problem, err error) {
	stream := ctx.RequestBodyStream()
	room := int64(firstChunks)
	for {
		if !f.bodies.take(room - took) {
			return nil, took, crowdedProblem(), nil
		}
		took = room
		grown := make([]byte, len(body), room)
		copy(grown, body)
		body = grown
		for int64(len(body)) < room {
			n, err := stream.Read(body[len(body):room])
			body = body[:len(body)+n]
			switch {
			case errors.Is(err, io.EOF):
				return body, took, nil, nil
			case err != nil:
				return nil, took, nil, err
			}
		}
		if room > MaxRequest {
			return nil, took, tooLargeProblem(ctx), nil
		}
		room = min(2*room, MaxRequest+1) // the one byte more tells that it is too large
	}
}

func tooLargeProblem(ctx *fasthttp.RequestCtx) *problem {
	linger(ctx.Conn())
	return newProblem(413, "too-large", "The request is too large", fmt.Sprintf("want at most %d bytes", MaxRequest))
}

// crowdedProblem is the answer to a body that does not fit beside the others.
func crowdedProblem() *problem {
	p := newProblem(503, "busy", "Too much waits to be written", "Nothing was stored: the requests under way take all the memory for them")
	p.retryAfter = busyRetryAfter
	return p
}

// unreadProblem says why a body could not be read to its end.
func (f *Front) unreadProblem(err error) *problem {
	if isTimeout(err) {
		return f.lateProblem()
	}
	return badRequest("its body could not be read", "as many bytes as Content-Length says, or chunks (RFC 9112 section 6)")
}

func isTimeout(err error) bool {
	var broken interface{ Timeout() bool }
	return errors.As(err, &broken) && broken.Timeout()
}

func (f *Front) lateProblem() *problem {
	return newProblem(408, "timeout", "The request did not arrive in time", fmt.Sprintf("want it within %s", f.set.ReadTimeout))
}
