package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/bench/real"
)

type realCmd struct {
	Only     string        `placeholder:"REGEXP" help:"Measure the destinations whose names match."`
	Duration time.Duration `default:"60s" help:"Measured time of each, after its warm-up (${default}); rounded up to whole windows."`
	Parallel int           `default:"4" help:"Destinations at once (${default}), each with a gateway of its own."`
	Paced    bool          `help:"Beside each, measure a plain sender that was told the rule: what this machine can do just now."`
	JSON     string        `name:"json" placeholder:"FILE" help:"Write the results, second by second, to FILE."`
	Trace    bool          `help:"Print when calls were accepted and refused, too."`
	Sluice   string        `placeholder:"FILE" help:"Measure this binary instead of the one that is built of the source."`
	Install  bool          `help:"Install what the destinations need, and measure nothing."`
}

// Run drives real destinations through the whole gateway and prints what they let through. It fails when one of them
// misses its bar.
func (c *realCmd) Run(ctx context.Context) error {
	chosen, err := c.chosen()
	if err != nil {
		return err
	}
	tools, err := real.Prepare(ctx, chosen, true, os.Stderr)
	if err != nil || c.Install {
		return err
	}
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	if c.Sluice != "" {
		err = tools.UseGateway(c.Sluice)
	} else {
		err = tools.BuildGateway(ctx, dir)
	}
	if err != nil {
		return err
	}
	results, err := real.Drive(ctx, tools, chosen, real.Settings{
		Duration: c.Duration, Parallel: c.Parallel, Paced: c.Paced, Progress: os.Stderr,
	})
	if err != nil {
		return err
	}
	return c.report(results)
}

// chosen returns the destinations to measure.
func (c *realCmd) chosen() ([]real.Destination, error) {
	if c.Parallel < 1 {
		return nil, fmt.Errorf("--parallel %d: at least 1", c.Parallel)
	}
	if c.Duration <= 0 {
		return nil, fmt.Errorf("--duration %s: above 0", c.Duration)
	}
	only, err := regexp.Compile(c.Only)
	if err != nil {
		return nil, fmt.Errorf("--only: %w", err)
	}
	var names []string
	chosen := slices.DeleteFunc(real.All(), func(d real.Destination) bool {
		names = append(names, d.Name)
		return !only.MatchString(d.Name)
	})
	if len(chosen) == 0 {
		return nil, fmt.Errorf("--only %s matches none of %s", c.Only, strings.Join(names, ", "))
	}
	return chosen, nil
}

func (c *realCmd) report(results []real.Result) error {
	if c.JSON != "" {
		text, err := json.MarshalIndent(results, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.JSON, append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	if err := real.Table(os.Stdout, results); err != nil {
		return err
	}
	if c.Trace {
		real.Trace(os.Stdout, results)
	}
	if slices.ContainsFunc(results, func(r real.Result) bool { return !r.Pass }) {
		return errors.New("a destination was not driven to its bar")
	}
	return nil
}
