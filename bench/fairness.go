package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/bench/destination"
)

type fairnessCmd struct {
	Rate    int           `default:"50" help:"Calls a second that the host allows (${default})."`
	Backlog int           `default:"100000" help:"Webhooks of the flow that is there first (${default})."`
	For     time.Duration `default:"40s" help:"How long the flows compete, before and after a restart (${default})."`
}

// weights are of the flows: the first floods the host, the others come later.
var weights = []int{1, 1, 1, 1, 1, 1, 1, 1, 2, 3}

// Run floods a host with one flow, lets nine more come, and looks at what every flow got over any 10 s; then the same
// after kill -9. Webhooks of high priority come now and then: how many calls go before each?
func (c *fairnessCmd) Run(ctx context.Context) error {
	dir, sluice, err := prepare(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	host, err := newShared(c.Rate)
	if err != nil {
		return err
	}
	defer host.server.Shutdown() //nolint:errcheck // it ends with the run
	var flows strings.Builder
	for i, w := range weights {
		fmt.Fprintf(&flows, "  - {match: flow-%d, weight: %d}\n", i, w)
	}
	g, err := serveGateway(ctx, sluice, filepath.Join(dir, "gateway"), "flows:\n"+flows.String())
	if err != nil {
		return err
	}
	defer func() { g.kill() }()
	if _, err := g.postAll(ctx, c.Backlog, host.of("flow-0", "")); err != nil {
		return err
	}
	if err := pass(ctx, 5*time.Second); err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "\tflows\tcalls/s\tworst share of 10 s\tturns before a new flow's first\tmost turns before a high one\t")
	var faults []error
	for _, when := range []string{"at first", "after kill -9"} {
		if when != "at first" {
			g.kill()
			if err := g.restart(ctx); err != nil {
				return err
			}
		}
		f, err := c.compete(ctx, g, host, when)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\t%d\t%.1f\t%+.1f %%\t%d\t%d\t\n", when, len(weights), f.rate, 100*f.worst, f.first, f.high)
		faults = append(faults, f.judge(when))
	}
	return errors.Join(append([]error{out.Flush()}, faults...)...)
}

// fair is what was seen of flows that compete.
type fair struct {
	rate  float64
	worst float64 // the greatest difference from its share that a flow had in any 10 s, as part of the share
	first int     // calls between a new flow's acceptance and its first
	high  int     // the most calls between a high webhook's acceptance and it
}

func (f *fair) judge(when string) error {
	var errs []error
	if f.worst > 0.05 || f.worst < -0.05 {
		errs = append(errs, fmt.Errorf("%s: a flow's share was %+.1f %% off, allowed are 5 %%", when, 100*f.worst))
	}
	if turn := len(weights); f.first > turn {
		errs = append(errs, fmt.Errorf("%s: %d calls went before a new flow's first, a turn are %d", when, f.first, turn))
	}
	if f.high > 2 {
		errs = append(errs, fmt.Errorf("%s: %d calls went before one of high priority, allowed are 2", when, f.high))
	}
	return errors.Join(errs...)
}

// compete lets the other flows come, watches, and returns what it saw.
func (c *fairnessCmd) compete(ctx context.Context, g *running, host *shared, when string) (*fair, error) {
	need := 2*int(c.For.Seconds())*c.Rate/len(weights) + c.Rate*2
	for i := 1; i < len(weights); i++ {
		if _, err := g.postAll(ctx, need*weights[i], host.of(fmt.Sprintf("flow-%d", i), "")); err != nil {
			return nil, err
		}
	}
	if err := pass(ctx, 2*time.Second); err != nil { // until the calls under way are of all
		return nil, err
	}
	begin := host.count()
	newcomer := fmt.Sprintf("newcomer %s", when)
	f := &fair{}
	for second := range int(c.For / time.Second) {
		flow, priority := "urgent", "high"
		if second == int(c.For/time.Second)-1 { // at the end, because it makes the others' shares less
			flow, priority = newcomer, ""
		}
		d := host.of(flow, priority)(0)
		d.Headers["X-Name"] = fmt.Sprintf("%s %s %d", when, flow, second)
		var answer struct{}
		if err := g.post("/v1/webhooks", d, &answer); err != nil {
			return nil, err
		}
		before := host.count()
		if err := pass(ctx, time.Second); err != nil {
			return nil, err
		}
		at := host.named(d.Headers["X-Name"])
		if at < 0 {
			at = host.count() + c.Rate
		}
		if flow == newcomer {
			f.first = at - before
		} else {
			f.high = max(f.high, at-before)
		}
	}
	calls := host.since(begin)
	f.rate, f.worst = shares(calls)
	return f, nil
}

