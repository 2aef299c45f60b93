package egress

import (
	"strings"
	"time"

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
	// repeated because the answer's text broke off.
	Truncated bool
	BodyErr   error

	Sent     time.Time // when the first byte was about to be sent; zero: nothing was
	Received time.Time // when the final response's head was complete; zero: none came
	Reused   bool      // a kept connection was used: that it dropped says nothing of the host's health

	head   []byte // names and values, one after the other
	fields []field
}

// field is where a header is in Response.head. MaxHead fits.
type field struct{ name, value, end uint16 }

// Header returns the value of the first received field of a name, in any case, or nil. It is valid until the next Do.
func (r *Response) Header(name string) []byte {
	for _, f := range r.fields {
		if int(f.value-f.name) == len(name) && strings.EqualFold(string(r.head[f.name:f.value]), name) {
			return r.head[f.value:f.end:f.end]
		}
	}
	return nil
}

// VisitAll calls visit for every received field, in the order and case received. What it is handed is valid until the
// next Do.
func (r *Response) VisitAll(visit func(name, value []byte)) {
	for _, f := range r.fields {
		visit(r.head[f.name:f.value:f.value], r.head[f.value:f.end:f.end])
	}
}

func (r *Response) reset() {
	*r = Response{Body: r.Body[:0], head: r.head[:0], fields: r.fields[:0]}
}

// failure is why an exchange brought no response.
type failure struct {
	class    policy.ErrorClass
	timedOut bool
	err      error
}

func (r *Response) fail(f *failure) {
	r.Status, r.Received = 0, time.Time{}
	r.head, r.fields, r.Body = r.head[:0], r.fields[:0], r.Body[:0]
	r.Class, r.TimedOut, r.Err = f.class, f.timedOut, f.err
}
