package egress

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// The bounds of a response's head. Informational responses before it count towards the same bound.
const (
	MaxHead   = 16 << 10 // bytes, from the status line to the empty line
	maxFields = 256
)

// readSize is the read buffer of a call in flight.
const readSize = 4 << 10

// errProtocol is wrapped by errors about what is not HTTP/1.x (RFC 9112).
var errProtocol = errors.New("unreadable response")

func protocolf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errProtocol, fmt.Errorf(format, args...))
}

// reader reads one response from a connection.
type reader struct {
	br       *bufio.Reader
	headLeft int  // bytes the head may still have
	keep     bool // the connection may be used again, as far as read
	framing  framing
	left     int64 // bytes left of the body, or of the chunk
	inChunks bool  // a first chunk was read
}

func newReader() *reader { return &reader{br: bufio.NewReaderSize(nil, readSize)} }

// readHead reads the head of the final response into resp: Status, head and fields. Informational responses are passed
// over (RFC 9110 section 15.2).
func (r *reader) readHead(resp *Response, method string) error {
	r.headLeft = MaxHead
	for {
		r.keep = true
		resp.head, resp.fields = resp.head[:0], resp.fields[:0]
		status, minor, err := r.readStatusLine(resp)
		if err != nil {
			return err
		}
		resp.head = resp.head[:0]
		if err := r.readFields(resp); err != nil {
			return err
		}
		switch {
		case status == 101:
			return protocolf("status 101 to a request that asked for no other protocol")
		case status >= 200:
			resp.Status = status
			return r.frame(resp, method, minor)
		}
	}
}

// readLine appends the next line to resp.head, without its end, which may be a bare LF (RFC 9112 section 2.2), and
// returns where it begins.
func (r *reader) readLine(resp *Response) (start int, err error) {
	start = len(resp.head)
	for {
		part, err := r.br.ReadSlice('\n')
		if r.headLeft -= len(part); r.headLeft < 0 {
			return start, protocolf("its head is longer than %d bytes", MaxHead)
		}
		resp.head = append(resp.head, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && (len(part) > 0 || r.headLeft < MaxHead):
			return start, io.ErrUnexpectedEOF
		case err != nil:
			return start, err
		}
		n := len(resp.head) - 1
		if n > start && resp.head[n-1] == '\r' {
			n--
		}
		resp.head = resp.head[:n]
		return start, nil
	}
}

// readStatusLine reads "HTTP/1.1 200 OK"; the reason and the space before it may be missing (RFC 9112 section 4).
func (r *reader) readStatusLine(resp *Response) (status, minor int, err error) {
	start, err := r.readLine(resp)
	if err != nil {
		return 0, 0, err
	}
	line := resp.head[start:]
	rest, ok := bytes.CutPrefix(line, []byte("HTTP/1."))
	ok = ok && len(rest) >= 5 && (rest[0] == '0' || rest[0] == '1') && rest[1] == ' ' && (len(rest) == 5 || rest[5] == ' ')
	if ok {
		for _, c := range rest[2:5] {
			ok = ok && '0' <= c && c <= '9'
			status = status*10 + int(c) - '0'
		}
	}
	if !ok || status < 100 {
		return 0, 0, protocolf("it begins with %.80q: want a status line of HTTP/1.0 or 1.1", line)
	}
	return status, int(rest[0] - '0'), nil
}

