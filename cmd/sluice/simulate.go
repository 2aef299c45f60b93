package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
)

// simulateCmd plays campaigns against model destinations in virtual time. Nothing is sent.
type simulateCmd struct {
	Scenario string `arg:"" help:"What to play (YAML): hosts and campaigns; configs/scenario.yaml is one."`
	Config   string `short:"c" placeholder:"FILE" env:"SLUICE_CONFIG" help:"The gateway's configuration (YAML); without it its defaults."`
	SVG      string `name:"svg" placeholder:"FILE" help:"Draw the timeline into this file."`
	Seed     *int64 `help:"Where chance comes from, instead of the scenario's seed."`
	Output   string `short:"o" enum:"text,json" default:"text" help:"How the outcome is printed: ${enum}."`
}

// Run prints what would come of the scenario. It fails when something that the scenario asks for would not come true.
func (c *simulateCmd) Run(k *kong.Context) error {
	conf := new(configs.Config)
	*conf = configs.Default()
	var err error
	if c.Config != "" {
		if conf, err = configs.Load(c.Config); err != nil {
			return err
		}
	}
	sc, err := configs.LoadScenario(c.Scenario)
	if err != nil {
		return err
	}
	if c.Seed != nil {
		sc.Seed = *c.Seed
	}
	began := time.Now()
	played, err := gateway.Simulate(conf, sc)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Scenario, err)
	}
	r := played.Report
	fmt.Fprintf(k.Stderr, "%s: %d attempts in %s of virtual time, played in %s\n", c.Scenario, r.Attempts,
		r.Ended.Round(time.Second), time.Since(began).Round(time.Millisecond))
	if c.SVG != "" {
		if err := os.WriteFile(c.SVG, played.Picture(), 0o600); err != nil {
			return fmt.Errorf("--svg: %w", err)
		}
	}
	if c.Output == "json" {
		out := json.NewEncoder(k.Stdout)
		out.SetIndent("", "  ")
		err = out.Encode(r)
	} else {
		err = r.Write(k.Stdout)
	}
	if err == nil && !r.Held {
		return errFailed
	}
	return err
}
