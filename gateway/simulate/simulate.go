// Package simulate answers, before anything is sent, what would come of it: it puts campaigns before model destinations
// in virtual time, with the schedule, the limiter and the breaker that the gateway has, under its configuration.
//
// It is pure: no I/O, no clock, no goroutine; chance comes from the scenario's seed, so a scenario has one answer. It
// never judges what the destinations would really do: they do what the scenario says.
package simulate

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Bounds of a scenario: a run must end, and end soon.
const (
	MaxWebhooks  = 5_000_000 // of all campaigns together
	MaxCampaigns = 1000
	MaxLength    = 31 * 24 * time.Hour // looked at
)

// Scenario is what is to be played through. Instants within it count from Start.
type Scenario struct {
	Start     time.Time
	Length    time.Duration // how long to look; 0: until everything has ended, at most MaxLength
	Seed      uint64
	Hosts     []Host
	Campaigns []Campaign
}

// Host is a model of a destination.
type Host struct {
	Name    string              // as in a URL: api.example.com, or with a port
	Limits  []destination.Spec  // all of which must have room for a call; none: it takes everything
	Dialect destination.Dialect // in which it tells them; empty: it does not
	Latency time.Duration       // from a call's start to the end of its answer
	Jitter  time.Duration       // added to it at random, up to this
	Others  float64             // calls a second by others under the same limits, at random
	Outages []Outage
}

// Outage is a time in which a host does not do its work.
type Outage struct {
	At, For time.Duration
	Answer  Answer
}

// Answer is what calls get during an outage: a status from 500 on, or one of those below.
type Answer int

// What calls get that get no status.
const (
	Refuse  Answer = 1 // no connection comes about
	Silence Answer = 2 // a connection, and no answer
)

// Campaign is a stream of webhooks of one flow to one host.
type Campaign struct {
	Flow, Tenant, Host string
	Priority           record.Priority
	Policy             string
	Count              int
	At                 time.Duration // when the first is accepted
	Over               time.Duration // in which all are, evenly; 0: all at once
	Expires            time.Duration // each, after its acceptance; 0: never
	// DoneBy is when all must be delivered, and Within how soon after acceptance 99 of 100 must be; 0: whenever.
	DoneBy, Within time.Duration
}

// Settings are how the gateway treats what is accepted. Schedule's bounds may be left out.
type Settings struct {
	Schedule schedule.Settings
	Policies policy.Set
	// Health is what an attempt says of its host; deferred: the destination put it off.
	Health func(host string, status int, class policy.ErrorClass, deferred bool) circuit.Result
	// Called hears of every call that begins, Refused of every 429 and Changed of every change of a breaker, each with
	// the instant from the scenario's start; nil: nobody does.
	Called, Refused func(host string, at time.Duration)
	Changed         func(host string, at time.Duration, t circuit.Transition)
}

// check returns what makes a scenario unplayable, or nil.
func (sc *Scenario) check(policies policy.Set) error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	known := map[string]bool{}
	for i := range sc.Hosts {
		known[sc.Hosts[i].Name] = true
	}
	total := 0
	for i := range sc.Campaigns {
		c := &sc.Campaigns[i]
		total += c.Count
		if !known[c.Host] {
			fault("campaigns[%d].host %q: is none of hosts", i, c.Host)
		}
		if policies[c.Policy] == nil {
			fault("campaigns[%d].policy %q: there is no such policy", i, c.Policy)
		}
	}
	if n := len(sc.Campaigns); n > MaxCampaigns {
		fault("campaigns: %d are too many: at most %d", n, MaxCampaigns)
	}
	if total > MaxWebhooks {
		fault("campaigns: %d webhooks in all are too many: at most %d", total, MaxWebhooks)
	}
	return errors.Join(errs...)
}
