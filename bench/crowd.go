package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/gateway"
)

// crowd are many hosts, each at an address of its own in 127.0.0.0/8, behind a few listeners: what one does is by its
// port.
type crowd struct {
	well, tarry, fail, limited string // ports
	hole                       net.Listener
	holding                    []net.Conn
	servers                    []*fasthttp.Server

	mu     sync.Mutex
	seen   map[int]time.Time    // when the n-th webhook arrived first
	last   map[string]time.Time // when a limited host accepted its last call
	second time.Duration
}

func newCrowd() (*crowd, error) {
	gateway.MakeRoomForFiles(1 << 14) // what is measured is the other process
	c := &crowd{seen: map[int]time.Time{}, last: map[string]time.Time{}, second: time.Second}
	var err error
	if c.well, err = c.serve(c.arrive); err != nil {
		return nil, err
	}
	if c.tarry, err = c.serve(func(*fasthttp.RequestCtx) { time.Sleep(10 * time.Second) }); err != nil {
		return nil, err
	}
	if c.fail, err = c.serve(func(ctx *fasthttp.RequestCtx) { ctx.SetStatusCode(fasthttp.StatusInternalServerError) }); err != nil {
		return nil, err
	}
	if c.limited, err = c.serve(c.once); err != nil {
		return nil, err
	}
	if c.hole, err = net.Listen("tcp", "0.0.0.0:0"); err != nil { //nolint:gosec // every address of 127.0.0.0/8
		return nil, err
	}
	go c.swallow()
	return c, nil
}

func (c *crowd) serve(handle fasthttp.RequestHandler) (port string, err error) {
	l, err := net.Listen("tcp", "0.0.0.0:0") //nolint:gosec // every address of 127.0.0.0/8
	if err != nil {
		return "", err
	}
	s := &fasthttp.Server{Handler: handle, NoDefaultServerHeader: true, Concurrency: 1 << 18}
	c.servers = append(c.servers, s)
	go s.Serve(l) //nolint:errcheck // it ends with the run
	_, port, err = net.SplitHostPort(l.Addr().String())
	return port, err
}

// arrive notes when a webhook came to a healthy host.
func (c *crowd) arrive(ctx *fasthttp.RequestCtx) {
	now := time.Now()
	n, err := strconv.Atoi(string(ctx.Request.Header.Peek("X-N")))
	if err != nil {
		return
	}
	c.mu.Lock()
	if _, twice := c.seen[n]; !twice {
		c.seen[n] = now
	}
	c.mu.Unlock()
}

// once accepts a call a second at each address.
func (c *crowd) once(ctx *fasthttp.RequestCtx) {
	now, host := time.Now(), string(ctx.Host())
	c.mu.Lock()
	wait := c.last[host].Add(c.second).Sub(now)
	if wait <= 0 {
		c.last[host] = now
	}
	c.mu.Unlock()
	if wait > 0 {
		ctx.SetStatusCode(fasthttp.StatusTooManyRequests)
		ctx.Response.Header.Set("Retry-After", "1")
	}
}

// swallow takes connections, reads what comes, and never answers.
func (c *crowd) swallow() {
	for {
		conn, err := c.hole.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.holding = append(c.holding, conn)
		c.mu.Unlock()
		go io.Copy(io.Discard, conn) //nolint:errcheck // it ends with the connection
	}
}

func (c *crowd) healthy(i int) string {
	return fmt.Sprintf("http://127.1.%d.%d:%s/hook", i/250, 1+i%250, c.well)
}

// bad is the URL of the i-th bad host: a quarter of them are black holes, and so on.
func (c *crowd) bad(i int) string {
	_, hole, _ := net.SplitHostPort(c.hole.Addr().String())
	port := []string{hole, c.tarry, c.fail, c.limited}[i%4]
	return fmt.Sprintf("http://127.2.%d.%d:%s/hook", i/250, 1+i%250, port)
}

func (c *crowd) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.seen)
}

// arrivals returns when webhooks arrived, once n have or the patience is over.
func (c *crowd) arrivals(ctx context.Context, n int, patience time.Duration) map[int]time.Time {
	deadline := time.Now().Add(patience)
	for {
		c.mu.Lock()
		if len(c.seen) >= n || time.Now().After(deadline) || ctx.Err() != nil {
			defer c.mu.Unlock()
			seen := make(map[int]time.Time, len(c.seen))
			for n, at := range c.seen {
				seen[n] = at
			}
			return seen
		}
		c.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *crowd) close() {
	_ = c.hole.Close()
	c.mu.Lock()
	for _, conn := range c.holding {
		_ = conn.Close()
	}
	c.mu.Unlock()
}

// part returns the q-th part of durations.
func part(of []time.Duration, q float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Round(10 * time.Microsecond)
}