// shares returns the rate of calls, and what flow was furthest off its share in any 10 s.
func shares(calls []arrivalOf) (rate, worst float64) {
	total := 0
	for _, w := range weights {
		total += w
	}
	const span = 10 * time.Second
	if len(calls) < 2 {
		return 0, 1
	}
	rate = float64(len(calls)-1) / calls[len(calls)-1].at.Sub(calls[0].at).Seconds()
	from := 0
	counts, sum := make([]int, len(weights)), 0
	for _, call := range calls {
		if call.flow >= 0 {
			counts[call.flow]++
			sum++
		}
		for call.at.Sub(calls[from].at) > span {
			if f := calls[from].flow; f >= 0 {
				counts[f]--
				sum--
			}
			from++
		}
		if call.at.Sub(calls[0].at) < span {
			continue
		}
		for i, n := range counts {
			share := float64(sum*weights[i]) / float64(total)
			// A part of a call cannot be made.
			off := float64(n) - share
			switch {
			case off > 1:
				off--
			case off < -1:
				off++
			default:
				off = 0
			}
			if off /= share; max(off, -off) > max(worst, -worst) {
				worst = off
			}
		}
	}
	return rate, worst
}

func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shared is a host that many flows want.
type shared struct {
	server *fasthttp.Server
	addr   string

	mu    sync.Mutex
	limit *destination.Limiter
	calls []arrivalOf
	names map[string]int // of calls that have one: how many came before
}

// arrivalOf is an accepted call of a flow; -1: of none that compete.
type arrivalOf struct {
	at   time.Time
	flow int
}

func newShared(rate int) (*shared, error) {
	limit, err := destination.New(destination.Spec{Algorithm: destination.GCRA, Limit: rate, Per: time.Second, Burst: max(1, rate/10)})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &shared{addr: l.Addr().String(), limit: limit, names: map[string]int{}}
	h.server = &fasthttp.Server{Handler: h.handle, NoDefaultServerHeader: true}
	go h.server.Serve(l) //nolint:errcheck // it ends with the run
	return h, nil
}

func (h *shared) handle(ctx *fasthttp.RequestCtx) {
	flow := -1
	_, _ = fmt.Sscanf(string(ctx.Request.Header.Peek("X-Flow")), "flow-%d", &flow)
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	v := h.limit.Allow(now)
	for _, f := range destination.Draft8.Append(nil, v, now) {
		ctx.Response.Header.Set(f.Name, f.Value)
	}
	if !v.OK {
		ctx.SetStatusCode(fasthttp.StatusTooManyRequests)
		return
	}
	if name := string(ctx.Request.Header.Peek("X-Name")); name != "" {
		if _, twice := h.names[name]; !twice {
			h.names[name] = len(h.calls)
		}
	}
	h.calls = append(h.calls, arrivalOf{now, flow})
}

// of makes definitions of a flow.
func (h *shared) of(flow, priority string) func(int) definition {
	return func(int) definition {
		return definition{
			URL: "http://" + h.addr + "/hook", Flow: flow, Priority: priority, Headers: map[string]string{"X-Flow": flow}, Body: "x",
		}
	}
}

func (h *shared) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.calls)
}

// named returns how many calls came before a named one; -1: it did not come yet.
func (h *shared) named(name string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n, ok := h.names[name]; ok {
		return n
	}
	return -1
}

func (h *shared) since(n int) []arrivalOf {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls[n:])
}
