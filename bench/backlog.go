package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

type backlogCmd struct {
	Count    int           `default:"1000000" help:"Webhooks that wait (${default})."`
	Hosts    int           `default:"10000" help:"Hosts they wait for (${default})."`
	Full     bool          `help:"10,000,000 over 100,000 hosts; the beginning and the end are a minute each."`
	Sample   time.Duration `default:"10s" help:"How long the beginning and the end are measured (${default})."`
	Profiles string        `placeholder:"DIR" help:"Write profiles of the gateway there: of its heap as memory grows, and of its CPU as it sends."`
}

const (
	mostMemory = 512 << 20 // anonymous, of the gateway, at any moment
	mostStart  = 5 * time.Second
	mostSlower = 0.8 // of the rate at the beginning, at the end
)

// Run lets webhooks wait for many hosts, kills the gateway, starts it again and looks: how soon it delivers, how much
// memory it takes, and whether it delivers as fast at the end as at the beginning.
func (c *backlogCmd) Run(ctx context.Context) error {
	if c.Full {
		c.Count, c.Hosts = 10_000_000, 100_000
		c.Sample = max(c.Sample, time.Minute) // in the first seconds nothing has been deleted yet, and nothing is compacted
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

	accepting := g.weigh(ctx, c.Profiles, "accepting")
	if err := c.accept(ctx, g, there); err != nil {
		return err
	}
	whileAccepting := accepting.most()
	fmt.Fprintf(os.Stderr, "%s of anonymous memory at most while accepting\n", mib(whileAccepting))

	first, err := c.kill(ctx, g, there)
	if err != nil {
		return err
	}
	sending := g.weigh(ctx, c.Profiles, "sending")
	atFirst, atLast, err := c.drain(ctx, g, there)
	if err != nil {
		return err
	}
	whileSending := sending.most()

	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "waiting\thosts\tfirst delivery after kill -9\tdelivered/s at first\tat last\tratio\tµs of CPU each at first\tat last\t"+
		"anonymous memory, at most, accepting\tsending\t")
	fmt.Fprintf(out, "%d\t%d\t%s\t%.0f\t%.0f\t%.2f\t%.0f\t%.0f\t%s\t%s\t\n", c.Count, c.Hosts, first.Round(10*time.Millisecond),
		atFirst.perSecond, atLast.perSecond, atLast.perSecond/atFirst.perSecond, atFirst.cpu, atLast.cpu,
		mib(whileAccepting), mib(whileSending))
	errs := []error{out.Flush()}
	if peak := max(whileAccepting, whileSending); peak > mostMemory {
		errs = append(errs, fmt.Errorf("%s of anonymous memory, allowed are %s", mib(peak), mib(mostMemory)))
	}
	if first > mostStart {
		errs = append(errs, fmt.Errorf("the first delivery came %s after the start, allowed are %s", first, mostStart))
	}
	if atLast.perSecond < mostSlower*atFirst.perSecond {
		errs = append(errs, fmt.Errorf("%.0f/s at last, %.0f/s at first", atLast.perSecond, atFirst.perSecond))
	}
	return errors.Join(errs...)
}

// accept has the gateway accept all webhooks, which wait meanwhile.
func (c *backlogCmd) accept(ctx context.Context, g *running, there *field) error {
	if err := g.post("/v1/flows/backlog/pause", nil, nil); err != nil {
		return err
	}
	began := time.Now()
	_, err := g.postAll(ctx, c.Count, func(i int) definition {
		return definition{URL: there.url(i % c.Hosts), Flow: "backlog", Body: "0123456789abcdef0123456789abcdef"}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d accepted for %d hosts in %s\n", c.Count, c.Hosts, time.Since(began).Round(time.Second))
	return g.post("/v1/flows/backlog/resume", nil, nil)
}

// kill kills the gateway when it has begun to send, and returns how long after its next start the first call came.
func (c *backlogCmd) kill(ctx context.Context, g *running, there *field) (first time.Duration, err error) {
	if err := there.reached(ctx, 1); err != nil {
		return 0, err
	}
	g.kill()
	before := there.seen.Load()
	began := time.Now()
	if err := g.restart(ctx); err != nil {
		return 0, err
	}
	err = there.reached(ctx, before+1)
	first = time.Since(began)
	fmt.Fprintf(os.Stderr, "the first delivery came %s after kill -9\n", first.Round(10*time.Millisecond))
	return first, err
}

// pace is how fast a gateway sends for a while.
type pace struct {
	perSecond float64
	cpu       float64 // microseconds of the gateway's for each
}

// drain waits until all but a few were delivered, and returns the pace of the first sample and of the last whole one: what is
// tried again comes late, and at no rate.
func (c *backlogCmd) drain(ctx context.Context, g *running, there *field) (atFirst, atLast pace, err error) {
	almost := int64(c.Count - c.Count/50)
	for n := 0; there.seen.Load() < almost; n++ {
		began, cpu, seen := time.Now(), g.cpu(), there.seen.Load()
		if c.Profiles != "" {
			go g.profileCPU(filepath.Join(c.Profiles, fmt.Sprintf("sending-%08d.cpu", seen)), c.Sample)
		}
		if err := pass(ctx, c.Sample); err != nil {
			return atFirst, atLast, err
		}
		sent := float64(there.seen.Load() - seen)
		p := pace{sent / time.Since(began).Seconds(), float64((g.cpu() - cpu).Microseconds()) / sent}
		fmt.Fprintf(os.Stderr, "%d of %d delivered, %.0f/s, %.0f µs of CPU each, %s anonymous\n",
			there.seen.Load(), c.Count, p.perSecond, p.cpu, mib(g.anonymous()))
		if n == 0 {
			atFirst, atLast = p, p
		}
		if there.seen.Load() < almost {
			atLast = p
		}
	}
	return atFirst, atLast, nil
}

func mib(bytes int64) string { return fmt.Sprintf("%d MiB", bytes>>20) }
