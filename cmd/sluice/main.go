// Command sluice is the gateway and everything that goes with it: serving, checking a configuration and having it
// reloaded, sending webhooks through the gateway, and a destination to try it on.
//
// Data goes to stdout, talk to stderr. It exits 0 when what was asked for was done, 1 when it was not, 2 when it was
// asked wrongly. The first SIGINT or SIGTERM ends it in order, a second one at once; SIGHUP has serve reload its file.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the command line. Flags go before SLUICE_* variables, those before the file.
type commands struct {
	Serve    serveCmd    `cmd:"" help:"Run the gateway."`
	Check    checkCmd    `cmd:"" help:"Check configuration files and name every fault."`
	Reload   reloadCmd   `cmd:"" help:"Have a gateway read its configuration file again."`
	Send     sendCmd     `cmd:"" help:"Send webhooks through a gateway, and wait for what becomes of them."`
	Sink     sinkCmd     `cmd:"" help:"Be a destination with a rate limit, to try things on."`
	Simulate simulateCmd `cmd:"" help:"Play campaigns against model destinations in virtual time, before sending anything."`
	Headers  headersCmd  `cmd:"" help:"Explain what a response's headers say about limits."`
	Token    tokenCmd    `cmd:"" help:"Make tokens for the front door."`
	Policy   policyCmd   `cmd:"" help:"Show how webhooks are treated: presets, and the policies of a file."`

	Webhook      webhookCmd      `cmd:"" help:"Look at webhooks, and try them again or cancel them."`
	Subscription subscriptionCmd `cmd:"" help:"Look after the endpoints that are told of events."`
	Event        eventCmd        `cmd:"" help:"Publish events, and see where they went."`

	Host    hostCmd    `cmd:"" help:"Look at destinations and steer them."`
	Flow    flowCmd    `cmd:"" help:"Look at streams of webhooks and brake them."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

const (
	exitFailed = 1
	exitUsage  = 2
)

// errFailed ends a command that has already said what went wrong.
var errFailed = errors.New("failed")

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	exited := -1 // kong asks for an exit after printing help
	parser, err := kong.New(&commands{},
		kong.Name("sluice"),
		kong.Description("A rate-limit-aware webhook gateway."),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintf(stderr, "sluice: %v\n", err)
		return exitUsage
	}
	parsed, err := parser.Parse(flagged(args))
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "sluice: %v\nRun `%s --help` for what there is.\n", err, meant(err))
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from then on a second signal has its default effect: the end, at once
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run()
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return exitFailed
	case errors.As(err, new(usageError)):
		fmt.Fprintf(stderr, "sluice: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "sluice: %v\n", err)
	return exitFailed
}

// meant is the command that was called wrong, as far as it is clear.
func meant(err error) string {
	name := "sluice"
	if fault := (*kong.ParseError)(nil); errors.As(err, &fault) {
		for _, p := range fault.Context.Path {
			if p.Command != nil {
				name += " " + p.Command.Name
			}
		}
	}
	return name
}

// flagged has `sluice help`, `sluice help webhook` and `sluice --version` be what they are elsewhere.
func flagged(args []string) []string {
	switch {
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	}
	return args
}

// usageError is a fault in how a command was called, found after its flags were read.
type usageError struct{ error }
