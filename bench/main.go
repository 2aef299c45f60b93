// Command bench measures Sluice: load tests of the real binary beside a plain counterpart in the same run, because on
// a shared machine only ratios mean anything.
//
//	go run ./bench relay      webhooks delivered per second, beside a bare relay
//	go run ./bench door       webhooks accepted per second, beside a server that keeps nothing; requests through the proxy,
//	                          beside a bare relay
//	go run ./bench matrix     use of the allowance and refusals over hundreds of destinations in virtual time, beside
//	                          other senders and the best that is possible
//	go run ./bench real       nginx's and other real limiters' allowances used, and calls refused
//	go run ./bench isolation  how long healthy hosts' webhooks take, with and without bad hosts beside them
//	go run ./bench fairness   what ten flows get of one host's allowance
//	go run ./bench breaker    what is sent into an outage, and how the host is taken up again, in virtual time
//	go run ./bench backlog    memory, start and pace of a gateway for which a million webhooks wait
//	go run ./bench powercut   what is left of a gateway's promises when the power is cut, again and again (as root)
//
// Tables go to stdout, progress to stderr.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Relay     relayCmd     `cmd:"" help:"Webhooks delivered per second, beside a bare relay in the same run."`
	Door      doorCmd      `cmd:"" help:"Webhooks accepted, and requests proxied, per second, beside bare counterparts in the same run."`
	Matrix    matrixCmd    `cmd:"" help:"How much of a destination's allowance is used, and how often it refuses, in virtual time."`
	Real      realCmd      `cmd:"" help:"How much of real rate limiters' allowance is used, and how often they refuse."`
	Isolation isolationCmd `cmd:"" help:"How long healthy hosts' webhooks take, with and without bad hosts beside them."`
	Fairness  fairnessCmd  `cmd:"" help:"What ten flows get of one host's allowance, one of them with a backlog of 100,000."`
	Breaker   breakerCmd   `cmd:"" help:"What is sent into an outage, and how the host is taken up again, in virtual time."`
	Backlog   backlogCmd   `cmd:"" help:"Memory, start and pace of a gateway for which a million webhooks wait."`
	Powercut  powercutCmd  `cmd:"" help:"What is left of a gateway's promises when the power is cut, again and again. As root."`
	Bare      bareCmd      `cmd:"" hidden:"" help:"Be the bare relay."`
	Bare202   bare202Cmd   `cmd:"" name:"bare202" hidden:"" help:"Be the bare server that answers 202."`
}

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed := kong.Parse(&commands{}, kong.Name("bench"), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := parsed.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}
