package egress

import (
	"net"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/persist/record"
)

// BenchmarkDo is one exchange on a kept connection with a fasthttp server on loopback, both sides counted.
func BenchmarkDo(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) { ctx.SetBodyString("ok") }}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	c := local(b, Settings{UserAgent: "Sluice/1.0.0"})
	defer func() {
		c.Close()
		l.Close()
		if err := <-done; err != nil {
			b.Error(err)
		}
	}()
	req := &Request{
		Method: "POST", URL: "http://" + l.Addr().String() + "/hook?x=1", Body: make([]byte, 700),
		Headers: []record.Header{{Name: "Content-Type", Value: "application/json"}, {Name: "Authorization", Value: "Bearer x"}},
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var resp Response
		for pb.Next() {
			if c.Do(req, &resp); resp.Status != 200 {
				b.Error(resp.Err)
				return
			}
		}
	})
}
