package egress

import (
	"errors"
	"io"
	"slices"
	"time"
)

// What is read of a body beyond what is kept, so that its connection can be used again. What is longer or slower costs
// more than a new connection.
const (
	maxDrain  = 64 << 10
	drainTime = time.Second
)

// readBody reads the body's beginning into resp, and past its end where that is near. It returns whether the connection
// stands behind the response's end and may be used again.
func (r *reader) readBody(resp *Response, keep int, cn *conn, deadline time.Time) (reusable bool) {
	if r.framing == noBody {
		return r.reusable()
	}
	err := r.fill(resp, keep)
	if err == nil {
		// Kept in full: is there more?
		err = r.drain(resp, cn, deadline)
	}
	if errors.Is(err, io.EOF) {
		return r.reusable()
	}
	if err != nil {
		resp.Truncated = true
		if !errors.Is(err, errDrain) {
			resp.BodyErr = err
		}
	}
	return false
}

func (r *reader) reusable() bool { return r.keep && r.br.Buffered() == 0 }

// fill reads at most keep bytes into resp.Body; io.EOF: that was all. Memory grows with what arrives, not with what is
// announced.
func (r *reader) fill(resp *Response, keep int) error {
	b := resp.Body[:0]
	defer func() { resp.Body = b }()
	for len(b) < keep {
		if len(b) == cap(b) {
			b = slices.Grow(b, max(512, min(len(b), keep-len(b))))
		}
		n, err := r.Read(b[len(b):min(cap(b), keep)])
		b = b[:len(b)+n]
		if err != nil {
			return err
		}
	}
	return nil
}

var errDrain = errors.New("longer than what is read of a body")

// drain reads what is left, within bounds; io.EOF: up to the end.
func (r *reader) drain(resp *Response, cn *conn, deadline time.Time) error {
	if r.framing == byLength && r.left == 0 {
		return io.EOF
	}
	if r.framing == byLength && r.left > maxDrain {
		return errDrain
	}
	if soon := time.Now().Add(drainTime); soon.Before(deadline) {
		deadline = soon
	}
	if err := cn.SetReadDeadline(deadline); err != nil {
		return err
	}
	n, err := io.CopyN(io.Discard, r, maxDrain)
	resp.Truncated = n > 0
	if err != io.EOF { //nolint:errorlint // CopyN returns it as it is
		return errDrain
	}
	return io.EOF
}

// Read reads of the body, decoded; io.EOF: its end.
func (r *reader) Read(p []byte) (int, error) {
	switch r.framing {
	case byClose:
		return r.br.Read(p)
	case byChunks:
		if r.left == 0 {
			if err := r.nextChunk(); err != nil {
				return 0, unexpected(err)
			}
			if r.left == 0 {
				r.framing = byLength // at its end
				return 0, io.EOF
			}
		}
	default:
		if r.left == 0 {
			return 0, io.EOF
		}
	}
	n, err := r.br.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	return n, unexpected(err)
}

// unexpected: a connection's end within a body whose end is told otherwise is no end of the body.
func unexpected(err error) error {
	if err == io.EOF { //nolint:errorlint // readers return it as it is
		return io.ErrUnexpectedEOF
	}
	return err
}

// nextChunk reads up to the next chunk's data and sets left to its size; of the last chunk, 0, it reads the trailer
// too, and drops it (RFC 9112 section 7.1).
func (r *reader) nextChunk() error {
	if r.inChunks {
		if line, err := r.chunkLine(); err != nil {
			return err
		} else if len(line) > 0 {
			return protocolf("a chunk is longer than it says")
		}
	}
	r.inChunks = true
	line, err := r.chunkLine()
	if err != nil {
		return err
	}
	digits := 0
	for ; digits < len(line); digits++ {
		v := hexValue(line[digits])
		if v < 0 {
			break
		}
		if r.left > (1<<62)/16 {
			return protocolf("chunk size %.40q: too large", line)
		}
		r.left = r.left*16 + int64(v)
	}
	if digits == 0 || digits < len(line) && line[digits] != ';' && line[digits] != ' ' && line[digits] != '\t' {
		return protocolf("chunk size %.40q: want a hexadecimal number", line)
	}
	if r.left > 0 {
		return nil
	}
	for range maxFields {
		if line, err := r.chunkLine(); err != nil || len(line) == 0 {
			return err
		}
	}
	return protocolf("its trailer has more than %d fields", maxFields)
}

// chunkLine reads a line of the chunked coding, which must fit the read buffer.
func (r *reader) chunkLine() ([]byte, error) {
	line, err := r.br.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, nil
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
