// Package dispatch owns the clock, the schedule and the workers: it turns the schedule's decisions into attempts, and
// what came of them into settlements.
//
// One goroutine, Run, has the schedule's turns; with it every lane's budget and every host's breaker are behind one lock, held for
// a turn at a time. It takes what happened from the inbox in slices (committed webhooks, ended attempts, windows read,
// settlements made durable, commands), asks the schedule what may start, hands that to the workers, and sleeps until
// the inbox or the schedule's next instant wakes it (loop.go). Workers send (attempt.go); the settler writes what became of it
// (settle.go); only then does the schedule forget a webhook. It never accepts webhooks and never speaks to clients.
package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/alarm"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// DefaultDrain is how long Run waits, once told to stop, for the attempts under way.
const DefaultDrain = 20 * time.Second

// Settings are what a Dispatcher is built with.
type Settings struct {
	Store  persist.Store
	Member persist.Member
	Client *egress.Client
	// Policies returns those in force.
	Policies    func() policy.Set
	Credentials Credentials // nil: there are none
	Schedule    schedule.Settings
	// Slept is how long the machine has slept since it was started, which the monotonic clock does not count; nil: it never does.
	Slept   func() time.Duration
	Drain   time.Duration // 0: DefaultDrain
	Alarm   alarm.Alarm   // wakes the loop, and is closed by Run; nil: a Timer
	Log     zerolog.Logger
	Metrics prometheus.Registerer // nil: none
	// HostLabel names a host in metrics; it keeps the label's values few. nil: every host is "other".
	HostLabel func(host string) string
	// ShowURL makes a URL fit to be kept where people see it; nil: webhook.MaskURL.
	ShowURL func(host, url string) string
	// Sign returns a webhook's headers with those that sign it behind them, for an attempt at an instant; the headers
	// handed in are not changed. Where it fails, nothing is sent, no try is spent, and it is asked again after
	// UnsignedPause; with ErrOrphaned it ends. Nil: nothing is signed.
	Sign func(p *policy.Policy, w *record.Webhook, id record.ID, now time.Time, headers []record.Header) ([]record.Header, error)
	// WhyCancelled says for a person why what waits of a webhook's flow was cancelled; empty, or nil: its flow was.
	WhyCancelled func(w *record.Webhook) string
	// Override says how the headers of a host are to be read, over what they look like; nil: as they look.
	Override func(host string) *limiter.Override
	// Fails reports whether a status counts against its host's breaker, also where the destination deferred the attempt by
	// it; nil: FailsByClass.
	Fails func(host string, status int, deferred bool) bool
	// Attempted is told of the attempts that ended, in their order, but for those delivered that belong to no
	// subscription; it returns the flows whose rule they have changed (Schedule.Flow), which follow it before anything else
	// starts. It is called on the loop's goroutine and must not block. nil: nobody is told.
	Attempted func(now time.Time, attempts []Attempted) []schedule.FlowName
	// Restored changes what Restore has brought back, before anything starts; nil: it stays as it is.
	Restored func(s *schedule.Schedule, now time.Time)
	// FlowWaits is told which flows begin to wait in their lanes, and which have nothing left there, within milliseconds; it
	// is called on the loop's goroutine and must not block. nil: nobody is told.
	FlowWaits func(*schedule.FlowWaits)
}

// Dispatcher sends what is due. Use New, then Restore, then Run.
type Dispatcher struct {
	set   Settings
	inbox inbox

	// mu is held for one turn of the schedule, and never over I/O: by the loop, and by whoever makes a call of its own (pass.go)
	// for its beginning and its end. A turn takes microseconds, but where a command walks all hosts or all flows, as lists of their
	// names and a reload of limits do: some tens of nanoseconds for each, and microseconds for each that is changed. It guards all
	// down to saving.
	mu       sync.Mutex
	schedule *schedule.Schedule
	watched  map[record.ID][]chan struct{} // closed when what became of the webhook is durable
	cancels  map[record.ID]string          // why what is being sent is to be cancelled when it has ended
	passes   map[record.ID]*pass           // who stand in line
	summoned map[string][]chan struct{}    // closed when what is saved of a host is back
	changes  []breakerChange               // to be logged
	draining bool                          // nothing begins any more
	saveAt   time.Time                     // when changed states may be saved next
	saveNow  bool
	saving   bool // the loop looks at the changed states by itself, at saveAt at the latest

	clockSet schedule.ClockSet // to be logged by the loop, whose it is

	pool    pool
	settler settler
	waits   waits
	wanting wanting
	metrics *metrics

	recalling recalling
	beside    beside

	stopped chan struct{} // closed when the loop has ended
	ended   chan struct{} // closed when nothing is written any more either

	told []Attempted // the last time, for its memory
}

// New returns a dispatcher that does nothing yet.
func New(set Settings) *Dispatcher {
	if set.Drain <= 0 {
		set.Drain = DefaultDrain
	}
	if set.Alarm == nil {
		set.Alarm = alarm.NewTimer()
	}
	if set.HostLabel == nil {
		set.HostLabel = func(string) string { return "other" }
	}
	if set.ShowURL == nil {
		set.ShowURL = func(_, url string) string { return webhook.MaskURL(url) }
	}
	if set.Override == nil {
		set.Override = func(string) *limiter.Override { return nil }
	}
	if set.Fails == nil {
		set.Fails = FailsByClass
	}
	set.Schedule.TellFlows = set.FlowWaits != nil
	d := &Dispatcher{set: set, schedule: schedule.New(set.Schedule), stopped: make(chan struct{}), ended: make(chan struct{}),
		watched: map[record.ID][]chan struct{}{}, cancels: map[record.ID]string{}}
	d.passes, d.summoned = map[record.ID]*pass{}, map[string][]chan struct{}{}
	d.inbox.wake = make(chan struct{}, 1)
	d.settler.wake = make(chan struct{}, 1)
	d.pool.work, d.pool.wanted = d.attempt, d.inbox.nudge
	d.pool.cond.L = &d.pool.mu
	d.metrics = newMetrics(set.Metrics, d.Load)
	return d
}

// Run sends until ctx ends, then waits for the attempts under way and their settlements, at most the drain time.
// What it could not settle by then stays on disk and is sent again after a restart.
func (d *Dispatcher) Run(ctx context.Context) error {
	settled := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(settled)
		d.settle(stop)
	}()
	err := d.loop(ctx)
	close(d.stopped)
	d.pool.stop()
	close(stop)
	<-settled
	close(d.ended)
	d.beside.wait()
	return errors.Join(err, d.set.Alarm.Close())
}

// Load is what the dispatcher has in hand.
type Load struct{ InFlight, Unsettled, Waiting int }

// Load returns what the dispatcher has in hand.
func (d *Dispatcher) Load() Load {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Load{InFlight: d.schedule.InFlight(), Unsettled: d.schedule.Unsettled(), Waiting: d.schedule.InMemory()}
}
