package front

import (
	"bufio"
	"fmt"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// fullListener is a listener that hands out connections while fewer than Settings.MaxConns are served, and has others told that
// there are too many. fasthttp's own bound answers in words of its own, from the goroutine that accepts: whoever does not take the
// answer, or shakes no hands where there is TLS, would keep everybody else out.
type fullListener struct {
	net.Listener
	of   *Front
	told time.Time // when it was last logged
}

const (
	// maxTurnedAway bounds the connections that are being told that there are too many; one more is closed without a word.
	maxTurnedAway = 256
	// turnAwayTime is what such a connection gets to shake hands, ask and be answered.
	turnAwayTime = 2 * time.Second
	// tellFullEvery is the least time between two lines of the log about it.
	tellFullEvery = time.Minute
)

// Accept is net.Listener's.
func (l *fullListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || l.of.conns.Load() < int64(l.of.set.MaxConns) {
			return conn, err
		}
		if now := time.Now(); now.Sub(l.told) >= tellFullEvery {
			l.told = now
			l.of.set.Log.Warn().Int("connections", l.of.set.MaxConns).Msg("there are as many connections as there may be; others are answered with 503")
		}
		select {
		case l.of.turnedAway <- struct{}{}:
			go func() {
				defer func() { <-l.of.turnedAway }()
				l.of.turnAway(conn)
			}()
		default:
			_ = conn.Close()
		}
	}
}

// countConn counts the connections that are served; a tunnel is not, once it is one.
func (f *Front) countConn(_ net.Conn, state fasthttp.ConnState) {
	switch state {
	case fasthttp.StateNew:
		f.conns.Add(1)
	case fasthttp.StateClosed, fasthttp.StateHijacked:
		f.conns.Add(-1)
	}
}

// turnAway answers the one request of a connection that is not served.
func (f *Front) turnAway(conn net.Conn) {
	defer conn.Close()
	var ctx fasthttp.RequestCtx
	ctx.Init2(conn, serverLog{f.set.Log}, false)
	if conn.SetDeadline(time.Now().Add(turnAwayTime)) != nil ||
		ctx.Request.Header.Read(bufio.NewReaderSize(conn, MaxHeaderBlock)) != nil {
		return // it asks nothing
	}
	p := newProblem(503, "too-many-connections", "There are too many connections",
		fmt.Sprintf("There are %d, as many as there may be: want fewer that are kept, or connections.max raised", f.set.MaxConns))
	p.retryAfter = busyRetryAfter
	f.ids.mark(&ctx)
	ctx.SetConnectionClose()
	answer(&ctx, p)
	f.counts.answered(&ctx)
	if f.set.AccessLog {
		f.logAccess(&ctx, nil)
	}
	ctx.Response.SkipBody = ctx.IsHead()
	out := bufio.NewWriter(conn)
	if ctx.Response.Write(out) == nil && out.Flush() == nil {
		linger(conn)
	}
}
