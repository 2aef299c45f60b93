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

// part is what one request has of the bound. It is given back when the request is done, whatever came of reading its body.
type part struct {
	of   *bodies
	took int64
}

// grow takes what is missing to n bytes, or nothing.
func (p *part) grow(n int64) bool {
	if p.of.left.Add(p.took-n) < 0 {
		p.of.left.Add(n - p.took)
		return false
	}
	p.took = n
	return true
}

func (p *part) giveBack() { p.of.left.Add(p.took) }

// readBody reads a request's body whole, for handlers to find it in ctx.Request, within the bound of all. After a problem the
// connection holds what was not read, and must end.
func (f *Front) readBody(ctx *fasthttp.RequestCtx, room *part) *problem {
	if !ctx.Request.IsBodyStream() {
		return nil
	}
	length := int64(ctx.Request.Header.ContentLength())
	switch {
	case length > MaxRequest:
		return tooLargeProblem(ctx)
	case length >= 0 && length <= smallBody:
		_ = ctx.Request.Body() // it is there already
		return nil
	}
	var body []byte
	var p *problem
	var err error
	if length >= 0 {
		if !room.grow(length) {
			return crowdedProblem()
		}
		body = make([]byte, length)
		_, err = io.ReadFull(ctx.RequestBodyStream(), body)
	} else {
		body, p, err = f.readChunks(ctx, room)
	}
	switch {
	case p != nil:
		return p
	case err != nil:
		return f.unreadProblem(err)
	}
	ctx.Request.SetBodyRaw(body)
	return nil
}

// readChunks reads a body of unknown length. It takes as much of the bound as it has room for.
func (f *Front) readChunks(ctx *fasthttp.RequestCtx, room *part) (body []byte, p *problem, err error) {
	stream := ctx.RequestBodyStream()
	size := int64(firstChunks)
	for {
		if !room.grow(size) {
			return nil, crowdedProblem(), nil
		}
		grown := make([]byte, len(body), size)
		copy(grown, body)
		body = grown
		for int64(len(body)) < size {
			n, err := stream.Read(body[len(body):size])
			body = body[:len(body)+n]
			switch {
			case errors.Is(err, io.EOF):
				return body, nil, nil
			case err != nil:
				return nil, nil, err
			}
		}
		if size > MaxRequest {
			return nil, tooLargeProblem(ctx), nil
		}
		size = min(2*size, MaxRequest+1) // the one byte more tells that it is too large
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
