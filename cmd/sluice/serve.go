package main

import (
	"context"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
)

type serveCmd struct {
	Config   string        `short:"c" type:"existingfile" env:"SLUICE_CONFIG" placeholder:"FILE" help:"YAML file; without one everything is at its default."`
	Listen   string        `env:"SLUICE_LISTEN" placeholder:"HOST:PORT" help:"Front door; overrides listen (127.0.0.1:8480)."`
	Admin    string        `env:"SLUICE_ADMIN" placeholder:"HOST:PORT" help:"Metrics, health and profiles; overrides admin (127.0.0.1:8481)."`
	Data     string        `env:"SLUICE_DATA" placeholder:"DIR" help:"The store's directory; overrides data.dir (./data)."`
	AllowNet []configs.Net `env:"SLUICE_ALLOW_NET" placeholder:"CIDR" help:"Destinations there are allowed though private, on any port; may be repeated; adds to egress.allow_nets."`
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context) error {
	conf, err := c.configuration()
	if err != nil {
		return err
	}
	addProcessor()
	g, err := gateway.New(gateway.Settings{Config: conf, Version: release(), Log: logger(conf.Log, os.Stderr)})
	if err != nil {
		return err
	}
	return g.Run(ctx)
}

// addProcessor has the Go scheduler run one more thread than there are processors, unless the environment says how many.
// A goroutine that waits for the disk to sync holds its place in the scheduler until that is taken away from it, and the
// committer always waits for one: on two processors another place is worth a tenth of the throughput.
func addProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

// configuration reads the file, if there is one, and puts flags and environment over it.
func (c *serveCmd) configuration() (configs.Config, error) {
	conf := configs.Default()
	if c.Config != "" {
		loaded, err := configs.Load(c.Config)
		if err != nil {
			return conf, err
		}
		conf = *loaded
	}
	override(&conf.Listen, c.Listen)
	override(&conf.Admin, c.Admin)
	override(&conf.Data.Dir, c.Data)
	conf.Egress.AllowNets = append(conf.Egress.AllowNets, c.AllowNet...)
	return conf, conf.Validate()
}

func override(setting *string, flag string) {
	if flag != "" {
		*setting = flag
	}
}

func logger(l configs.Log, to *os.File) zerolog.Logger {
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z07:00"
	zerolog.DurationFieldInteger = true
	var w io.Writer = to
	if l.Format == "console" || (l.Format == "auto" && isatty.IsTerminal(to.Fd())) {
		w = zerolog.ConsoleWriter{Out: to, TimeFormat: time.TimeOnly}
	}
	level, err := zerolog.ParseLevel(l.Level)
	if err != nil { // Validate has seen it
		level = zerolog.InfoLevel
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}
