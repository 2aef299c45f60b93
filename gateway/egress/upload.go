package egress

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"golang.org/x/net/http/httpguts"

	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Upload is a request's body that is sent as it comes: it is read no faster than the destination takes it, and what was read of it
// is not kept.
type Upload struct {
	// Reader is read to its end, or to Length. If it fails, or ends before, the exchange is broken off, with
	// policy.ClassCanceled.
	Reader io.Reader
	// Length is in bytes, and told the destination; -1: it is not known, and the body goes in chunks (RFC 9112 section 7.1).
	Length int64
	// Announced is the Trailer field (RFC 9110 section 6.6.2) of a body in chunks; empty: there is none.
	Announced string
	// Trailer returns the fields behind a body in chunks, once it was read to its end; nil: there are none. What no trailer
	// may hold (RFC 9110 section 6.5.1) is left out.
	Trailer func() []record.Header
}

// uploadError is why a body could not be read to its end, which is no fault of the destination.
type uploadError struct{ err error }

func (e *uploadError) Error() string { return "reading the body to be sent: " + e.err.Error() }

func (e *uploadError) Unwrap() error { return e.err }

// uploadBuffers hold what was read of bodies and is being sent.
var uploadBuffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// writeTo sends the body, each part as soon as it was read. Its errors are *uploadError, or of writing.
func (u *Upload) writeTo(bw *bufio.Writer) error {
	buf := uploadBuffers.Get().(*[16 << 10]byte) //nolint:forcetypeassert // nothing else is put in
	defer uploadBuffers.Put(buf)
	left := u.Length
	for left != 0 {
		part := buf[:]
		if left > 0 {
			part = buf[:min(left, int64(len(buf)))]
		}
		n, err := u.Reader.Read(part)
		if left > 0 {
			left -= int64(n)
		}
		if failed := u.writePart(bw, part[:n]); failed != nil {
			return failed
		}
		switch {
		case err == nil:
		case !errors.Is(err, io.EOF):
			return &uploadError{err}
		case left > 0:
			return &uploadError{io.ErrUnexpectedEOF}
		default:
			left = 0
		}
	}
	if u.Length < 0 {
		return u.writeEnd(bw)
	}
	return nil
}

func (u *Upload) writePart(bw *bufio.Writer, part []byte) error {
	if len(part) == 0 {
		return nil // an empty chunk would be the last
	}
	if u.Length < 0 {
		_, _ = bw.Write(append(strconv.AppendInt(bw.AvailableBuffer(), int64(len(part)), 16), "\r\n"...))
	}
	_, _ = bw.Write(part)
	if u.Length < 0 {
		_, _ = bw.WriteString("\r\n")
	}
	return bw.Flush() // tells of what failed before, too
}

// writeEnd writes the last chunk and the trailer.
func (u *Upload) writeEnd(bw *bufio.Writer) error {
	_, _ = bw.WriteString("0\r\n")
	if u.Trailer != nil {
		for _, h := range u.Trailer() {
			if inTrailer(h.Name) && httpguts.ValidHeaderFieldValue(h.Value) {
				_, _ = bw.Write(appendField(bw.AvailableBuffer(), h.Name, h.Value))
			}
		}
	}
	_, _ = bw.WriteString("\r\n")
	return bw.Flush()
}

// inTrailer reports whether a field may stand in a trailer: none does that says where a message goes, how it is framed, how its
// body is to be read or who sends it (RFC 9110 section 6.5.1).
func inTrailer(name string) bool {
	return httpguts.ValidTrailerHeader(name) && httpguts.ValidHeaderFieldName(name) && !webhook.Reserved(name) &&
		!webhook.HopByHop(name)
}

// check says why the upload cannot be announced.
func (u *Upload) check() error {
	if u.Announced != "" && !httpguts.ValidHeaderFieldValue(u.Announced) {
		return fmt.Errorf("%w: value of header Trailer: want no control characters (RFC 9110 section 5.5)", ErrRequest)
	}
	return nil
}

// appendFraming appends the fields that frame the body.
func (u *Upload) appendFraming(b []byte) []byte {
	if u.Length >= 0 {
		return appendLength(b, u.Length)
	}
	if u.Announced != "" {
		b = appendField(b, "Trailer", u.Announced)
	}
	return appendField(b, "Transfer-Encoding", "chunked")
}