// readFields reads up to the empty line. A line that is no field is dropped, and the connection not used again: the
// status was given, and what one odd line means matters less than not sending the request twice.
func (r *reader) readFields(resp *Response) error {
	for folds := false; ; { // folds: the line before was a field, which a folded line goes on
		start, err := r.readLine(resp)
		if err != nil {
			return err
		}
		line := resp.head[start:]
		if len(line) == 0 {
			return nil
		}
		if line[0] == ' ' || line[0] == '\t' {
			r.unfold(resp, start, folds)
			continue
		}
		if len(resp.fields) == maxFields {
			return protocolf("it has more than %d header fields", maxFields)
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || !httpguts.ValidHeaderFieldName(string(line[:colon])) {
			r.keep, folds = false, false
			resp.head = resp.head[:start]
			continue
		}
		value := bytes.Trim(line[colon+1:], " \t")
		for i, c := range value {
			if c < ' ' && c != '\t' || c == 0x7f {
				value[i], r.keep = ' ', false // RFC 9110 section 5.5
			}
		}
		folds = true
		// The value moves up to its name.
		n := start + colon
		resp.head = append(resp.head[:n], value...)
		resp.fields = append(resp.fields, field{uint16(start), uint16(n), uint16(len(resp.head))}) //nolint:gosec // < MaxHead
	}
}

// unfold makes a line that begins with white space part of the field before it (obs-fold, RFC 9112 section 5.2).
func (r *reader) unfold(resp *Response, start int, folds bool) {
	more := bytes.Trim(resp.head[start:], " \t")
	resp.head = resp.head[:start]
	if !folds {
		r.keep = false
		return
	}
	for i, c := range more {
		if c < ' ' && c != '\t' || c == 0x7f {
			more[i], r.keep = ' ', false
		}
	}
	if len(more) > 0 { // it was preceded by white space, so the space to put in fits before it
		resp.head = append(append(resp.head, ' '), more...)
		resp.fields[len(resp.fields)-1].end = uint16(len(resp.head)) //nolint:gosec // < MaxHead
	}
}

// framing is how a body's end is told (RFC 9112 section 6.3).
type framing uint8

const (
	noBody framing = iota
	byLength
	byChunks
	byClose
)

// frame decides how the body ends and whether the connection stays open behind it.
func (r *reader) frame(resp *Response, method string, minor int) error {
	var (
		length             = int64(-1)
		coded, chunked     bool
		closed, keepAlive  bool
		connection, coding = "Connection", "Transfer-Encoding"
	)
	for _, f := range resp.fields {
		name, value := resp.head[f.name:f.value], resp.head[f.value:f.end]
		switch {
		case len(name) == len(connection) && strings.EqualFold(string(name), connection):
			closed = closed || hasToken(value, "close")
			keepAlive = keepAlive || hasToken(value, "keep-alive")
		case len(name) == len(coding) && strings.EqualFold(string(name), coding):
			coded = true
			last := value[bytes.LastIndexByte(value, ',')+1:]
			chunked = bytes.EqualFold(bytes.TrimSpace(last), []byte("chunked"))
		case len(name) == len("Content-Length") && strings.EqualFold(string(name), "Content-Length"):
			n, err := parseLength(value)
			if err != nil {
				return err
			}
			if length >= 0 && n != length {
				return protocolf("it has two Content-Length, %d and %d", length, n)
			}
			length = n
		}
	}
	if closed || minor == 0 && !keepAlive {
		r.keep = false
	}
	if coded && (length >= 0 || minor == 0) {
		r.keep = false // RFC 9112 section 6.1: someone on the way may see another end than we do
	}
	r.left, r.inChunks = 0, false
	switch {
	case method == "HEAD" || resp.Status == 204 || resp.Status == 304:
		r.framing = noBody
	case chunked:
		r.framing = byChunks
	case coded || length < 0:
		r.framing, r.keep = byClose, false
	default:
		r.framing, r.left = byLength, length
	}
	return nil
}

// parseLength reads a Content-Length, which may be a list of equal numbers (RFC 9112 section 6.3).
func parseLength(value []byte) (int64, error) {
	length := int64(-1)
	for part := range bytes.SplitSeq(value, []byte(",")) {
		part = bytes.TrimSpace(part)
		n := int64(0)
		for _, c := range part {
			if c < '0' || c > '9' || n > (1<<62)/10 {
				n = -1
				break
			}
			n = n*10 + int64(c-'0')
		}
		if len(part) == 0 || n < 0 || length >= 0 && n != length {
			return 0, protocolf("Content-Length %.80q: want one number", value)
		}
		length = n
	}
	return length, nil
}

// hasToken reports whether a comma-separated list has a token, in any case.
func hasToken(list []byte, token string) bool {
	for part := range bytes.SplitSeq(list, []byte(",")) {
		if strings.EqualFold(string(bytes.TrimSpace(part)), token) {
			return true
		}
	}
	return false
}
