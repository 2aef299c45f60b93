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
	runnable fifo[*lane]    // lanes whose turn comes in Next
	unread   fifo[*queue]
	shut     indexed[*flowGate] // at which shares wait for an instant
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

// Plan is Next's answer; its slices are valid until Next is called again.
type Plan struct {
	Start   []Start // send these now
	Expired []Start // past their deadline: settle these without an attempt; they have no Permit
	// Passed are calls of those who stand in line: they begin now, and PassEnded says how they ended.
	Passed []Start
	// Cancelled were taken by a CancelFlow: settle these without an attempt; they have no Permit.
	Cancelled []Start
	Read      []Read    // fetch these windows and answer with ReadDone
	Recall    []string  // take up what is saved of these hosts and answer with Recalled
	Wake      time.Time // ask again then, unless something else happens first; zero: only when something happens
}

// Start is a webhook whose attempt begins now: in flight until Ended or Abandon, and live until Settled.
type Start struct {
	Queue   record.QueueID
	Lane    record.Lane
	Entry   record.Entry
	Content Content
	Permit  circuit.Permit
}

// Read asks for the next entries of a queue behind a position.
type Read struct {
	Host  string
	Queue record.QueueID
	After record.Position
	Limit int
}

// Next returns what may start now. It never returns more than fits the slots that are free.
func (s *Schedule) Next(now time.Time) *Plan { return s.NextOf(now, s.set.MaxInFlight) }

// NextOf returns what may start now as Next does, and starts at most so many webhooks, callers' calls included, and perhaps the
// rest of one lane's turn. What it leaves has its turn when it is asked again, for which there is no Wake.
func (s *Schedule) NextOf(now time.Time, most int) *Plan {
	p := &s.plan
	clear(p.Start) // let go of the payloads
	clear(p.Expired)
	clear(p.Cancelled)
	p.Passed = p.Passed[:0]
	p.Start, p.Expired, p.Cancelled = p.Start[:0], p.Expired[:0], p.Cancelled[:0]
	p.Read, p.Wake = p.Read[:0], time.Time{}
	s.seen = now

	s.cancel(now, p)
	s.expire(now, p)
	s.endHopelessQueues(now, p)
	s.letHostsIn()
	s.forgetIdle(now)
	looking := s.evict(now)
	for l := s.asleep.first(); l != nil && !l.at.After(now); l = s.asleep.first() {
		s.giveTurn(l)
	}
	for len(p.Start)+len(p.Passed) < most && s.free() > 0 && (s.runnable.len() > 0 || s.letIn(now)) {
		l := s.runnable.pop()
		l.place = nowhere
		if again := s.visit(l, now, p); again {
			s.giveTurn(l)
		}
	}
	s.planReads(p)
	p.Recall = append(p.Recall[:0], s.toRecall...)
	s.toRecall = s.toRecall[:0]
	if l := s.asleep.first(); l != nil {
		p.Wake = l.at
	}
	if len(s.deadlines) > 0 && s.free() > 0 {
		if at := time.UnixMilli(s.deadlines[0].at); p.Wake.IsZero() || at.Before(p.Wake) {
			p.Wake = at
		}
	}
	if j := s.judged.first(); j != nil && s.free() > 0 && (p.Wake.IsZero() || j.at.Before(p.Wake)) {
		p.Wake = j.at
	}
	if g := s.shut.first(); g != nil && (p.Wake.IsZero() || g.next.Before(p.Wake)) {
		p.Wake = g.next
	}
	if looking {
		if at := now.Add(lookAgain); p.Wake.IsZero() || at.Before(p.Wake) {
			p.Wake = at
		}
	}
	if s.condemned.len() > 0 && s.free() > 0 {
		p.Wake = now
	}
	return p
}

// visit lets a lane start what it may, up to its quantum. It reports whether the lane wants another turn.
func (s *Schedule) visit(l *lane, now time.Time, p *Plan) (again bool) {
	switch {
	case l.host.held:
		l.blocked, l.at = Held, time.Time{}
		return false
	case l.host.absent(): // Recalled wakes it
		l.blocked, l.at = Limit, time.Time{}
		return false
	}
	nowMs := now.UnixMilli()
	l.promote(nowMs)
	l.readmit(now)
	for range s.quantum() {
		if s.free() <= 0 {
			return true
		}
		q := l.next(nowMs, s.set.Floor)
		if q == nil {
			s.rest(l, now)
			return false
		}
		if g := q.share.shutFor(now); g != nil {
			s.waitAt(g, q.share, now)
			continue
		}
		s.warmLane(l, now)
		if at, why := l.budget.ReadyAt(now); why != limiter.Ready {
			s.block(l, why, at, now)
			return false
		}
		if s.crowded(l.host, now) {
			s.keepOut(l, now)
			return false
		}
		permit, ok := l.allowed(q, now)
		if !ok {
			at, partial := l.allowedAt(q, now)
			if partial {
				l.setAside(q.share, at)
				continue
			}
			s.sleep(l, Breaker, at, now)
			l.bar()
			return false
		}
		l.budget.Start(now)
		start := s.take(l, q, now)
		start.Permit = permit
		if q.callers {
			delete(s.lined, start.Entry.ID)
			p.Passed = append(p.Passed, start)
			continue
		}
		p.Start = append(p.Start, start)
	}
	return true
}

// take moves the head of a queue from its window to the live webhooks.
func (s *Schedule) take(l *lane, q *queue, now time.Time) Start {
	e := q.window.pop()
	s.left(q, &e, inFlight)
	s.slotTaken(l.host, now)
	f := q.share.flow
	f.gate.pass(now)
	f.tenant.gate.pass(now)
	l.tookTurn(q, s.set.Floor, now.UnixMilli())
	s.letGo(q)
	s.refill(q)
	return Start{Queue: q.id, Lane: l.id, Entry: e.entry, Content: e.content}
}

// left notes that an entry has left its window: it is live until settled.
func (s *Schedule) left(q *queue, e *windowed, to itemState) {
	s.entries--
	s.handover -= e.content.size()
	s.newItem(q, &e.entry, to)
}

// giveTurn gives a lane a turn in Next.
func (s *Schedule) giveTurn(l *lane) {
	switch l.place {
	case inRunnable:
		return
	case inAsleep:
		s.asleep.remove(l)
	}
	l.place = inRunnable
	s.runnable.push(l)
}

// block notes why a lane's budget holds it back.
func (s *Schedule) block(l *lane, why limiter.Reason, at, now time.Time) {
	switch why {
	case limiter.Pause:
		s.sleep(l, Pause, at, now)
	case limiter.Concurrency:
		l.blocked, l.at = Concurrency, time.Time{} // the end of an attempt wakes it
	default:
		s.sleep(l, Limit, at, now)
	}
}

// sleep puts a lane aside until an instant. Some instants are of the wall clock and some of the process's own; the
// latter is what all are compared by, so that setting the clock wakes nobody late.
func (s *Schedule) sleep(l *lane, why Reason, at, now time.Time) {
	l.blocked, l.at = why, now.Add(at.Sub(now))
	if l.place == inAsleep {
		s.asleep.moved(l)
		return
	}
	l.place = inAsleep
	s.asleep.push(l)
}
