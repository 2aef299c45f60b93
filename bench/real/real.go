// Package real measures the gateway against rate limiters that other people wrote and many services run: nginx,
// HAProxy, Varnish, and the usual middlewares for Express, Fastify, Koa, Hono, NestJS, hapi, Flask, Django, Rack, Symfony
// and Go. Each is started on loopback as its own documentation sets it up and driven through the whole gateway: the built
// binary, a backlog that never runs dry, posted through the front door, and a configuration that says nothing about limits.
//
// What counts is the destination's own word. Each notes every answer in a file; the gateway's figures are not looked at.
//
//   - allowance: what the destination's rule allows over the measured time
//   - use: what it accepted in that time ÷ allowance
//   - refused: the share answered 429 of all calls, from the very first on
//
// The measured time begins when the first window is over, ten seconds after the first call at the earliest ([Rule.WarmUp]),
// and lasts a whole number of windows. What came before it counts in the share refused and in the use of the whole run.
//
// The package starts processes, listens on 127.0.0.1 and, when asked to [Prepare], installs programs. It removes and
// ends what it made.
package real

import (
	"context"
	"slices"
)

// Destination is a server with a limiter that is not ours.
type Destination struct {
	Name  string // unique, as --only matches it
	Rule  Rule   // what it was told to allow
	Tells string // what its responses say of the limit; empty: nothing but 429
	Needs []Tool // programs it is made of
	// start has the destination listen and note its answers; the processes are ended in the order in which they are
	// returned, last one first.
	start func(ctx context.Context, t Toolbox, place place) ([]*process, error)
}

// place is where a destination runs.
type place struct {
	addr string // host:port to listen on
	dir  string // absolute; removed with the run
	log  string // where answers are noted, see [Answer]
}

// Bar is what a destination must be driven to.
type Bar struct {
	Use     float64 `json:"use"`     // of the allowance, at least
	Refused float64 `json:"refused"` // of all calls, at most
}

// Bar is 0.97 and 0.5 % where the limit is told in headers or by Retry-After, and 0.9 and 2 % where all there is to
// learn from is 429.
func (d *Destination) Bar() Bar {
	if d.Tells == "" {
		return Bar{Use: 0.9, Refused: 0.02}
	}
	return Bar{Use: 0.97, Refused: 0.005}
}

// All returns every destination, in the order of the report.
func All() []Destination {
	return slices.Concat(nginxes(), expresses(), nodes(), goServers(), proxies(), flasks(), djangos(), racks(), symfonies())
}
