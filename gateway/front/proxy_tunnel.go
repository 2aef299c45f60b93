package front

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/persist/record"
)

// A tunnel is a connection that is passed on as bytes (CONNECT, RFC 9110 section 9.3.6). It is let in by the lane's limit and
// the host's breaker like a request, and what becomes of connecting counts for the breaker; of what is said in it the gateway
// sees nothing, neither headers nor refusals, so that it can pace how many begin and no more.

const (
	// MaxTunnels is how many may be open at once.
	MaxTunnels = 1024
	// tunnelIdle ends a tunnel in which nothing was said for as long.
	tunnelIdle = 2 * time.Minute
)

// Tunnel connects to a destination once its lane lets it, or, where that takes longer than patience, tells what holds it.
// Its errors are as Forward's; failed is why there is no connection, as Reply.Failure has it.
type Tunnel func(w *record.Webhook, patience time.Duration) (cn net.Conn, failed *Failure, hold *Hold, err error)

// Failure is why a destination gave no response.
type Failure struct {
	Class    string
	TimedOut bool
	Err      error
}

func (f *Front) tunnel(ctx *fasthttp.RequestCtx, w *record.Webhook) {
	if f.tunnels.Add(1) > MaxTunnels {
		f.tunnels.Add(-1)
		answer(ctx, passageProblem(nil, ErrCrowded))
		return
	}
	joins := false
	defer func() {
		if !joins { // there is none, or a panic
			f.tunnels.Add(-1)
		}
	}()
	cn, failed, hold, err := f.set.Tunnel(w, f.patience())
	switch p := passageProblem(hold, err); {
	case p != nil:
		f.tellHold(ctx, hold)
		answer(ctx, p)
	case err != nil:
		f.set.Log.Error().Err(err).Str("host", w.Host).Msg("opening a tunnel failed")
		answer(ctx, internalProblem())
	case failed != nil:
		answer(ctx, failureProblem(failed.Class, failed.TimedOut, failed.Err))
	default:
		// The response has no fields, and no body that a length could be told of (RFC 9110 section 9.3.6).
		ctx.HijackSetNoResponse(true)
		joins = true
		ctx.Hijack(func(client net.Conn) {
			defer f.tunnels.Add(-1)
			defer cn.Close()
			if _, err := io.WriteString(client, "HTTP/1.1 200 Connection Established\r\n\r\n"); err == nil {
				f.join(client, cn)
			}
		})
	}
}

// join passes on what two connections say, until one of them ends, falls silent, or the front door closes.
func (f *Front) join(a, b net.Conn) {
	ended := make(chan struct{})
	var once sync.Once
	end := func() {
		once.Do(func() {
			_ = a.SetDeadline(time.Unix(1, 0)) // a is the server's to close
			_ = b.Close()
			close(ended)
		})
	}
	go func() {
		select {
		case <-f.stopping:
			end()
		case <-ended:
		}
	}()
	var both sync.WaitGroup
	both.Go(func() { defer end(); relay(a, b) })
	relay(b, a)
	end()
	both.Wait()
}

// relay copies until an end or a silence. Each word on one side gives the other time as well: an answer may take long.
func relay(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		until := time.Now().Add(tunnelIdle)
		if from.SetReadDeadline(until) != nil {
			return
		}
		n, err := from.Read(buf)
		if n > 0 {
			if to.SetDeadline(time.Now().Add(tunnelIdle)) != nil {
				return
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
