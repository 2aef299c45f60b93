// Package dispatch owns the clock, the schedule and the workers: it turns the schedule's decisions into attempts, and
// what came of them into settlements.
//
// One goroutine, Run, has the schedule's turns; with it every lane's budget and every host's breaker are behind one lock, held for
// a turn at a time. It takes what happened from the inbox in slices (committed webhooks, ended attempts, windows read,
// settlements made durable, commands), asks the schedule what may start, hands that to the workers, and sleeps until
// the inbox or the schedule's next instant wakes it. Workers send (attempt.go); the settler writes what became of it
// (settle.go); only then does the schedule forget a webhook. It never accepts webhooks and never speaks to clients.
package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/circuit"
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

// maxSleep bounds how late it is noticed that the clock was set forward.
const maxSleep = time.Minute

// saveEvery is how often what lanes learned is saved, at most; a breaker's transition is saved at once.
const saveEvery = time.Second

// Settings are what a Dispatcher is built with.
type Settings struct {
	Store  persist.Store
	Member persist.Member
	Client *egress.Client
	// Policies returns those in force.
	Policies    func() policy.Set
	Credentials Credentials // nil: there are none
	Schedule    schedule.Settings
	Drain       time.Duration // 0: DefaultDrain
	Alarm       alarm.Alarm   // wakes the loop, and is closed by Run; nil: a Timer
	Log         zerolog.Logger
	Metrics     prometheus.Registerer // nil: none
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

var errDrain = errors.New("drain time passed with attempts under way: they are made again after the next start")

func (d *Dispatcher) loop(ctx context.Context) error {
	var deadline time.Time // of the drain; zero: not draining
	stopping := ctx.Done()
	for {
		wake, over, err := d.turn(ctx, deadline)
		d.logChanges()
		if over {
			return err
		}
		var at <-chan time.Time
		if !wake.IsZero() {
			d.set.Alarm.Set(earlier(wake, time.Now().Add(maxSleep)))
			at = d.set.Alarm.Rings()
		}
		select {
		case <-d.inbox.wake:
		case <-at:
		case <-stopping:
			stopping = nil
			deadline = time.Now().Add(d.set.Drain)
			d.turnAway()
			d.pool.discard(func(s schedule.Start) { d.inbox.abandon(s) })
		}
	}
}

// turn tells the schedule what happened and carries out what it decides. It returns when to come again at the latest; over: all
// that was under way when the drain began has ended, or, with an error, its deadline has passed.
func (d *Dispatcher) turn(ctx context.Context, deadline time.Time) (wake time.Time, over bool, err error) {
	in := d.inbox.take()
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.apply(in, now)
	d.tellFlows()
	d.settler.flush()
	if !d.draining {
		room := d.pool.room()
		if d.settler.failing.Load() {
			room = 0
		}
		plan := d.schedule.NextOf(now, room)
		wake = plan.Wake
		d.carryOut(ctx, plan)
		save := d.saveStates(now)
		d.saving = !save.IsZero()
		return earlier(wake, save), false, nil
	}
	done := d.schedule.InFlight() == 0 && (d.schedule.Unsettled() == 0 || d.settler.gaveUp.Load())
	if !done && now.Before(deadline) {
		return deadline, false, nil
	}
	d.saveNow = true
	d.saveStates(now)
	if !done {
		err = errDrain
	}
	return deadline, true, err
}

// Load is what the dispatcher has in hand.
type Load struct{ InFlight, Unsettled, Waiting int }

// Load returns what the dispatcher has in hand.
func (d *Dispatcher) Load() Load {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Load{InFlight: d.schedule.InFlight(), Unsettled: d.schedule.Unsettled(), Waiting: d.schedule.InMemory()}
}

// apply tells the schedule what happened, and runs the commands.
func (d *Dispatcher) apply(in *happened, now time.Time) {
	for i := range in.committed {
		c := &in.committed[i]
		d.schedule.Committed(now, &schedule.Fresh{
			Queue: c.Queue, ID: c.QueueID, Entry: c.Entry,
			Content: schedule.Content{Payload: c.Payload, Webhook: c.Webhook},
		})
	}
	for i := range in.ended {
		e := &in.ended[i]
		if !e.unsent {
			if t := d.schedule.Ended(now, &e.end); t != (circuit.Transition{}) {
				d.breakerChanged(e.lane.Host, t, now)
			}
		}
		if e.settlement != nil {
			d.settler.add(e.settlement)
		}
	}
	d.tellAttempted(now, in.ended)
	for i := range in.recalled {
		d.hostRecalled(&in.recalled[i], now)
	}
	for i := range in.read {
		r := &in.read[i]
		d.schedule.ReadDone(now, r.queue, r.entries, r.failed)
	}
	for _, s := range in.settled {
		d.schedule.Settled(now, s.ID, s.Next)
		if len(d.watched) > 0 {
			d.settledOne(s.ID)
		}
		if len(d.cancels) > 0 {
			d.cancelSettled(&s)
		}
	}
	for i := range in.abandoned {
		d.schedule.Abandon(&in.abandoned[i])
	}
	for i := range in.passes {
		d.hear(&in.passes[i], now)
	}
	for _, c := range in.commands {
		c.answer(d.schedule, now, d.draining)
	}
}

// tellFlows tells which flows wait in which lanes, as far as that has changed.
func (d *Dispatcher) tellFlows() {
	if d.set.FlowWaits != nil {
		d.schedule.FlowsWaiting(d.set.FlowWaits)
	}
}

// carryOut starts what the schedule says may start.
func (d *Dispatcher) carryOut(ctx context.Context, plan *schedule.Plan) {
	d.pool.submit(plan.Start, send)
	d.pool.submit(plan.Expired, expire)
	d.letPass(plan.Passed)
	d.pool.submit(plan.Cancelled, cancel)
	for _, r := range plan.Read {
		d.beside.run(func() { d.read(ctx, r) })
	}
	if len(plan.Recall) > 0 {
		d.recall(ctx, plan.Recall...)
	}
}

// read fetches a window. A store that does not answer is asked again after a while, not at once.
func (d *Dispatcher) read(ctx context.Context, r schedule.Read) {
	ref := persist.QueueRef{Part: record.PartOf(r.Host), ID: r.Queue}
	entries, err := d.set.Store.Window(ctx, ref, r.After, r.Limit)
	if err != nil && ctx.Err() == nil {
		d.set.Log.Error().Err(err).Str("host", r.Host).Msg("reading a queue failed; it is tried again")
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	d.inbox.addRead(windowRead{queue: r.Queue, entries: entries, failed: err != nil})
}

// breakerChange is a breaker's transition, and how it stood then.
type breakerChange struct {
	host string
	circuit.Transition
	view circuit.View
	part bool // of the host only
}

// breakerChanged notes a transition, to be saved and logged.
func (d *Dispatcher) breakerChanged(host string, t circuit.Transition, now time.Time) {
	v, part := d.schedule.Breaker(host).Holding(now, t.Of)
	d.changes = append(d.changes, breakerChange{host, t, v, part})
	d.saveNow = true
}

// logChanges logs the breakers' transitions.
func (d *Dispatcher) logChanges() {
	d.mu.Lock()
	changes := d.changes
	d.changes = nil
	d.mu.Unlock()
	for i := range changes {
		c := &changes[i]
		d.metrics.breaker(d.set.HostLabel(c.host), c.Transition)
		line := d.set.Log.Warn().Str("host", c.host).Stringer("from", c.From).Stringer("to", c.To).Str("cause", c.Cause)
		if c.Partial && c.part {
			line = line.Str("tenant", c.Of.Tenant).Hex("lane", c.Of.Key[:])
		}
		if c.To == circuit.Open {
			line = line.Time("probes_at", c.view.OpenUntil)
		}
		line.Msg("breaker changed")
	}
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
