package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
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

type relayCmd struct {
	Count       int           `default:"60000" help:"Webhooks a run (${default})."`
	Runs        int           `default:"5" help:"Runs of each (${default}); the median counts."`
	Connections []int         `default:"64,256" help:"Client connections (${default})."`
	Body        int           `default:"700" help:"Bytes of each body (${default})."`
	Timeout     time.Duration `default:"2m" help:"Of one run (${default})."`
	Profile     string        `placeholder:"FILE" help:"Write a CPU profile of the gateway's first two seconds under load, of the last run."`
}

// Run measures, for each number of connections and in turn, a bare relay (client → relay → destination, nothing kept)
// and the gateway (client → definition accepted and synced → destination → outcome and history synced), and prints the
// medians and their ratio.
func (c *relayCmd) Run(ctx context.Context) error {
	dir, sluice, err := prepare(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	sink, err := newCounter()
	if err != nil {
		return err
	}
	defer sink.close()

	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "connections\tbare relay/s\tsluice/s\tratio\tworst ratio\tbest ratio\t")
	for _, connections := range c.Connections {
		var bare, ours, ratios []float64
		for run := range c.Runs {
			b, err := c.bare(ctx, sink, connections)
			if err != nil {
				return fmt.Errorf("bare relay: %w", err)
			}
			o, err := c.gateway(ctx, sink, sluice, filepath.Join(dir, fmt.Sprintf("%d-%d", connections, run)), connections)
			if err != nil {
				return fmt.Errorf("gateway: %w", err)
			}
			fmt.Fprintf(os.Stderr, "%d connections, run %d: bare %.0f/s, sluice %.0f/s\n", connections, run+1, b, o)
			bare, ours, ratios = append(bare, b), append(ours, o), append(ratios, o/b)
		}
		fmt.Fprintf(out, "%d\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t\n", connections, median(bare), median(ours), median(ratios),
			slices.Min(ratios), slices.Max(ratios))
	}
	return out.Flush()
}

func (c *relayCmd) bare(ctx context.Context, sink *counter, connections int) (float64, error) {
	addr, err := loopback.FreeAddr()
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	p, err := start(ctx, addr, self, "bare", addr, sink.addr())
	if err != nil {
		return 0, err
	}
	defer p.stop() //nolint:errcheck // it has served its purpose
	return c.measure(ctx, sink, connections, "http://"+addr+"/hook", []byte(strings.Repeat("x", c.Body)), fasthttp.StatusOK)
}

func (c *relayCmd) gateway(ctx context.Context, sink *counter, sluice, dir string, connections int) (float64, error) {
	addr, err := loopback.FreeAddr()
	if err != nil {
		return 0, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, err
	}
	conf := filepath.Join(dir, "sluice.yaml")
	admin, err := loopback.FreeAddr()
	if err != nil {
		return 0, err
	}
	yaml := fmt.Sprintf("listen: %s\nadmin: %s\ndata: {dir: %s}\n"+
		"egress: {allow_nets: [127.0.0.0/8]}\nlimits: {hosts: [{match: 127.0.0.1, start: unlimited}]}\n",
		addr, admin, filepath.Join(dir, "data"))
	if err := os.WriteFile(conf, []byte(yaml), 0o600); err != nil {
		return 0, err
	}
	p, err := start(ctx, addr, sluice, "serve", "--config", conf)
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	definition, err := json.Marshal(map[string]string{
		"url": "http://" + sink.addr() + "/hook", "body": strings.Repeat("x", c.Body),
	})
	if err != nil {
		return 0, err
	}
	profiled := make(chan error, 1)
	go func() { profiled <- writeProfile(admin, c.Profile) }()
	rate, err := c.measure(ctx, sink, connections, "http://"+addr+"/v1/webhooks", definition, fasthttp.StatusAccepted)
	if fault := <-profiled; err == nil {
		err = fault
	}
	if stopped := p.stop(); err == nil {
		err = stopped
	}
	return rate, err
}

// measure posts the same body over as many connections and returns deliveries ÷ (first post → last delivery).
func (c *relayCmd) measure(ctx context.Context, sink *counter, connections int, url string, body []byte, want int) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	arrived := sink.expect(c.Count)
	var next atomic.Int64
	began := time.Now()
	more := func() bool { return next.Add(1) <= int64(c.Count) }
	if err := postOver(ctx, connections, c.Timeout, more, url, body, want); err != nil {
		return 0, err
	}
	fmt.Fprintf(os.Stderr, "  all answered after %s\n", time.Since(began).Round(time.Millisecond))
	select {
	case last := <-arrived:
		return float64(c.Count) / last.Sub(began).Seconds(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%d of %d arrived in %s", sink.seen.Load(), c.Count, c.Timeout)
	}
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// counter is a destination that answers 200 and counts.
type counter struct {
	listener net.Listener
	server   *fasthttp.Server
	seen     atomic.Int64
	want     atomic.Int64
	last     atomic.Pointer[chan time.Time]
}

func newCounter() (*counter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &counter{listener: l}
	c.server = &fasthttp.Server{Handler: c.handle, NoDefaultServerHeader: true}
	go c.server.Serve(l) //nolint:errcheck // it ends with the run
	return c, nil
}

func (c *counter) handle(*fasthttp.RequestCtx) {
	if c.seen.Add(1) == c.want.Load() {
		*c.last.Load() <- time.Now()
	}
}

// expect starts counting anew; the channel gets the instant of the n-th arrival.
func (c *counter) expect(n int) <-chan time.Time {
	ch := make(chan time.Time, 1)
	c.last.Store(&ch)
	c.want.Store(int64(n))
	c.seen.Store(0)
	return ch
}

func (c *counter) addr() string { return c.listener.Addr().String() }
func (c *counter) close()       { _ = c.server.Shutdown() }

type bareCmd struct {
	Listen string `arg:""`
	To     string `arg:""`
}

// Run relays every request body to one destination, synchronously, and keeps nothing.
func (c *bareCmd) Run(ctx context.Context) error {
	client := &fasthttp.HostClient{Addr: c.To, MaxConns: 4096}
	server := &fasthttp.Server{NoDefaultServerHeader: true, Handler: func(rc *fasthttp.RequestCtx) {
		req := fasthttp.AcquireRequest()
		defer fasthttp.ReleaseRequest(req)
		req.SetRequestURI("http://" + c.To + "/hook")
		req.Header.SetMethod(fasthttp.MethodPost)
		req.SetBodyRaw(rc.PostBody())
		if err := client.Do(req, &rc.Response); err != nil {
			rc.Error(err.Error(), fasthttp.StatusBadGateway)
		}
	}}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown()
	}()
	return server.ListenAndServe(c.Listen)
}
