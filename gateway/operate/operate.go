// Package operate is an operator's eye and hand: it answers for the front door why something waits and how hosts, flows and
// webhooks stand, and pauses, resumes, forgets, cancels, retries, replays and erases. What it asks and changes of the schedule
// are commands that the dispatcher runs between two decisions; what takes longer than a request is a job. It sends nothing, and
// decides nothing about any webhook by itself.
package operate

import (
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/jobs"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Settings are what New works with. All but MostHeld must be set.
type Settings struct {
	Store      persist.Store
	Dispatcher *dispatch.Dispatcher
	Jobs       *jobs.Runner // not resumed yet
	MostHeld   MostHeld
	// Unsigned says why a webhook that waits could not be signed when that was tried last; empty: there is nothing to say.
	Unsigned func(*record.Webhook) string
	// Orphaned reports whether a webhook can never be signed any more, so that sending it again is refused.
	Orphaned func(*record.Webhook) bool
	Log      zerolog.Logger
}

// MostHeld bounds what operators hold at once; one more is a front.TooManyHeldError.
type MostHeld struct{ Flows, Hosts int }

// Hand is what the front door asks of this package.
type Hand struct {
	Why      front.Why
	Hosts    front.Hosts
	Flows    front.Flows
	Logbook  front.Logbook
	Repairs  front.Repairs
	Replays  front.Replays
	Erasures front.Erasures
}

// New returns an operator's hand, and has the jobs know what replays, erasures and cancellations of flows are.
func New(set Settings) *Hand {
	repeated := &copies{orphaned: set.Orphaned}
	again := replays{set.Store, set.Jobs, repeated}
	wiping := erasures{set.Store, set.Dispatcher, set.Jobs, repeated}
	set.Jobs.Handle(replayKind, jobs.Kind{Run: again.run})
	set.Jobs.Handle(erasureKind, jobs.Kind{Run: wiping.run})
	do, counted := commands{set.Dispatcher}, newCounter(set.Store)
	return &Hand{
		Why:   reasons{do, set.Unsigned}.why,
		Hosts: hosts{do, counted, set.MostHeld.Hosts, set.Log}, Flows: newFlows(do, counted, &set), Logbook: logbook{do, set.Store},
		Repairs: repairs{set.Store, set.Dispatcher, repeated}, Replays: again, Erasures: wiping,
	}
}
