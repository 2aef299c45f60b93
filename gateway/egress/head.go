package egress

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/valyala/fasthttp"
	"golang.org/x/net/http/httpguts"
)

// The bounds of a response's head.
const (
	MaxHead          = 16 << 10 // bytes, from the status line to the empty line
	maxFields        = 256
	maxInformational = 32 // responses before the final one
)

// errProtocol is wrapped by errors about what is not HTTP/1.x (RFC 9112).
var errProtocol = errors.New("unreadable response")

var errZeros = protocolf("its status is 000: want one from 100")

func protocolf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errProtocol, fmt.Errorf(format, args...))
}

// reader reads one response from a connection.
type reader struct {
	cn     *conn
	pooled *bufio.Reader // reads from cn
	br     *bufio.Reader // pooled, or a larger one in front of it
	keep   bool          // the connection may be used again, as far as read
}

// readHead reads the head of the final response into resp. Informational responses are passed over (RFC 9110 section
// 15.2).
func (r *reader) readHead(resp *Response) error {
	h := resp.header
	for range maxInformational + 1 {
		if err := r.readFields(h); errors.Is(err, errZeros) {
			return err
		} else if err != nil {
			return r.salvage(resp)
		}
		status, version := h.StatusCode(), h.Protocol()
		switch {
		case string(version) != "HTTP/1.1" && string(version) != "HTTP/1.0", status < 100:
			return protocolf("its status line has %q and %d: want HTTP/1.0 or 1.1, and a status from 100", version, status)
		case h.Len() > maxFields:
			resp.header = nil // it has grown large
			return protocolf("it has more than %d header fields", maxFields)
		case status == fasthttp.StatusSwitchingProtocols:
			return protocolf("status 101 to a request that asked for no other protocol: upgrades are not carried")
		case status < 200:
			continue
		}
		resp.Status = status
		r.keep = !h.ConnectionClose() && !closes(h)
		return nil
	}
	return protocolf("it is preceded by more than %d informational ones", maxInformational)
}

// readFields reads one head. A head must fit fasthttp's buffer, so one that does not is read with a larger one, which
// few destinations ever need.
func (r *reader) readFields(h *fasthttp.ResponseHeader) error {
	// Which status was read fasthttp cannot tell of 000: to it, none is 200.
	if line, _ := r.br.Peek(len("HTTP/1.1 000")); bytes.HasSuffix(line, []byte(" 000")) {
		return errZeros
	}
	err := h.Read(r.br)
	if err == nil {
		return nil
	}
	if small := (*fasthttp.ErrSmallBuffer)(nil); errors.As(err, &small) && r.br.Size() < MaxHead {
		r.br = bufio.NewReaderSize(r.br, MaxHead)
		return h.Read(r.br)
	}
	return err
}

// salvage judges a head that fasthttp did not take, because a line is no field, a length no number, a coding unknown,
// or lines end with a bare LF. If it is complete and its status line is sound, the status counts and nothing else does:
// it was given, and what is odd behind it matters less than not sending the request twice.
func (r *reader) salvage(resp *Response) error {
	resp.header = nil                     // it may have grown large
	seen, _ := r.br.Peek(r.br.Buffered()) // fasthttp consumes a head only when it took it
	line, _, _ := bytes.Cut(seen, []byte("\n"))
	if bytes.Contains(seen, []byte("\n\r\n")) || bytes.Contains(seen, []byte("\n\n")) {
		if status, ok := statusOf(line); ok {
			resp.Status, resp.Truncated = status, true
			resp.BodyErr = protocolf("its header fields or its length cannot be told")
			return nil
		}
	}
	switch failed := r.cn.failed; {
	case failed == nil && len(seen) == MaxHead:
		return protocolf("its head is longer than %d bytes", MaxHead)
	case failed == nil:
		return protocolf("it begins with %.80q: want a response of HTTP/1.0 or 1.1", line)
	case errors.Is(failed, io.EOF) && len(seen) > 0:
		return io.ErrUnexpectedEOF
	default:
		return failed
	}
}

// statusOf reads a final response's status line, as in "HTTP/1.1 200 OK"; the reason and the space before it may be
// missing (RFC 9112 section 4).
func statusOf(line []byte) (status int, ok bool) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	ok = bytes.HasPrefix(line, []byte("HTTP/1.1 ")) || bytes.HasPrefix(line, []byte("HTTP/1.0 "))
	if !ok || len(line) < 12 || len(line) > 12 && line[12] != ' ' {
		return 0, false
	}
	status, err := strconv.Atoi(string(line[9:12]))
	return status, err == nil && status >= 200
}

// closes reports whether a Connection field has close in whichever case, and among others (RFC 9110 section 7.6.1);
// fasthttp looks for the bare word.
func closes(h *fasthttp.ResponseHeader) bool {
	for name, value := range h.All() {
		if len(name) == len("Connection") && bytes.EqualFold(name, []byte("Connection")) &&
			httpguts.HeaderValuesContainsToken([]string{string(value)}, "close") {
			return true
		}
	}
	return false
}
