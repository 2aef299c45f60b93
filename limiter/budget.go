package limiter

import (
	"math"
	"time"
)

// Budget decides when the next call of one lane may begin. A call needs all of: no pause (and after one a single
// probe first), a free place among the calls at once, a permit of every known window, something left by the freshest
// Remaining, and its turn by the pace.
//
// It belongs to one goroutine. Every Start must be followed by one Observe: a call in flight holds permits. Instants
// that go back are taken for the latest seen.
type Budget struct {
	cfg  Config
	base time.Time // of ticks
	last tick

	inFlight int64
	started  tick // when the last call began

	pause    pause
	pacer    pacer
	toldRate float64 // calls per second, as told in so many words; 0: not
	explore  explorer
	calls    concurrency
	trip     rtt
	windows  []*window // configured ones first
	untaught int       // accepted calls since the last refusal that a window explained
	revision uint64
}

// Never is the instant that ReadyAt returns when only an Observe can change its answer.
var Never = time.Unix(1<<33, 0).UTC() // in the year 2242, so that nanoseconds still fit

// idle is how long a lane may send nothing and still keep the pace that it found by itself.
const idle = 10 * time.Minute

// explainedShare: when windows explain more than one refusal in this many calls, they are not the whole story.
const explainedShare = 33

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
	b := &Budget{base: now}
	b.pause.cutAt = -1
	b.configure(cfg)
	b.explore.rate = b.cfg.Start
	b.explore.second = 0
	b.pacer.set(now, b.rate(0))
	return b
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
	b.pacer.set(b.at(t), b.rate(t))
	b.revision++
}

func (b *Budget) configure(cfg Config) {
	b.cfg = cfg.normal()
	b.calls.configure(b.cfg.ConcurrencyStart, b.cfg.ConcurrencyMax)
	var kept []*window
	for _, r := range b.cfg.Windows {
		kept = append(kept, b.configuredWindow(r))
	}
	for _, w := range b.windows {
		if !w.configured {
			w.setLimit(w.limit, b.cfg.Share)
			kept = append(kept, w)
		}
	}
	b.windows = kept
}

// configuredWindow is the window of a rule: the one there is, with the calls it remembers, or a new one.
func (b *Budget) configuredWindow(r Rule) *window {
	for _, w := range b.windows {
		if w.configured && w.per == r.Per {
			w.setLimit(r.N, b.cfg.Share)
			return w
		}
	}
	w := newWindow("configured", b.last)
	w.configured, w.declared, w.confirmed = true, true, true
	w.setLimit(r.N, b.cfg.Share)
	w.setLength(r.Per)
	return w
}

func newWindow(source string, now tick) *window {
	return &window{source: source, swing: steady, left: Unknown, fresh: math.MinInt64, since: now, toldAt: now}
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
	if b.inFlight >= int64(b.calls.limit) {
		return Never, Concurrency
	}
	next := t
	for _, w := range b.windows {
		next = max(next, w.readyAt(t, b.inFlight))
	}
	if next == never {
		return Never, Limit
	}
	if b.pacer.set(b.at(t), b.rate(t)); b.pacer.lim != nil && !b.pause.probing {
		next = max(next, b.since(b.pacer.due()))
	}
	if next > t {
		return b.at(next), Limit
	}
	return b.at(t), Ready
}

// Start counts a call that begins now; ReadyAt said that it may.
func (b *Budget) Start(now time.Time) {
	t := b.tick(now)
	if t-b.started > idle {
		b.forgetPace()
	}
	b.started = t
	b.inFlight++
	b.calls.began(int(b.inFlight))
	grew := b.explore.began(t, b.cfg.Ceiling)
	b.pause.began(t)
	b.pacer.take(b.at(t))
	if grew || len(b.windows) > 0 {
		b.revision++
	}
}

// forgetPace goes back to the start after a long silence; windows that the destination told are kept.
func (b *Budget) forgetPace() {
	b.explore = explorer{rate: min(b.cfg.Start, b.explore.rate), mark: b.last, second: b.last}
	b.calls.limit = min(b.calls.limit, b.cfg.ConcurrencyStart)
	b.revision++
}

// Revision changes whenever what Snapshot returns has changed in a way worth saving.
func (b *Budget) Revision() uint64 { return b.revision }

// rate is the pace at an instant, in calls per second.
func (b *Budget) rate(t tick) float64 {
	r, _ := b.pace(t)
	return r
}

// pace is the rate at an instant and the word for what it comes from.
func (b *Budget) pace(t tick) (perSecond float64, from string) {
	if b.cfg.Fixed > 0 {
		return b.cfg.Fixed, "fixed"
	}
	told, sure := math.Inf(1), b.toldRate > 0
	if sure {
		told = b.toldRate * b.cfg.Share
	}
	for _, w := range b.windows {
		p := w.pace()
		if !w.configured {
			p = max(p, slowestTold)
		}
		told = min(told, p)
		sure = sure || w.confirmed && w.per > 0
	}
	switch own := b.explore.pace(t); {
	case b.explore.exploring() && own < told:
		perSecond, from = own, "refusals"
	case !b.explore.exploring() && !sure && own < told:
		perSecond, from = own, "start"
	case !math.IsInf(told, 1):
		perSecond, from = told, "window"
	default:
		perSecond, from = own, "start"
	}
	switch {
	case perSecond > b.cfg.Ceiling:
		return b.cfg.Ceiling, "ceiling"
	case math.IsInf(perSecond, 1):
		return perSecond, "unlimited"
	}
	return perSecond, from
}

// tick converts an instant, which must not go back, and remembers it as the latest.
func (b *Budget) tick(now time.Time) tick {
	b.last = max(b.last, b.since(now))
	return b.last
}

// since converts any instant.
func (b *Budget) since(t time.Time) tick { return t.Sub(b.base) }

// at converts a tick.
func (b *Budget) at(t tick) time.Time { return b.base.Add(t) }
