package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/gateway/alarm"
	"github.com/sluice-gateway/sluice/persist"
)

type serveCmd struct {
	Config   string        `short:"c" type:"existingfile" env:"SLUICE_CONFIG" placeholder:"FILE" help:"YAML file, read again on SIGHUP; without one everything is at its default."`
	Listen   string        `env:"SLUICE_LISTEN" placeholder:"HOST:PORT" help:"Front door; overrides listen (127.0.0.1:8480)."`
	Admin    string        `env:"SLUICE_ADMIN" placeholder:"HOST:PORT" help:"Metrics, health, profiles and reload; overrides admin (127.0.0.1:8481)."`
	Data     string        `env:"SLUICE_DATA" placeholder:"DIR" help:"The store's directory; overrides data.dir (./data)."`
	AllowNet []configs.Net `env:"SLUICE_ALLOW_NET" placeholder:"CIDR" help:"Destinations there are allowed though private, on any port; may be repeated; adds to egress.allow_nets."`

	DespiteLoss bool `help:"Start though something that was stored is missing or damaged, without it. For once: see the operations page."`
}

// Run serves until ctx ends.
func (c *serveCmd) Run(ctx context.Context) error {
	hangUps := make(chan os.Signal, 1) // from the beginning: by default SIGHUP ends a process
	signal.Notify(hangUps, syscall.SIGHUP)
	defer signal.Stop(hangUps)
	conf, err := c.configuration()
	if err != nil {
		return err
	}
	gateway.MakeRoomForFiles(gateway.FilesAtHand)
	addProcessor()
	go boundMemory(ctx)
	set := gateway.Settings{
		Config: conf, DespiteLoss: c.DespiteLoss, Version: release(), Log: logger(conf.Log.Format, os.Stderr), SetLogLevel: setLogLevel,
	}
	if c.Config != "" {
		set.Reload = c.configurationAgain
	}
	setLogLevel(conf.Log.Level)
	if set.Alarm, err = alarm.New(); err != nil {
		set.Log.Warn().Err(err).Msg("calls begin up to a millisecond late: the system has no timers that are more punctual")
		set.Alarm = alarm.NewTimer()
	}
	if err := recordCrashes(conf.Data.Dir); err != nil {
		set.Log.Warn().Err(err).Send()
	}
	g, err := gateway.New(set)
	if errors.Is(err, persist.ErrLost) {
		return fmt.Errorf("%w: restore the data directory from a backup, or lose what is missing and start with --despite-loss", err)
	}
	if err != nil {
		return err
	}
	if err := recordCrashes(conf.Data.Dir); err != nil { // the file may be another now
		set.Log.Warn().Err(err).Send()
	}
	go reloadOn(ctx, hangUps, g)
	return g.Run(ctx)
}

// reloadOn reloads the configuration at each signal until ctx ends; the gateway logs what comes of it.
func reloadOn(ctx context.Context, signals <-chan os.Signal, g *gateway.Gateway) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			_, _ = g.Reload(ctx)
		}
	}
}

// addProcessor has the Go scheduler run one more thread than there are processors, unless the environment says how many.
// A goroutine that waits for the disk to sync holds its place in the scheduler until that is taken away from it, and the
// committer always waits for one: on two processors another place is worth a tenth of the throughput.
func addProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

// configurationAgain is configuration for a reload. What is no file can be read once: a pipe is at its end then, which would be
// the configuration of an empty file, without tokens, or has the reload wait for ever for who writes to it. A file that is empty
// is one that is being written, or was when its disk was full: at a start it is the defaults, but nobody means to go back to them.
func (c *serveCmd) configurationAgain() (configs.Config, error) {
	info, err := os.Stat(c.Config)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return configs.Config{}, configs.Faults{{File: c.Config, Problem: "is not a regular file", Want: "one, which can be read again"}}
	case err == nil && info.Size() == 0:
		return configs.Config{}, configs.Faults{{File: c.Config, Problem: "is empty, as while it is being written", Want: "{} in it, where all is to be at its default"}}
	}
	return c.configuration()
}

// configuration reads the file, if there is one, and puts flags and environment over it. Its error is Faults.
func (c *serveCmd) configuration() (configs.Config, error) {
	conf := configs.Default()
	if c.Config != "" {
		loaded, faults := checkFile(c.Config)
		if len(faults) > 0 {
			return conf, faults
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

// logger writes lines of every level; which of them are let through is setLogLevel's.
func logger(format string, to *os.File) zerolog.Logger {
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z07:00"
	zerolog.DurationFieldInteger = true
	var w io.Writer = to
	if format == "console" || (format == "auto" && isatty.IsTerminal(to.Fd())) {
		w = zerolog.ConsoleWriter{Out: to, TimeFormat: time.TimeOnly}
	}
	return zerolog.New(w).With().Timestamp().Logger()
}

// setLogLevel lets through what the process logs from one of the words of log.level on.
func setLogLevel(word string) {
	level, err := zerolog.ParseLevel(word)
	if err != nil { // Validate has seen it
		level = zerolog.InfoLevel
	}
	zerolog.SetGlobalLevel(level)
}
