package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/sluice-gateway/sluice/bench/matrix"
)

type matrixCmd struct {
	Only  string `placeholder:"REGEXP" help:"Only cells whose name matches."`
	Full  bool   `help:"All sensible combinations instead of the chosen cells: tens of thousands, for hours."`
	Seed  uint64 `default:"1" help:"What chance there is begins with (${default})."`
	Seeds int    `default:"1" help:"Seeds for every cell (${default}): medians are told, each is held to the bar."`
	Ours  bool   `help:"Leave out the baselines."`
	Trace bool   `short:"v" help:"Of the first cell that matches: what happens each second."`
	JSON  string `name:"json" placeholder:"FILE" help:"Write everything there is to know to this file."`
	SVG   string `name:"svg" placeholder:"FILE" help:"Draw use against refusals into this file."`
}

// errMissed is how the command fails when a cell, or a row's median, missed its bar.
var errMissed = errors.New("not every cell held its bar")

// Run puts the product and the baselines into the cells, in virtual time, and prints what came of them.
func (c *matrixCmd) Run(ctx context.Context) error {
	cells, err := c.cells()
	if err != nil {
		return err
	}
	if c.Trace {
		return c.trace(&cells[0])
	}
	began := time.Now()
	outcomes, err := c.study(ctx, cells)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d cells in %s\n", len(cells), time.Since(began).Round(time.Millisecond))
	if err := matrix.WriteTable(os.Stdout, outcomes); err != nil {
		return err
	}
	fmt.Println()
	if err := matrix.WriteSummary(os.Stdout, outcomes); err != nil {
		return err
	}
	if err := c.write(outcomes); err != nil {
		return err
	}
	if !matrix.Passed(outcomes) {
		return errMissed
	}
	return nil
}

func (c *matrixCmd) cells() ([]matrix.Cell, error) {
	only, err := regexp.Compile(c.Only)
	if err != nil {
		return nil, fmt.Errorf("--only %q: %w", c.Only, err)
	}
	if c.Seeds < 1 {
		return nil, fmt.Errorf("--seeds %d: must be 1 or more", c.Seeds)
	}
	all := matrix.Chosen()
	if c.Full {
		all = matrix.Full()
	}
	var cells []matrix.Cell
	for i := range all {
		if only.MatchString(all[i].Name()) {
			cells = append(cells, all[i])
		}
	}
	if len(cells) == 0 {
		return nil, fmt.Errorf("--only %q: matches no cell; their names are like %s", c.Only, all[0].Name())
	}
	return cells, nil
}

// study runs the cells, each on one of as many goroutines as there are processors.
func (c *matrixCmd) study(ctx context.Context, cells []matrix.Cell) ([]matrix.Outcome, error) {
	kinds := []*matrix.Kind{matrix.Sluice}
	if !c.Ours {
		kinds = append(kinds, matrix.Baselines()...)
	}
	var seeds []uint64
	for i := range c.Seeds {
		seeds = append(seeds, c.Seed+uint64(i))
	}
	outcomes, errs := make([]matrix.Outcome, len(cells)), make([]error, len(cells))
	var next, done atomic.Int64
	tenth := int64(max(1, len(cells)/10))
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(cells); i = int(next.Add(1)) - 1 {
				if errs[i] = ctx.Err(); errs[i] != nil {
					return
				}
				outcomes[i], errs[i] = matrix.Try(&cells[i], kinds, seeds)
				if n := done.Add(1); n%tenth == 0 {
					fmt.Fprintf(os.Stderr, "%d of %d cells\n", n, len(cells))
				}
			}
		})
	}
	wg.Wait()
	return outcomes, errors.Join(errs...)
}

// write writes the files that were asked for.
func (c *matrixCmd) write(outcomes []matrix.Outcome) error {
	if c.JSON != "" {
		text, err := json.MarshalIndent(matrix.NewReport(outcomes), "", " ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.JSON, append(text, '\n'), 0o644); err != nil { //nolint:gosec // for everybody
			return err
		}
	}
	if c.SVG == "" {
		return nil
	}
	return os.WriteFile(c.SVG, matrix.Draw(outcomes), 0o644) //nolint:gosec // for everybody
}

func (c *matrixCmd) trace(cell *matrix.Cell) error {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "%s\n", cell.Name())
	fmt.Fprintln(out, "second\tsent\taccepted\trefused\tin flight\tpace/s\tfrom")
	_, err := matrix.RunTraced(cell, matrix.Sluice, c.Seed, func(t matrix.Trace) {
		fmt.Fprintf(out, "%d\t%d\t%d\t%d\t%d\t%.3f\t%s\n", t.Second, t.Sent, t.Accepted, t.Refused, t.InFlight, t.Pace, t.From)
	})
	return errors.Join(err, out.Flush())
}
