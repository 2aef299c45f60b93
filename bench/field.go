package main

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// field is many hosts behind one listener, which count what they get.
type field struct {
	server *fasthttp.Server
	port   string
	seen   atomic.Int64
}

func newField() (*field, error) {
	l, err := net.Listen("tcp", "0.0.0.0:0") //nolint:gosec // every address of 127.0.0.0/8
	if err != nil {
		return nil, err
	}
	f := &field{}
	f.server = &fasthttp.Server{
		Handler: func(*fasthttp.RequestCtx) { f.seen.Add(1) }, NoDefaultServerHeader: true, Concurrency: 1 << 18,
		IdleTimeout: 5 * time.Second,
	}
	go f.server.Serve(l) //nolint:errcheck // it ends with the run
	_, f.port, err = net.SplitHostPort(l.Addr().String())
	return f, err
}

func (f *field) url(i int) string {
	return fmt.Sprintf("http://127.%d.%d.%d:%s/hook", 3+i/62500, i/250%250, 1+i%250, f.port)
}

// reached waits until as many calls came.
func (f *field) reached(ctx context.Context, n int64) error {
	for f.seen.Load() < n {
		if err := pass(ctx, time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d calls came: %w", f.seen.Load(), n, err)
		}
	}
	return nil
}
