package front

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// unreadable answers what the server could not read as a request; the server closes the connection afterwards.
func (f *Front) unreadable(ctx *fasthttp.RequestCtx, err error) {
	defer f.counts.answered(ctx)
	f.ids.own(ctx)
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		answer(ctx, newProblem(431, "headers-too-large", "The request's headers are too large",
			fmt.Sprintf("want at most %d bytes with the request line", MaxHeaderBlock)))
	case isTimeout(err):
		answer(ctx, f.lateProblem())
	default:
		answer(ctx, badRequest("it could not be read", "HTTP/1.1 (RFC 9112)"))
	}
}

const (
	lingerBytes = 4 * MaxRequest
	lingerTime  = 5 * time.Second
	lingerIdle  = 200 * time.Millisecond
)

// linger drops what a client still sends after its request was refused for its size, within bounds. To close over
// unread bytes would reset the connection (RFC 9112 section 9.6), and a client that writes first and reads then would
// never see why.
func linger(conn net.Conn) {
	buf := make([]byte, 64<<10)
	end := time.Now().Add(lingerTime)
	for dropped := 0; dropped < lingerBytes && time.Now().Before(end); {
		if conn.SetReadDeadline(time.Now().Add(lingerIdle)) != nil {
			return
		}
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		dropped += n
	}
}
