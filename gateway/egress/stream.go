package egress

import (
	"errors"
	"io"
	"math"
	"net/http/httputil"
	"time"

	"github.com/valyala/fasthttp"
)

// Stream is a response's body that is read as it comes. It belongs to one goroutine, and must be closed: until then it
// keeps its connection.
type Stream struct {
	// Length is the body's in bytes; -1: it ends where it ends. Of a response to HEAD it is what the body of one to GET would
	// have.
	Length int

	give   func(reusable bool) // the connection back; nil: it was
	r      reader
	body   io.LimitedReader
	framed int   // as fasthttp has it: the length, chunked, or smaller where the connection's end is the body's
	ended  bool  // the body was read to its end
	err    error // what reading ended with; io.EOF: all of it was read
	sent   bool  // the request was sent whole, so that the connection may be used again
	until  time.Time

	trailer *fasthttp.ResponseHeader // what stood behind the body; nil: nothing, or it was not read to its end
}

// Open makes one exchange, once, as Do does, but returns with the response's head in resp, and its body to be read, to
// Request.Timeout at most. resp.Body stays empty; a nil Stream: resp says why there is none.
func (c *Client) Open(req *Request, resp *Response) *Stream {
	resp.reset()
	s, f := c.open(req, resp)
	if f != nil {
		resp.fail(f)
		return nil
	}
	return s
}

func (c *Client) open(req *Request, resp *Response) (*Stream, *failure) {
	o, target, deadline, f := c.prepare(req)
	if f != nil {
		return nil, f
	}
	for {
		cn, err := o.acquire(req.connectTime())
		if err != nil {
			return nil, c.acquireFailure(o, err)
		}
		if cn.stale(resp) {
			cn.discard()
			continue
		}
		r := reader{cn: cn}
		sent, err := c.begin(&r, req, target, resp, deadline)
		if err == nil && resp.BodyErr != nil { // salvaged: nothing is known of the body
			err = resp.BodyErr
		}
		if err != nil {
			r.release()
			cn.discard()
			return nil, c.exchangeFailure(o, resp.Reused, err)
		}
		return newStream(r, req.Method, resp, deadline, sent, cn.giveBack), nil
	}
}

func newStream(r reader, method string, resp *Response, until time.Time, sent bool, give func(bool)) *Stream {
	s := &Stream{give: give, r: r, sent: sent, until: until, body: io.LimitedReader{R: r.br, N: math.MaxInt64}}
	length := resp.header.ContentLength()
	s.Length = max(length, -1)
	switch {
	case method == "HEAD":
		s.body.N = 0
	case resp.Status == 204 || resp.Status == 304: // RFC 9112 section 6.3
		s.body.N, s.Length = 0, 0
	default:
		s.framed = length
		switch {
		case s.framed >= 0:
			s.body.N = int64(s.framed)
		case s.framed == chunked:
			s.body.R = httputil.NewChunkedReader(r.br)
		}
	}
	return s
}

// Read reads of the body. An end that came too soon is io.ErrUnexpectedEOF.
func (s *Stream) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.body.Read(p)
	switch {
	case errors.Is(err, io.EOF) && s.framed >= 0 && s.body.N > 0:
		err = io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF), err == nil && s.framed >= 0 && s.body.N == 0:
		s.ended = true
		if s.framed == chunked {
			s.readTrailer()
		}
	}
	s.err = err
	return n, err
}

// readTrailer reads what stands behind a body in chunks. Where it cannot be read, the connection ends.
func (s *Stream) readTrailer() {
	var h fasthttp.ResponseHeader
	h.DisableNormalizing()
	h.SetNoDefaultContentType(true)
	if s.r.readTrailer(&h, s.until) {
		s.trailer = &h
	}
}

// VisitTrailer calls visit for every field behind a body in chunks (RFC 9110 section 6.5) that was read to its end; none of them
// is about the message's framing or its sender. What visit is handed is valid until Close.
func (s *Stream) VisitTrailer(visit func(name, value []byte)) {
	if s.trailer != nil {
		for name, value := range s.trailer.All() {
			visit(name, value)
		}
	}
}

// Close gives the connection back, or ends it where the body was not read to its end.
func (s *Stream) Close() error {
	if s.give == nil {
		return nil
	}
	whole := s.ended || s.framed >= 0 && s.body.N == 0
	if s.framed == chunked {
		whole = s.trailer != nil
	}
	reusable := whole && s.sent && s.framed >= chunked && s.r.reusable()
	s.r.release()
	s.give(reusable)
	s.give = nil
	return nil
}

// release gives back the buffer that the response was read with.
func (r *reader) release() {
	if r.pooled != nil {
		releaseReader(r.pooled)
		r.pooled, r.br = nil, nil
	}
}
