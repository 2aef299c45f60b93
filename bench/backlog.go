package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/valyala/fasthttp"
)

type backlogCmd struct {
	Count  int           `default:"1000000" help:"Webhooks that wait (${default})."`
	Hosts  int           `default:"10000" help:"Hosts they wait for (${default})."`
	Full   bool          `help:"10,000,000 over 100,000 hosts."`
	Sample time.Duration `default:"10s" help:"How long the beginning and the end are measured (${default})."`
}

const (
	mostMemory = 512 << 20 // anonymous, of the gateway
	mostStart  = 5 * time.Second
	mostSlower = 0.8 // of the rate at the beginning, at the end
)

// Run lets webhooks wait for many hosts, kills the gateway, starts it again and looks: how soon it delivers, how much
// memory it takes, and whether it delivers as fast at the end as at the beginning.
func (c *backlogCmd) Run(ctx context.Context) error {
	if c.Full {
		c.Count, c.Hosts = 10_000_000, 100_000
	}
	dir, sluice, err := prepare(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	there, err := newField()
	if err != nil {
		return err
	}
	defer there.server.Shutdown() //nolint:errcheck // it ends with the run
	g, err := serveGateway(ctx, sluice, filepath.Join(dir, "gateway"),
		"limits: {default: {start: unlimited}}\nretention: {metadata: 1m, body: 1m}\n")
	if err != nil {
		return err
	}
	defer func() { g.kill() }()
	if err := g.call(http.MethodPost, "/v1/flows/backlog/pause", nil, nil); err != nil {
		return err
	}
	began := time.Now()
	_, err = g.postAll(ctx, c.Count, func(i int) definition {
		return definition{URL: there.url(i % c.Hosts), Flow: "backlog", Body: "0123456789abcdef0123456789abcdef"}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d accepted for %d hosts in %s, %s anonymous\n", c.Count, c.Hosts,
		time.Since(began).Round(time.Second), mib(g.anonymous()))
	if err := g.call(http.MethodPost, "/v1/flows/backlog/resume", nil, nil); err != nil {
		return err
	}
	if err := there.reached(ctx, 1); err != nil {
		return err
	}
	g.kill()
	before := there.seen.Load()
	began = time.Now()
	if err := g.restart(ctx); err != nil {
		return err
	}
	if err := there.reached(ctx, before+1); err != nil {
		return err
	}
	first := time.Since(began)

	peak := g.anonymous()
	watch := func() { peak = max(peak, g.anonymous()) }
	atFirst, err := there.rate(ctx, c.Sample, watch)
	if err != nil {
		return err
	}
	var atLast float64
	almost := int64(c.Count - c.Count/50) // what is tried again comes late, and at no rate
	for there.seen.Load() < almost {      // the last whole sample before the end
		rate, err := there.rate(ctx, c.Sample, watch)
		if err != nil {
			return err
		}
		if there.seen.Load() < almost || atLast == 0 {
			atLast = rate
		}
		fmt.Fprintf(os.Stderr, "%d of %d delivered, %.0f/s, %s anonymous\n", there.seen.Load(), c.Count, rate, mib(g.anonymous()))
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "waiting\thosts\tfirst delivery after kill -9\tdelivered/s at first\tat last\tratio\tanonymous memory, at most\t")
	fmt.Fprintf(out, "%d\t%d\t%s\t%.0f\t%.0f\t%.2f\t%s\t\n", c.Count, c.Hosts, first.Round(10*time.Millisecond), atFirst, atLast,
		atLast/atFirst, mib(peak))
	errs := []error{out.Flush()}
	if peak > mostMemory {
		errs = append(errs, fmt.Errorf("%s of anonymous memory, allowed are %s", mib(peak), mib(mostMemory)))
	}
	if first > mostStart {
		errs = append(errs, fmt.Errorf("the first delivery came %s after the start, allowed are %s", first, mostStart))
	}
	if atLast < mostSlower*atFirst {
		errs = append(errs, fmt.Errorf("%.0f/s at last, %.0f/s at first", atLast, atFirst))
	}
	return errors.Join(errs...)
}

func mib(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }

// anonymous is the gateway's memory that no file stands behind: RssAnon of /proc/PID/status (proc(5)).
func (g *running) anonymous() int64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", g.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kib, ok := strings.CutPrefix(lines.Text(), "RssAnon:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kib, "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

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

// rate counts for a while.
func (f *field) rate(ctx context.Context, d time.Duration, watch func()) (float64, error) {
	began, n := time.Now(), f.seen.Load()
	for time.Since(began) < d {
		if err := pass(ctx, d/20); err != nil {
			return 0, err
		}
		watch()
	}
	return float64(f.seen.Load()-n) / time.Since(began).Seconds(), nil
}
