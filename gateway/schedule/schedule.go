// Package schedule decides which webhook may start now, and when to look again.
//
// It keeps hosts, lanes, flows and queues: a lane is the unit of the destination's limit and has one budget
// (limiter); a host has one breaker (circuit); the flows of a lane take turns; a queue is what is read from disk in
// (rank, id) order, and only a bounded window of it is in memory. A lane that must wait costs one heap entry.
//
// It is pure: no I/O, no clock, no goroutine, no lock. A Schedule has one user at a time: gateway/dispatch holds a lock over
// it. Its answers are values: which webhooks to start, which windows to read, when to ask again. It never sends, never
// stores, and forgets a webhook only when told that what became of it is durable.
package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Bounds on what is kept in memory; see Settings.
const (
	DefaultMaxInFlight = 10_000
	DefaultWindow      = 1024      // entries: a burst of as many is sent from memory
	DefaultMaxEntries  = 1 << 17   // about 100 bytes each, and what windows grow by
	DefaultMaxHandover = 32 << 20  // bytes
	DefaultMaxBytes    = 128 << 20 // bytes; each is held about twice while it is sent
	maxReading         = 32        // window reads under way at once
)

// Settings are what a Schedule is built with. Zero bounds mean their defaults.
type Settings struct {
	MaxInFlight  int   // attempts under way in all
	MaxUnsettled int   // attempts ended but not yet durable, in all; default: as many as MaxInFlight
	Window       int   // entries of one queue kept in memory
	MaxEntries   int   // entries of all queues kept in memory; as they become many, windows shrink to a few entries each
	MaxHandover  int64 // bytes of payloads handed over in memory; beyond it they are read from disk when sent
	MaxBytes     int64 // bytes of payloads in flight or unsettled; one more webhook may go above it
	// Floor is the part of a lane's turns that goes to each lower priority while it waits, above 0 and at most 0.4;
	// default: DefaultFloor. So high waits for two turns at most, and low has its part beside normal.
	Floor float64

	// Flow and Tenant are the rules of flows and tenants; nil: none has any.
	Flow   func(FlowName) FlowRule
	Tenant func(tenant string) TenantRule

	// TellFlows keeps for FlowsWaiting which flows wait in which lanes.
	TellFlows bool

	Budget  func(lane record.Lane, now time.Time) *limiter.Budget
	Breaker func(host string) *circuit.Breaker
	// SpareBudget and SpareBreaker are handed what Budget and Breaker made and nobody uses any more: it may be made anew for
	// another lane or host. nil: that is left to the collector.
	SpareBudget  func(*limiter.Budget)
	SpareBreaker func(*circuit.Breaker)
}

// Schedule holds every lane and what is known of its queues. Use New.
type Schedule struct {
	set Settings

	hosts map[string]*host
	flows map[FlowName]*flow
	// heldFlows and heldHosts are how many are held.
	heldFlows, heldHosts int
	// tenants are those of flows.
	tenants map[string]*tenant
	queues  map[record.QueueID]*queue
	// live are the webhooks in flight or ended but not settled: neither in a window nor to be read again.
	live map[record.ID]*item

	asleep   indexed[*lane] // lanes that wait for an instant
	runnable fifo[*lane]    // lanes whose turn comes in Next, and places that lanes have left
	// connected are lanes that wait for their turn and had a call that was answered just now.
	connected fifo[*lane]
	unread    fifo[*queue]
	shut      indexed[*flowGate] // at which shares wait for an instant
	// outside are hosts without a slot that wait for one, and the slow ones of them.
	outside, outsideSlow fifo[*host]
	open                 fifo[*flowGate] // at which shares wait that may be let in
	// deadlines are of entries in windows, and of some that have left them.
	deadlines deadlines
	// judged are queues with something that is to expire early, by when they are looked at; unjudged are new ones.
	judged   indexed[*judgement]
	unjudged fifo[*judgement]
	reading  int
	toCome   int // entries that windows are being read for, at most

	inFlight  int
	slow      int // of those in flight, to slow hosts
	unsettled int
	bytes     int64 // of payloads in flight or unsettled
	entries   int
	handover  int64
	idle      fifo[idleQueue] // queues with nothing to do, some of which have work again

	changedLanes []*lane // whose budget has something to save
	changedHosts []*host // whose breaker has, or whose hold
	changedFlows []*flow
	goneLanes    []record.Lane // forgotten, of which the store may have something
	goneHosts    []string
	looks        fifo[look] // one for every host, in time
	looked       uint64     // that were taken from looks
	lookEvery    time.Duration
	began        time.Time   // the instant of the first Next
	flowWaits    []FlowWaits // since they were told last
	toMark       map[*queue]struct{}

	warm fifo[*host] // those with a breaker, see warm.go

	away       map[string]absence // hosts that left with something to be remembered
	lookedAway time.Time          // for those whose time is up
	toRecall   []string           // for Plan.Recall
	seen       time.Time          // the instant of the last Next
	leap       leap
	slept      time.Duration // what MachineSlept was told last
	sleptSeen  time.Duration // as of seen

	lined     map[record.ID]*queue // callers who have not begun
	callers   uint64               // ever, those admitted at once included
	searching fifo[*queue]         // for what was cancelled
	condemned fifo[condemned]      // to be given out as cancelled
	listing   bool                 // there may be queues that were not Found yet
	plan      Plan
}

// New returns an empty schedule.
func New(set Settings) *Schedule {
	if set.MaxInFlight <= 0 {
		set.MaxInFlight = DefaultMaxInFlight
	}
	if set.MaxUnsettled <= 0 {
		set.MaxUnsettled = set.MaxInFlight
	}
	if set.Window <= 0 {
		set.Window = DefaultWindow
	}
	if set.MaxEntries <= 0 {
		set.MaxEntries = DefaultMaxEntries
	}
	if set.MaxHandover <= 0 {
		set.MaxHandover = DefaultMaxHandover
	}
	if set.MaxBytes <= 0 {
		set.MaxBytes = DefaultMaxBytes
	}
	if set.Flow == nil {
		set.Flow = func(FlowName) FlowRule { return FlowRule{} }
	}
	if set.Tenant == nil {
		set.Tenant = func(string) TenantRule { return TenantRule{} }
	}
	if set.Floor <= 0 {
		set.Floor = DefaultFloor
	}
	return &Schedule{
		set:     set,
		hosts:   map[string]*host{},
		flows:   map[FlowName]*flow{},
		queues:  map[record.QueueID]*queue{},
		live:    map[record.ID]*item{},
		tenants: map[string]*tenant{},
		shut:    newIndexed(func(a, b *flowGate) bool { return a.next.Before(b.next) }, func(g *flowGate) *int { return &g.index }),
		asleep:  newIndexed(func(a, b *lane) bool { return a.at.Before(b.at) }, func(l *lane) *int { return &l.index }),
		judged:  newIndexed(func(a, b *judgement) bool { return a.at.Before(b.at) }, func(j *judgement) *int { return &j.index }),
		toMark:  map[*queue]struct{}{},
		away:    map[string]absence{},
		lined:   map[record.ID]*queue{},

		lookEvery: lookEvery,
	}
}
