package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// postOver posts the same body over as many connections, each with one request under way, for as long as more says so.
// It ends at the first answer that is not the one wanted.
func postOver(ctx context.Context, connections int, timeout time.Duration, more func() bool, url string, body []byte, want int) error {
	client := &fasthttp.Client{MaxConnsPerHost: connections, ReadTimeout: timeout, WriteTimeout: timeout}
	defer client.CloseIdleConnections()
	var fault atomic.Pointer[error]
	var wg sync.WaitGroup
	for range connections {
		wg.Go(func() {
			req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			defer fasthttp.ReleaseRequest(req)
			defer fasthttp.ReleaseResponse(resp)
			req.SetRequestURI(url)
			req.Header.SetMethod(fasthttp.MethodPost)
			req.Header.SetContentType("application/json")
			req.SetBodyRaw(body)
			for more() && fault.Load() == nil && ctx.Err() == nil {
				err := client.Do(req, resp)
				if err == nil && resp.StatusCode() != want {
					err = fmt.Errorf("answered %d: %s", resp.StatusCode(), resp.Body())
				}
				if err != nil {
					fault.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := fault.Load(); err != nil {
		return *err
	}
	return nil
}

// writeProfile writes the CPU profile of a gateway's next two seconds into a file; empty: none was asked for.
func writeProfile(admin, file string) error {
	if file == "" {
		return nil
	}
	_, profile, err := fasthttp.Get(nil, "http://"+admin+"/debug/pprof/profile?seconds=2")
	if err != nil {
		return err
	}
	return os.WriteFile(file, profile, 0o600)
}
