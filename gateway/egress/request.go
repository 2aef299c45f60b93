package egress

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// ErrRequest is wrapped by errors about a request that cannot be put on the wire as HTTP/1.1.
var ErrRequest = errors.New("not a sendable request")

// Request is one exchange to be made. It is only read.
type Request struct {
	Method string
	URL    string // absolute, http or https; sent byte for byte
	// Headers are sent in this order and case. Those that govern the connection and the message's length are not the
	// caller's to set: see webhook.Reserved.
	Headers []record.Header
	Body    []byte
	// Upload is sent instead of Body, by Open only; nil: Body is.
	Upload *Upload
	// AsWritten says that no User-Agent is added.
	AsWritten bool
	// Trailers says that the fields behind a response's body are wanted (TE: trailers, RFC 9110 section 10.1.4).
	Trailers bool
	Connect  time.Duration // of resolving, connecting and TLS; 0: DefaultConnect. Timeout bounds it too
	Timeout  time.Duration // of the whole attempt, from resolving to the response's end; 0: DefaultTimeout
	// Private is the name of a header that a redirect must not take to another origin, beside those whose names say that they
	// are credentials. Empty: there is none.
	Private string
	// Redirects is how many are followed, within Timeout; 0: none.
	Redirects int
	// MaxResponse is how many bytes of the response's body are kept; 0: Settings.MaxResponse.
	MaxResponse int
}

// check says why a request for a target cannot be put on the wire.
func (r *Request) check(target string) error {
	if !httpguts.ValidHeaderFieldName(r.Method) {
		return fmt.Errorf("%w: method %q: want a token, as in POST (RFC 9110 section 9.1)", ErrRequest, r.Method)
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == 0x7f {
			return fmt.Errorf("%w: byte %#02x in the URL's path or query: want it percent-encoded", ErrRequest, c)
		}
	}
	for i := range r.Headers {
		h := &r.Headers[i]
		switch {
		case !httpguts.ValidHeaderFieldName(h.Name):
			return fmt.Errorf("%w: header name %.100q: want a token (RFC 9110 section 5.1)", ErrRequest, h.Name)
		case webhook.Reserved(h.Name):
			return fmt.Errorf("%w: header %s: set by the gateway itself; leave it out", ErrRequest, h.Name)
		case !httpguts.ValidHeaderFieldValue(h.Value):
			// The value is not told: it may be a credential.
			return fmt.Errorf("%w: value of header %s: want no control characters (RFC 9110 section 5.5)", ErrRequest, h.Name)
		}
	}
	if r.Upload != nil {
		return r.Upload.check()
	}
	return nil
}

// appendHead appends the head of a request that was checked: everything before the body.
func (r *Request) appendHead(b []byte, authority, target, userAgent string) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	if target == "" || target[0] != '/' {
		b = append(b, '/')
	}
	b = append(b, target...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = appendField(b, "Host", authority)
	hasUserAgent := userAgent == "" || r.AsWritten
	for i := range r.Headers {
		h := &r.Headers[i]
		hasUserAgent = hasUserAgent || strings.EqualFold(h.Name, "User-Agent")
		b = appendField(b, h.Name, h.Value)
	}
	if !hasUserAgent {
		b = appendField(b, "User-Agent", userAgent)
	}
	if r.Trailers {
		b = append(b, "TE: trailers\r\nConnection: TE\r\n"...)
	}
	switch {
	case r.Upload != nil:
		b = r.Upload.appendFraming(b)
	// RFC 9110 section 8.6: told although zero where the method gives a body a meaning.
	case len(r.Body) > 0 || r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH":
		b = appendLength(b, int64(len(r.Body)))
	}
	return append(b, "\r\n"...)
}

func appendLength(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	return append(strconv.AppendInt(b, n, 10), "\r\n"...)
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}
