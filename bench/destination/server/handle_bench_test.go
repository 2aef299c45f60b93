package server

import (
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// BenchmarkCall is the sink's own share of a call, all but HTTP: a webhook of 700 bytes with an id of its own.
func BenchmarkCall(b *testing.B) {
	limited := destination.Spec{Algorithm: destination.Fixed, Limit: 1000, Per: time.Second}
	for _, c := range []struct {
		name   string
		config Config
	}{
		{"unlimited", Config{}},
		{"limited", Config{Limiter: limited, Headers: destination.XRateLimitDelta}},
		{"logged", Config{Log: io.Discard}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := New(c.config)
			if err != nil {
				b.Fatal(err)
			}
			var ctx fasthttp.RequestCtx
			ctx.Request.Header.SetMethod("POST")
			ctx.Request.SetRequestURI("http://127.0.0.1/hook")
			ctx.Request.SetBody(make([]byte, 700))
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				n++
				ctx.Request.Header.Set(identity, strconv.Itoa(n))
				ctx.Response.Reset()
				s.handle(&ctx)
			}
		})
	}
}
