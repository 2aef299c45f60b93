package limiter

import "time"

// Budget decides when the next call of one lane may begin. A call needs all of: no pause (and after one a single
// probe first), a free place among the calls at once, a permit of every known window, something left by the freshest
// Remaining, and its turn by the pace.
//
// It has one user at a time: gateway/dispatch holds its lock. Every Start must be followed by one Observe: a call in flight
// holds permits. Instants that go back are taken for the latest seen.
type Budget struct {
	cfg  Config
	base time.Time // of ticks
	last tick

	inFlight int32
	revision uint32
	started  lastCall

	pause    pause
	pacer    pacer
	toldRate float64 // calls per second, as told in so many words; 0: not
	explore  explorer
	calls    concurrency
	trip     rtt
	windows  []*window // configured ones first
}

// Never is the instant that ReadyAt returns when only an Observe can change its answer.
var Never = time.Unix(1<<33, 0).UTC() // in the year 2242, so that nanoseconds still fit

// idle is how long a lane may send nothing and still keep the pace that it found by itself.
const idle = 10 * time.Minute

// slowestTold is the least pace that headers alone set, in calls per second.
const slowestTold = 1 / (float64(maxHold) / float64(time.Second))

// Reason says what holds a lane.
type Reason uint8

// The reasons of ReadyAt.
const (
	Ready       Reason = iota // nothing: a call may begin
	Limit                     // the pace or a window
	Pause                     // the destination asked for one, or the probe after one is on its way
	Concurrency               // enough calls are in flight
)

// String returns the word shown to people.
func (r Reason) String() string {
	switch r {
	case Ready:
		return "ready"
	case Limit:
		return "limit"
	case Pause:
		return "pause"
	case Concurrency:
		return "concurrency"
	}
	return "unknown"
}

// New returns the budget of a lane of which nothing is known. What cfg leaves out takes its default.
func New(cfg Config, now time.Time) *Budget {
	b := new(Budget)
	b.Renew(cfg, now)
	return b
}

// Renew makes a budget what New returns: its memory is used again. No call of it must be in flight.
func (b *Budget) Renew(cfg Config, now time.Time) {
	*b = Budget{base: now}
	b.pause.cutAt = -1
	b.configure(cfg)
	b.explore.rate = b.cfg.Start
	b.explore.second = 0
	b.pacer.set(0, b.rate(0))
}

// Reconfigure changes the configuration and keeps what was learned, as far as the new one allows.
func (b *Budget) Reconfigure(cfg Config, now time.Time) {
	t := b.tick(now)
	was := b.cfg.Start
	b.configure(cfg)
	if !b.explore.exploring() && (was != b.cfg.Start || b.explore.rate > b.cfg.Ceiling) {
		b.explore.rate = b.cfg.Start
	}
	b.explore.level = min(b.explore.level, b.cfg.Ceiling)
	b.pacer.set(t, b.rate(t))
	b.revision++
}

func (b *Budget) configure(cfg Config) {
	b.cfg = cfg.normal()
	b.calls.configure(int32(b.cfg.ConcurrencyStart), int32(b.cfg.ConcurrencyMax)) //nolint:gosec // normal bounds them
	var kept []*window
	for _, r := range b.cfg.Windows {
		kept = append(kept, b.configuredWindow(r))
	}
	for _, w := range b.windows {
		if w.configured() {
			continue
		}
		if w.basis == lengthAsRule {
			w.notAsRule() // the rule may have changed
		}
		w.setLimit(w.limit, b.cfg.Share)
		kept = append(kept, w)
	}
	b.windows = kept
}

// configuredWindow is the window of a rule: the one there is, with the calls it remembers, or a new one.
func (b *Budget) configuredWindow(r Rule) *window {
	for _, w := range b.windows {
		if w.configured() && w.per == r.Per {
			w.setLimit(r.N, b.cfg.Share)
			return w
		}
	}
	w := newWindow("configured", b.last)
	w.basis = lengthConfigured
	w.setLimit(r.N, b.cfg.Share)
	w.setLength(r.Per)
	return w
}

// ReadyAt returns when the next call may begin, and what it waits for. If why is Ready, at is now, and the next call
// may begin now. Otherwise nothing changes before at but by an Observe; it is Never when nothing changes at all
// without one, and some call is in flight then.
func (b *Budget) ReadyAt(now time.Time) (at time.Time, why Reason) {
	t := b.tick(now)
	switch until := b.pause.until; {
	case until > t:
		return b.at(until), Pause
	case b.pause.probing && b.pause.probeOut:
		return Never, Pause
	}
	if b.inFlight >= b.calls.limit {
		return Never, Concurrency
	}
	next := t
	for _, w := range b.windows {
		next = max(next, w.readyAt(t, int64(b.inFlight)))
		if w.spaced() {
			next = max(next, b.started.began+w.distance(b.trip.varies()))
		}
	}
	if next == never {
		return Never, Limit
	}
	if b.pacer.set(t, b.rate(t)); b.pacer.limited() && !b.pause.probing {
		next = max(next, b.pacer.due())
		if b.mayKeepApart() {
			next = max(next, b.started.clear(t, b.pacer.interval(), b.trip.usual()))
		}
	}
	if next > t {
		return b.at(next), Limit
	}
	return b.at(t), Ready
}

// Start counts a call that begins now; ReadyAt said that it may.
func (b *Budget) Start(now time.Time) {
	t := b.tick(now)
	if t-b.started.began > idle {
		b.forgetPace()
	}
	b.started = lastCall{began: t, late: unanswered}
	b.inFlight++
	b.calls.began(b.inFlight)
	grew := b.explore.began(t, b.rate(t), b.cfg.Ceiling, &b.trip)
	b.pause.began(t)
	slack := catchUp
	if b.mayKeepApart() {
		slack = 0
	}
	b.pacer.take(t, slack)
	if grew || len(b.windows) > 0 {
		b.revision++
	}
}

// Spare notes that the call that begins now is held to less than the lane's pace for a reason outside of it, as where its host comes
// back after an outage: what was accepted says nothing of a higher pace then, and more than what is known had better not follow.
func (b *Budget) Spare(now time.Time) {
	b.explore.spare(b.tick(now))
	b.calls.spare()
}

// mayKeepApart reports whether it may be the distance between calls that is limited, for all that is known.
func (b *Budget) mayKeepApart() bool {
	if b.explore.exploring() {
		return !b.explore.capped
	}
	return b.cfg.Fixed == 0 && len(b.windows) == 0 && b.pacer.limited() && b.pacer.interval() >= 2*catchUp
}

// forgetPace goes back to the start after a long silence; windows that the destination told are kept, and what was inferred of one
// that may still count calls.
func (b *Budget) forgetPace() {
	if w := b.inferredWindow(); w != nil && w.per <= idle {
		b.forgetInferred()
	}
	b.explore.rate = min(b.cfg.Start, b.explore.rate)
	b.explore.forget(b.last)
	b.calls.limit, b.calls.far = min(b.calls.atOnce(), b.calls.start), false
	b.pacer = pacer{}
	b.pacer.set(b.last, b.rate(b.last))
	b.revision++
}

// Revision changes whenever what Snapshot returns has changed in a way worth saving.
func (b *Budget) Revision() uint64 { return uint64(b.revision) }

// tick converts an instant, which must not go back, and remembers it as the latest.
func (b *Budget) tick(now time.Time) tick {
	b.last = max(b.last, b.since(now))
	return b.last
}

// since converts any instant.
func (b *Budget) since(t time.Time) tick { return t.Sub(b.base) }

// at converts a tick.
func (b *Budget) at(t tick) time.Time { return b.base.Add(t) }
