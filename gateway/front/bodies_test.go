package front

import (
	"bufio"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist/record"
)

// broken is a body whose reading fails within the server.
type broken struct{}

func (broken) Read([]byte) (int, error) { panic("the HTTP server's") }

func TestABodyWhoseReadingPanicsLeavesTheBoundOfBodiesWhole(t *testing.T) {
	f := New(Settings{
		NoDate: true, Log: zerolog.Nop(), Policies: func() policy.Set { return nil },
		Forward: func(*record.Webhook, *Upload, bool, time.Duration) (Reply, *Hold, error) { return nil, nil, ErrCrowded },
	})
	whole := f.bodies.left.Load()
	for _, target := range []string{"/v1/webhooks", "/proxy/http://a.example/"} {
		for _, length := range []int{60 << 10, -1} { // short enough to be read whole by the proxy, and in chunks
			var req fasthttp.Request
			head := "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + strconv.Itoa(length) + "\r\n\r\n"
			if length < 0 {
				head = "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
			}
			if err := req.Header.Read(bufio.NewReader(strings.NewReader(head))); err != nil {
				t.Fatal(err)
			}
			var ctx fasthttp.RequestCtx
			ctx.Init(&req, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, nil)
			ctx.Request.SetBodyStream(broken{}, length)
			f.handle(&ctx)
			if status := ctx.Response.StatusCode(); status != fasthttp.StatusInternalServerError {
				t.Fatalf("%s, %d bytes: %d %s: nothing failed, which proves nothing", target, length, status, ctx.Response.Body())
			}
			if left := f.bodies.left.Load(); left != whole {
				t.Errorf("%s, %d bytes: %d bytes of the bound are left, want all %d", target, length, left, whole)
			}
		}
	}
}
