package front

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/persist/record"
)

// The body of a request to be passed on is read whole before its turn is asked for where it is small and its length is told, so
// that a slow client costs its destination no slot. A longer one, or one in chunks, is passed on as it comes, once it has begun to
// come: its call holds its slot meanwhile, for as long as a request may take and no longer than its client is silent.

const (
	// smallUpload is up to which length a body is read whole.
	smallUpload = 64 << 10
	// uploadSilence is how long a client may send nothing of a body that is passed on.
	uploadSilence = 10 * time.Second
	// firstChunk is how much of a body in chunks is read before its turn is asked for, at most.
	firstChunk = 4 << 10
)

// Upload is a request's body that is passed on as it comes.
type Upload struct {
	Length    int64                  // in bytes; -1: not known, it came in chunks and goes in chunks
	Announced string                 // the Trailer field of one in chunks
	Trailer   func() []record.Header // what stood behind one in chunks that was read to its end

	ctx   *fasthttp.RequestCtx
	first []byte // read already
	got   int64  // bytes
	until time.Time
	whole bool  // it was read to its end
	err   error // why it could not be
}

// upload returns the body of a request: whole, within the bound of bodies, or as it comes.
func (f *Front) upload(ctx *fasthttp.RequestCtx, r *proxied, room *part) (whole []byte, u *Upload, p *problem) {
	length := int64(ctx.Request.Header.ContentLength())
	switch {
	case !ctx.Request.IsBodyStream():
		return nil, nil, nil
	case length > MaxRequest:
		return nil, nil, tooLargeProblem(ctx)
	case r.async, length >= 0 && length <= smallUpload:
		if p = f.readBody(ctx, room); p != nil {
			return nil, nil, p
		}
		return ctx.Request.Body(), nil, nil
	}
	u = &Upload{Length: length, ctx: ctx, until: ctx.Time().Add(f.set.ReadTimeout)}
	if length < 0 {
		u.Announced = r.announced
		u.announce()
		u.first = make([]byte, firstChunk)
		n, err := u.read(u.first)
		u.first = u.first[:n]
		if err != nil && !u.whole {
			return nil, nil, f.uploadProblem(u)
		}
	}
	return nil, u, nil
}

// Read is io.Reader's: of the client's connection, in its time.
func (u *Upload) Read(p []byte) (int, error) {
	if len(u.first) > 0 {
		n := copy(p, u.first)
		u.first = u.first[n:]
		return n, nil
	}
	if u.whole {
		return 0, io.EOF
	}
	return u.read(p)
}

func (u *Upload) read(p []byte) (n int, err error) {
	until := time.Now().Add(uploadSilence)
	if u.until.Before(until) {
		until = u.until
	}
	if err = u.ctx.Conn().SetReadDeadline(until); err == nil {
		n, err = u.ctx.RequestBodyStream().Read(p)
	}
	u.got += int64(n)
	switch {
	case u.got > MaxRequest:
		err = errTooLong
	case errors.Is(err, io.EOF) && u.Length >= 0 && u.got < u.Length:
		err = io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF):
		u.whole = true
		return n, err
	case err != nil && !time.Now().Before(until): // the server does not always hand on that it was for time
		err = os.ErrDeadlineExceeded
	}
	u.err = err
	return n, err
}

var errTooLong = errors.New("longer than a request may be")

// announce finds the trailer's fields by what was announced, in the spelling of that; what was not is dropped (RFC 9110 section
// 6.5.2 lets who passes a message on do so).
func (u *Upload) announce() {
	if u.Announced == "" {
		return
	}
	type field struct {
		name string
		head int // how many of them stand in the head
	}
	var fields []field
	for name := range strings.SplitSeq(u.Announced, ",") {
		if name = strings.Trim(name, " \t"); name != "" {
			fields = append(fields, field{name, len(u.ctx.Request.Header.PeekAll(name))})
		}
	}
	u.Trailer = func() (trailer []record.Header) {
		for _, f := range fields {
			values := u.ctx.Request.Header.PeekAll(f.name)
			for _, value := range values[min(f.head, len(values)):] {
				trailer = append(trailer, record.Header{Name: f.name, Value: string(value)})
			}
		}
		return trailer
	}
}

// uploadProblem says why a client's body could not be passed on to its end; nil: it could, as far as it was asked for.
func (f *Front) uploadProblem(u *Upload) *problem {
	switch {
	case u == nil || u.err == nil:
		return nil
	case errors.Is(u.err, errTooLong):
		return tooLargeProblem(u.ctx)
	case isTimeout(u.err):
		p := f.lateProblem()
		p.Detail += fmt.Sprintf(", and no silence of %s in it", uploadSilence)
		return p
	}
	return f.unreadProblem(u.err)
}

// leave makes the connection end behind the response where the request's body was not read to its end: what is left of it must
// not be taken for the next request. u is nil where it is not an upload.
func leave(ctx *fasthttp.RequestCtx, u *Upload) {
	if u != nil && u.whole || !ctx.Request.IsBodyStream() {
		return
	}
	if n := ctx.Request.Header.ContentLength(); u == nil && n >= 0 && n <= smallBody {
		return // it was read along with the headers
	}
	ctx.SetConnectionClose()
	if !ctx.Response.IsBodyStream() { // which is not to wait
		linger(ctx.Conn())
	}
}
