package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/bench/destination/server"
)

// sinkGrace is how long calls under way may take to end once the sink is told to stop.
const sinkGrace = 5 * time.Second

type sinkCmd struct {
	Listen    string        `default:"127.0.0.1:9099" placeholder:"HOST:PORT" help:"Address to answer on (${default})."`
	Limit     string        `placeholder:"N/DURATION" help:"Calls accepted, as in 20/1s or 600/m; without it all are. With concurrency: N at once, whatever the duration."`
	Algorithm string        `default:"fixed" help:"How calls are counted: fixed, fixed-first, sliding-log, sliding-counter, bucket, gcra, leaky, leaky-queue, concurrency or counting (${default})."`
	Headers   string        `default:"none" help:"How every response tells the limit: none, retry-after, retry-after-floor, retry-after-window, retry-after-date, retry-after-always, x-ratelimit-counts, x-rate-limit, x-ratelimit, x-ratelimit-floor, x-ratelimit-epoch-ms, x-ratelimit-delta, x-ratelimit-ms, draft-6, draft-7 or draft-8 (${default})."`
	Latency   time.Duration `default:"0s" placeholder:"DURATION" help:"How long each response takes (${default})."`
	Status    int           `placeholder:"CODE" help:"Status of accepted calls (200); with --fail-for, of failing ones (500)."`
	FailFor   time.Duration `default:"0s" placeholder:"DURATION" help:"Answer --status for this long from the first call on, whatever the limit (${default}: never)."`
	Log       string        `placeholder:"FILE" help:"Append one JSON line per call to this file."`
}

// Validate names every faulty flag, with its value and what is right. kong calls it when the flags are read. Errors of
// destination begin with the name of what is wrong, which is the flag's name.
func (c *sinkCmd) Validate() error {
	var errs []error
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("--listen %q: must be HOST:PORT, as in 127.0.0.1:9099", c.Listen))
	}
	if c.Limit != "" {
		if _, _, err := destination.ParseLimit(c.Limit); err != nil {
			errs = append(errs, fmt.Errorf("--%w", err))
		}
	}
	if err := destination.Algorithm(c.Algorithm).Validate(); err != nil {
		errs = append(errs, fmt.Errorf("--%w", err))
	}
	if err := destination.Dialect(c.Headers).Validate(); err != nil {
		errs = append(errs, fmt.Errorf("--%w", err))
	}
	if c.Latency < 0 {
		errs = append(errs, fmt.Errorf("--latency %s: must be 0s or more, as in 50ms", c.Latency))
	}
	if c.Status != 0 && (c.Status < 200 || c.Status > 599) {
		errs = append(errs, fmt.Errorf("--status %d: must be 200 to 599", c.Status))
	}
	if c.FailFor < 0 {
		errs = append(errs, fmt.Errorf("--fail-for %s: must be 0s or more, as in 30s", c.FailFor))
	}
	return errors.Join(errs...)
}

// Run answers calls until ctx ends.
func (c *sinkCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stderr) }

// run is Run with the place to talk to.
func (c *sinkCmd) run(ctx context.Context, talk io.Writer) (err error) {
	config, err := c.config()
	if err != nil {
		return err
	}
	if c.Log != "" {
		file, openErr := os.OpenFile(c.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if openErr != nil {
			return fmt.Errorf("--log: %w", openErr)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		config.Log = file
	}
	sink, err := server.New(config)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	fmt.Fprintf(talk, "sink listens on http://%s, %s\n", ln.Addr(), c.describe(config))
	served := make(chan error, 1)
	go func() { served <- sink.Serve(ln) }()
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), sinkGrace)
	defer cancel()
	return errors.Join(err, sink.Shutdown(grace))
}

// config is what the flags ask for, but for the log.
func (c *sinkCmd) config() (server.Config, error) {
	config := server.Config{
		Headers: destination.Dialect(c.Headers),
		Latency: c.Latency,
		Status:  c.Status,
		FailFor: c.FailFor,
	}
	if c.Limit == "" {
		return config, nil
	}
	limit, per, err := destination.ParseLimit(c.Limit)
	if err != nil {
		return config, fmt.Errorf("--%w", err)
	}
	config.Limiter = destination.Spec{Algorithm: destination.Algorithm(c.Algorithm), Limit: limit, Per: per}
	return config, nil
}

// describe says in a line what calls are in for.
func (c *sinkCmd) describe(config server.Config) string {
	var b strings.Builder
	switch {
	case config.Limiter.Limit == 0:
		b.WriteString("no limit")
	case config.Limiter.Algorithm == destination.Concurrency:
		fmt.Fprintf(&b, "limit %d at once, headers %s", config.Limiter.Limit, c.Headers)
	default:
		fmt.Fprintf(&b, "limit %s (%s), headers %s", config.Limiter, c.Algorithm, c.Headers)
	}
	if c.Latency > 0 {
		fmt.Fprintf(&b, ", latency %s", c.Latency)
	}
	if c.FailFor > 0 {
		fmt.Fprintf(&b, ", failing for %s from the first call on", c.FailFor)
	}
	return b.String()
}
