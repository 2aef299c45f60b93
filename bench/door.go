package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/loopback"
)

type doorCmd struct {
	Runs    int           `default:"5" help:"Runs of each (${default}); the median counts."`
	For     time.Duration `default:"3s" help:"How long each run posts (${default})."`
	Body    int           `default:"256" help:"Bytes of each webhook's body (${default})."`
	Only    string        `placeholder:"CASE" help:"One case only, by its name in the table, or proxy."`
	Profile string        `placeholder:"FILE" help:"Write a CPU profile of the gateway's first two seconds under load, of the last run."`
	Proxy   doorProxy     `embed:"" prefix:"proxy-"`
}

// doorCase is a way of posting.
type doorCase struct {
	name        string
	connections int
	batch       int     // webhooks a request; 1: a definition by itself
	bar         float64 // the least ratio; 0: none
}

// doorCases are those of the table. Batches go over fewer connections: a request of a thousand keeps a core busy.
var doorCases = []doorCase{
	{"single-1", 1, 1, 0},
	{"single-16", 16, 1, 0},
	{"single-64", 64, 1, 0},
	{"single-256", 256, 1, 0.35},
	{"batch-100", 64, 100, 0.5},
	{"batch-1000", 64, 1000, 0},
}

// doorProxyCase is what Only calls the proxy.
const doorProxyCase = "proxy"

// Run measures how many webhooks a second are accepted, and synced, while nothing is sent: their flow is paused. Beside
// it, in turn, stands a server that answers 202 to single definitions over as many connections, and keeps nothing. Then
// it measures the proxy.
func (c *doorCmd) Run(ctx context.Context) error {
	dir, sluice, err := prepare(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "case\tconnections\tbare requests/s\taccepted/s\tratio\tworst ratio\tbest ratio\tbar\t")
	var errs []error
	for _, one := range doorCases {
		if c.Only != "" && c.Only != one.name {
			continue
		}
		var bare, ours, ratios []float64
		for run := range c.Runs {
			b, err := c.bare(ctx, one.connections)
			if err != nil {
				return fmt.Errorf("bare server: %w", err)
			}
			o, err := c.gateway(ctx, sluice, filepath.Join(dir, fmt.Sprintf("%s-%d", one.name, run)), one)
			if err != nil {
				return fmt.Errorf("gateway: %w", err)
			}
			fmt.Fprintf(os.Stderr, "%s, run %d: bare %.0f/s, accepted %.0f/s\n", one.name, run+1, b, o)
			bare, ours, ratios = append(bare, b), append(ours, o), append(ratios, o/b)
		}
		ratio := median(ratios)
		fmt.Fprintf(out, "%s\t%d\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", one.name, one.connections, median(bare), median(ours), ratio,
			slices.Min(ratios), slices.Max(ratios), one.bar)
		if ratio < one.bar {
			errs = append(errs, fmt.Errorf("%s: %.2f of the bare server, want at least %.2f", one.name, ratio, one.bar))
		}
	}
	if c.Only != doorProxyCase {
		errs = append(errs, out.Flush())
	}
	if c.Only == "" || c.Only == doorProxyCase {
		c.Proxy.runs, c.Proxy.body = c.Runs, c.Body
		errs = append(errs, c.Proxy.measure(ctx, dir, sluice))
	}
	return errors.Join(errs...)
}

func (c *doorCmd) bare(ctx context.Context, connections int) (float64, error) {
	addr, err := loopback.FreeAddr()
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	p, err := start(ctx, addr, self, "bare202", addr)
	if err != nil {
		return 0, err
	}
	defer p.stop() //nolint:errcheck // it has served its purpose
	body, err := c.body(1)
	if err != nil {
		return 0, err
	}
	return c.measure(ctx, "http://"+addr+"/v1/webhooks", connections, body)
}

func (c *doorCmd) gateway(ctx context.Context, sluice, dir string, one doorCase) (float64, error) {
	g, err := serveGateway(ctx, sluice, dir, "")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	defer g.kill()
	if err := g.post("/v1/flows/"+doorFlow+"/pause", nil, nil); err != nil {
		return 0, err
	}
	body, err := c.body(one.batch)
	if err != nil {
		return 0, err
	}
	profiled := make(chan error, 1)
	go func() { profiled <- writeProfile(g.admin, c.Profile) }()
	requests, err := c.measure(ctx, "http://"+g.front+"/v1/webhooks", one.connections, body)
	return requests * float64(one.batch), errors.Join(err, <-profiled)
}

// doorFlow is the flow of all that is posted.
const doorFlow = "door"

// body is a request of so many webhooks.
func (c *doorCmd) body(webhooks int) ([]byte, error) {
	d := definition{URL: "http://127.0.0.1:9/hook", Flow: doorFlow, Body: strings.Repeat("x", c.Body)}
	if webhooks == 1 {
		return json.Marshal(d)
	}
	return json.Marshal(map[string][]definition{"webhooks": slices.Repeat([]definition{d}, webhooks)})
}

// measure returns how many requests a second were answered with 202.
func (c *doorCmd) measure(ctx context.Context, url string, connections int, body []byte) (float64, error) {
	var posted atomic.Int64
	began := time.Now()
	more := func() bool {
		if time.Since(began) >= c.For {
			return false
		}
		posted.Add(1)
		return true
	}
	if err := postOver(ctx, connections, time.Minute, more, url, body, fasthttp.StatusAccepted); err != nil {
		return 0, err
	}
	return float64(posted.Load()) / time.Since(began).Seconds(), ctx.Err()
}

type bare202Cmd struct {
	Listen string `arg:""`
}

// Run answers every request with 202 and an id, and keeps nothing.
func (c *bare202Cmd) Run(ctx context.Context) error {
	server := &fasthttp.Server{NoDefaultServerHeader: true, Handler: func(rc *fasthttp.RequestCtx) {
		rc.SetStatusCode(fasthttp.StatusAccepted)
		rc.SetContentType("application/json")
		rc.SetBodyString(`{"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}`)
	}}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown()
	}()
	return server.ListenAndServe(c.Listen)
}
