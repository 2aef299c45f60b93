package egress

import (
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// Response is what became of an exchange. Do fills it anew; its memory is used again, so whatever is kept of Body or of
// the headers must be copied before the next Do. The zero value is ready for use.
type Response struct {
	Status int    // of the final response; 0: none came
	Body   []byte // its first Settings.MaxResponse bytes

	// Class and Err say why there is no final response; empty and nil: there is one. The classes dns, connect, tls and
	// blocked_destination mean that nothing was sent. A request that cannot be sent at all (ErrAddress, ErrRequest) is
	// of the class blocked_destination too, the one that is never tried again.
	Class policy.ErrorClass
	Err   error
	// TimedOut says that time ran out: Request.Connect for the classes dns, connect and tls, else Request.Timeout.
	TimedOut bool

	// Truncated says that Body is not the whole body, and BodyErr that it could not be read to its end or to what is
	// kept. Neither is a failure of the exchange: the status was given, and a request that was answered must not be
	// repeated because the answer's text broke off. A head of which no more can be told than its status line leaves the
	// status, no fields, an empty Body and a BodyErr.
	Truncated bool
	BodyErr   error

	Sent     time.Time // when the first byte was about to be sent; zero: nothing was
	Received time.Time // when the final response's head was complete; zero: none came
	Reused   bool      // a kept connection was used: that it dropped says nothing of the host's health

	// Elsewhere says that a redirect led to another scheme or authority, whose the response is: it says nothing of the
	// limits and the health of the one that was called. That one's own answer was the status Answered, 0 where no redirect
	// was followed.
	Elsewhere bool
	Answered  int

	header *fasthttp.ResponseHeader // nil: there are no fields
}

// Header returns the value of the first field of a name, in any case, or nil. It is valid until the next Do.
func (r *Response) Header(name string) []byte {
	if r.header != nil {
		for n, value := range r.header.All() {
			if len(n) == len(name) && strings.EqualFold(string(n), name) {
				return value[:len(value):len(value)]
			}
		}
	}
	return nil
}

// VisitAll calls visit for every received field, as fasthttp keeps them: names in the case received and fields of one
// name in the order received, but first, under their usual names, one each of Content-Length, Content-Type,
// Content-Encoding and Server, unless empty, then Set-Cookie and Trailer, then all others in their order; a Connection
// field of just "close" comes last, and is also told where the response ends with the connection. What visit is handed
// is valid until the next Do.
func (r *Response) VisitAll(visit func(name, value []byte)) {
	if r.header != nil {
		for name, value := range r.header.All() {
			visit(name, value)
		}
	}
}

// Forget makes it what it was before any Do; its memory is kept.
func (r *Response) Forget() { r.reset() }

func (r *Response) reset() {
	*r = Response{Body: r.Body[:0], header: r.header}
	r.clearHeader()
}

// clearHeader makes header ready for reading.
func (r *Response) clearHeader() {
	if r.header == nil {
		r.header = new(fasthttp.ResponseHeader)
	}
	r.header.Reset()
	r.header.DisableNormalizing()
	r.header.SetNoDefaultContentType(true)
}

// failure is why an exchange brought no response.
type failure struct {
	class    policy.ErrorClass
	timedOut bool
	err      error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

func (r *Response) fail(f *failure) {
	r.clearHeader()
	r.Status, r.Received, r.Body = 0, time.Time{}, r.Body[:0]
	r.Class, r.TimedOut, r.Err = f.class, f.timedOut, f.err
}
