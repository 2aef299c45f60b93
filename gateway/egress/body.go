package egress

import (
	"errors"
	"io"
	"math"
	"net/http/httputil"
	"slices"
	"time"

	"github.com/valyala/fasthttp"
)

// What is read of a body beyond what is kept, so that its connection can be used again. What is longer or slower costs
// more than a new connection.
const (
	maxDrain  = 64 << 10
	drainTime = time.Second
)

// chunked is what fasthttp gives for the length of a body in chunks; smaller numbers say that it ends with the
// connection.
const chunked = -1

// readBody reads the body's beginning into resp, and past its end where that is near. It returns whether the connection
// stands behind the response's end and may be used again.
func (r *reader) readBody(resp *Response, method string, keep int, deadline time.Time) (reusable bool) {
	if resp.BodyErr != nil {
		return false // salvaged
	}
	if method == "HEAD" || resp.Status == 204 || resp.Status == 304 { // RFC 9112 section 6.3
		return r.reusable()
	}
	length := resp.header.ContentLength()
	body := &io.LimitedReader{R: r.br, N: math.MaxInt64}
	switch {
	case length >= 0:
		body.N = int64(length)
	case length == chunked:
		body.R = httputil.NewChunkedReader(r.br)
	}
	err := fill(resp, body, keep)
	soon := time.Now().Add(drainTime)
	if deadline.Before(soon) {
		soon = deadline
	}
	switch { // kept in full: is there more?
	case err != nil:
	case length >= 0 && body.N > maxDrain:
		err = errDrain
	default:
		err = drain(resp, body, r.cn, soon)
	}
	if errors.Is(err, io.EOF) && length >= 0 && body.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	switch {
	case errors.Is(err, errDrain):
		resp.Truncated = true
	case !errors.Is(err, io.EOF):
		resp.Truncated, resp.BodyErr = true, err
	case length == chunked:
		var trailer fasthttp.ResponseHeader
		return r.readTrailer(&trailer, soon) && r.reusable()
	default:
		return r.reusable()
	}
	return false
}

func (r *reader) reusable() bool { return r.keep && r.br.Buffered() == 0 && r.pooled.Buffered() == 0 }

// fill reads at most keep bytes into resp.Body; io.EOF: that was all. Memory grows with what arrives, not with what is
// announced.
func fill(resp *Response, body io.Reader, keep int) error {
	b := resp.Body[:0]
	defer func() { resp.Body = b }()
	for len(b) < keep {
		if len(b) == cap(b) {
			b = slices.Grow(b, max(512, min(len(b), keep-len(b))))
		}
		n, err := body.Read(b[len(b):min(cap(b), keep)])
		b = b[:len(b)+n]
		if err != nil {
			return err
		}
	}
	return nil
}

var errDrain = errors.New("longer than what is read of a body")

// drain reads what is left, within bounds; io.EOF: up to the end.
func drain(resp *Response, body io.Reader, cn *conn, deadline time.Time) error {
	if err := cn.SetReadDeadline(deadline); err != nil {
		return err
	}
	n, err := io.CopyN(io.Discard, body, maxDrain)
	resp.Truncated = n > 0
	if !errors.Is(err, io.EOF) {
		return errDrain
	}
	return io.EOF
}

// readTrailer reads the fields behind the last chunk (RFC 9112 section 7.1.2).
func (r *reader) readTrailer(into *fasthttp.ResponseHeader, deadline time.Time) bool {
	return r.cn.SetReadDeadline(deadline) == nil && into.ReadTrailer(r.br) == nil
}
