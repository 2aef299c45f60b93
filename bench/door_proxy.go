package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/loopback"
)

// doorProxy is the part of the command door that posts through the proxy.
type doorProxy struct {
	Count       int           `default:"40000" help:"Requests through the proxy a run (${default})."`
	Connections []int         `default:"64,256" help:"Client connections to the proxy (${default})."`
	Paced       time.Duration `default:"5s" help:"How long the proxy's latencies are measured at 1,000 requests/s (${default})."`
	Timeout     time.Duration `default:"2m" help:"Of one run of the proxy (${default})."`

	runs, body int // the command's
}

// measure measures the proxy, its destination's limit far away, beside a bare relay in the same run: requests per second,
// and what it adds to the time of a request at 1,000 a second.
func (c *doorProxy) measure(ctx context.Context, dir, sluice string) error {
	sink, err := newCounter()
	if err != nil {
		return err
	}
	defer sink.close()
	gateway, err := serveGateway(ctx, sluice, filepath.Join(dir, "gateway"),
		"limits: {hosts: [{match: 127.0.0.1, start: unlimited, concurrency: {start: 1024, max: 4096}}]}\n")
	if err != nil {
		return err
	}
	defer gateway.stop() //nolint:errcheck // it has served its purpose
	bare, stop, err := bareRelay(ctx, sink)
	if err != nil {
		return err
	}
	defer stop() //nolint:errcheck // it has served its purpose
	proxy := "http://" + gateway.front + "/proxy/http://" + sink.addr() + "/hook"
	if err := c.rates(ctx, sink, bare, proxy); err != nil {
		return err
	}
	return c.latencies(ctx, bare, proxy)
}

// bareRelay starts one and returns the URL to post to.
func bareRelay(ctx context.Context, sink *counter) (url string, stop func() error, err error) {
	addr, err := loopback.FreeAddr()
	if err != nil {
		return "", nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	p, err := start(ctx, addr, self, "bare", addr, sink.addr())
	if err != nil {
		return "", nil, err
	}
	return "http://" + addr + "/hook", p.stop, nil
}

func (c *doorProxy) rates(ctx context.Context, sink *counter, bare, proxy string) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "connections\tbare relay/s\tproxy/s\tratio\tworst ratio\tbest ratio\t")
	load := &relayCmd{Count: c.Count, Timeout: c.Timeout}
	body := []byte(strings.Repeat("x", c.body))
	for _, connections := range c.Connections {
		var plain, ours, ratios []float64
		for range c.runs {
			b, err := load.measure(ctx, sink, connections, bare, body, http.StatusOK)
			if err != nil {
				return fmt.Errorf("bare relay: %w", err)
			}
			o, err := load.measure(ctx, sink, connections, proxy, body, http.StatusOK)
			if err != nil {
				return fmt.Errorf("proxy: %w", err)
			}
			plain, ours, ratios = append(plain, b), append(ours, o), append(ratios, o/b)
		}
		fmt.Fprintf(out, "%d\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t\n", connections, median(plain), median(ours), median(ratios),
			slices.Min(ratios), slices.Max(ratios))
	}
	return out.Flush()
}

// latencies paces requests to both at 1,000 a second, a second of each in turn, so that both meet the same noise.
func (c *doorProxy) latencies(ctx context.Context, bare, proxy string) error {
	var plain, ours []time.Duration
	for range max(1, int(c.Paced/time.Second)) {
		b, err := paced(ctx, bare, c.body)
		if err != nil {
			return fmt.Errorf("bare relay: %w", err)
		}
		o, err := paced(ctx, proxy, c.body)
		if err != nil {
			return fmt.Errorf("proxy: %w", err)
		}
		plain, ours = append(plain, b...), append(ours, o...)
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "at 1,000/s\tp50\tp99\t")
	fmt.Fprintf(out, "bare relay\t%s\t%s\t\n", quantile(plain, 0.5), quantile(plain, 0.99))
	fmt.Fprintf(out, "proxy\t%s\t%s\t\n", quantile(ours, 0.5), quantile(ours, 0.99))
	return out.Flush()
}

// paced makes 1,000 requests in a second, each at its time whether or not those before it were answered.
func paced(ctx context.Context, url string, size int) ([]time.Duration, error) {
	const n = 1000
	client := &fasthttp.Client{MaxConnsPerHost: n, ReadTimeout: time.Minute}
	defer client.CloseIdleConnections()
	body := []byte(strings.Repeat("x", size))
	took, faults := make([]time.Duration, n), make([]error, n)
	var all sync.WaitGroup
	began := time.Now()
	for i := range n {
		if wait := time.Until(began.Add(time.Duration(i) * time.Second / n)); wait > 0 {
			time.Sleep(wait)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		all.Go(func() {
			req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			defer fasthttp.ReleaseRequest(req)
			defer fasthttp.ReleaseResponse(resp)
			req.SetRequestURI(url)
			req.Header.SetMethod(fasthttp.MethodPost)
			req.SetBodyRaw(body)
			sent := time.Now()
			if faults[i] = client.Do(req, resp); faults[i] == nil && resp.StatusCode() != http.StatusOK {
				faults[i] = fmt.Errorf("answered %d: %s", resp.StatusCode(), resp.Body())
			}
			took[i] = time.Since(sent)
		})
	}
	all.Wait()
	for _, err := range faults {
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

func quantile(of []time.Duration, q float64) time.Duration {
	s := slices.Sorted(slices.Values(of))
	return s[min(len(s)-1, int(q*float64(len(s))))].Round(10 * time.Microsecond)
}
