package limiter

import (
	"math"
	"strings"
	"time"
)

// SnapshotVersion is the version of Snapshot that is written. Restore ignores others: a lane then starts anew.
const SnapshotVersion = 1

// SaveWithin is how soon a changed budget must be saved for its windows to hold over a crash: Restore takes for used
// what may have been sent since the snapshot in this time.
const SaveWithin = 2 * time.Second

// savedSlots is how finely the calls within a window are saved.
const savedSlots = 64

// Snapshot is what a lane remembers over a restart. Instants are Unix ms; rates are calls per second.
//
// What nothing else would show again is in it, or would show only when much was lost or refused. The rest is not:
//   - round trips, and the counts that evidence is gathered in (sliding, filling, quotas, others, small, spacing, trial): the
//     next calls show it again, and the guess of a length that stands without it is no shorter;
//   - that a length was measured, is a rule's, or keeps a call back, and whether an inferred limit was being tried: that is seen
//     or tried again, a review's or a refusal's time later;
//   - a window whose length nobody knows (per is 0): it is no gate, and is told of by the next response;
//   - how the explorer came to its level: it is forgotten after idle in any case, and takes one refusal after a restart;
//   - how calls at once came and went: their limit is known, and the next place is earned anew.
type Snapshot struct {
	Version    int     `json:"v"`
	At         int64   `json:"at"`
	Pause      int64   `json:"pause,omitempty"` // until when
	PauseCause string  `json:"pause_cause,omitempty"`
	Probing    bool    `json:"probing,omitempty"`
	Rate       float64 `json:"rate,omitempty"`  // before any refusal; 0: unlimited
	Level      float64 `json:"level,omitempty"` // of goodput; 0: never refused
	Rise       float64 `json:"rise,omitempty"`  // seconds
	Calls      int     `json:"calls,omitempty"` // at once
	CallsBase  int     `json:"calls_base,omitempty"`
	Trip       int64   `json:"trip_us,omitempty"` // a long round trip, in microseconds

	Windows []SavedWindow `json:"windows,omitempty"`
}

// SavedWindow is one window of a Snapshot.
type SavedWindow struct {
	Name       string      `json:"name,omitempty"`
	Source     string      `json:"source,omitempty"`
	Configured bool        `json:"configured,omitempty"`
	Limit      int64       `json:"limit"`
	PerMs      int64       `json:"per_ms"`
	Declared   bool        `json:"declared,omitempty"`
	Confirmed  bool        `json:"confirmed,omitempty"`
	Counted    bool        `json:"counted,omitempty"`
	Left       int64       `json:"left"`
	Foreign    int64       `json:"foreign,omitempty"`
	Until      int64       `json:"until,omitempty"`
	LongestMs  int64       `json:"longest_ms,omitempty"`
	Full       bool        `json:"full,omitempty"`      // of a guessed length; see guess
	Shortened  bool        `json:"shortened,omitempty"` // the same
	Timing     uint8       `json:"timing,omitempty"`    // when time is told; see timing
	Millis     bool        `json:"millis,omitempty"`    // its reset, a bare number, counts milliseconds
	Unsure     bool        `json:"unsure,omitempty"`    // it may count them, for all that is known
	Back       uint8       `json:"back,omitempty"`      // responses that spoke for that
	Since      int64       `json:"since,omitempty"`
	Told       int64       `json:"told,omitempty"`
	InFlight   int64       `json:"in_flight,omitempty"`
	Used       []SavedSlot `json:"used,omitempty"`
}

// SavedSlot is a number of permits and when they come back.
type SavedSlot struct {
	Until int64 `json:"until"`
	N     int64 `json:"n"`
}

// Snapshot returns what is worth remembering. It shares nothing with the budget.
func (b *Budget) Snapshot(now time.Time) Snapshot {
	t := b.tick(now)
	s := Snapshot{
		Version: SnapshotVersion, At: b.ms(t),
		Level: b.explore.level, Rise: b.explore.rise, Calls: int(b.calls.atOnce()), CallsBase: int(b.calls.base),
		Probing: b.pause.probing, Trip: (b.trip.typical() + b.trip.excess).Microseconds(),
	}
	if b.pause.until > t {
		s.Pause, s.PauseCause = b.ms(b.pause.until), b.pause.cause
	}
	if !math.IsInf(b.explore.rate, 1) {
		s.Rate = b.explore.rate
	}
	for _, w := range b.windows {
		if w.per > 0 {
			s.Windows = append(s.Windows, b.saveWindow(w, t))
		}
	}
	return s
}

func (b *Budget) saveWindow(w *window, t tick) SavedWindow {
	s := SavedWindow{
		Name: w.name, Source: w.source, Configured: w.configured(), Limit: w.limit, PerMs: w.per.Milliseconds(),
		Declared: w.declared(), Confirmed: w.confirmed(), Counted: w.counted, Left: w.ledger.left, Foreign: w.ledger.foreign,
		LongestMs: w.guess.longest.Milliseconds(), Full: w.guess.full, Shortened: w.guess.shortened, Timing: uint8(w.timing),
		Millis: w.resetUnit != nil && w.resetUnit.on, Since: b.ms(w.since), Told: b.ms(w.toldAt), InFlight: int64(b.inFlight),
	}
	if w.inferred != nil {
		s.LongestMs = w.inferred.wait.Milliseconds()
	}
	if w.resetUnit.mayBe(t) {
		s.Unsure, s.Back = w.unsure, w.resetUnit.back
	}
	if t < w.ledger.until {
		s.Until = b.ms(w.ledger.until)
	}
	w.permits.advance(t)
	slice := max(int64(1), s.PerMs/savedSlots)
	for i := w.permits.free; i != w.permits.tail; i++ {
		until := b.ms(w.permits.slot(i).at) + slice // rounded up
		until -= until % slice
		if n := len(s.Used); n > 0 && s.Used[n-1].Until >= until {
			s.Used[n-1].N += w.permits.slot(i).n
			continue
		}
		s.Used = append(s.Used, SavedSlot{until, w.permits.slot(i).n})
	}
	return s
}

// Restore takes up what a snapshot remembers, under the budget's own configuration, at the start of a process; the
// budget must be new. Calls that may have been sent after the snapshot, by whoever wrote it, are taken for sent just
// now: a restart never sends more than a window allows, and waits no longer than those calls would have it wait.
func (b *Budget) Restore(s Snapshot, now time.Time) { b.takeUp(&s, now, true) }

// Return takes up what a snapshot remembers of a budget that was not Counting when it was made, where nothing was sent since. The
// budget must be new. It then decides as the other would have.
func (b *Budget) Return(s Snapshot, now time.Time) {
	b.takeUp(&s, now, false)
	if s.Version != SnapshotVersion {
		return
	}
	if s.Rate > 0 {
		b.explore.rate = min(b.cfg.Start, s.Rate)
	}
	b.calls.limit = min(b.calls.limit, b.calls.start)
	b.pacer = pacer{}
	b.pacer.set(b.last, b.rate(b.last))
}

// takeUp takes up a snapshot; unsure: calls may have been sent after it.
func (b *Budget) takeUp(s *Snapshot, now time.Time, unsure bool) {
	if s.Version != SnapshotVersion {
		return
	}
	t := b.tick(now)
	if t-b.tickOf(s.At) <= idle {
		if s.Rate > 0 && !math.IsInf(b.cfg.Start, 1) {
			b.explore.rate = min(s.Rate, b.cfg.Ceiling)
		}
		if s.Level > 0 {
			b.explore.learn()
			b.explore.past.episodes, b.explore.past.bold = settled, firstBold
			b.explore.level = min(s.Level, b.cfg.Ceiling)
			b.explore.rise, b.explore.depth = min(max(s.Rise, minRise), maxRise), mostDepth
			b.explore.double = doubleShare * b.explore.rise
		}
	}
	b.explore.origin, b.explore.good.from, b.explore.second = t, t, t
	if s.Calls > 0 {
		most := min(s.Calls, b.cfg.ConcurrencyMax)
		b.calls.limit, b.calls.base = int32(most), int32(min(max(0, s.CallsBase), most)) //nolint:gosec // normal bounds it
	}
	if s.Pause > 0 {
		b.pause.hold(t, min(b.tickOf(s.Pause), t+b.cfg.MaxPause), true, s.PauseCause)
	}
	b.pause.probing = s.Probing || b.pause.until > t
	for i := range s.Windows {
		if w := &s.Windows[i]; w.Source == inferredSource && t-b.tickOf(s.At) > idle && time.Duration(w.PerMs)*time.Millisecond <= idle {
			continue // it was inferred, and may be wrong by now
		}
		b.restoreWindow(&s.Windows[i], t, time.Duration(min(max(0, s.Trip), 60e6))*time.Microsecond, unsure)
	}
	b.pacer.set(t, b.rate(t))
	b.pacer.empty(t)
	b.revision++
}

func (b *Budget) restoreWindow(s *SavedWindow, t tick, trip time.Duration, unsure bool) {
	per := time.Duration(s.PerMs) * time.Millisecond
	w := b.configuredAs(s, per)
	if w == nil {
		if s.Configured || s.Limit < minLimit || per < minWindow || per > maxWindow {
			return
		}
		w = newWindow(s.Source, t)
		w.name, w.basis, w.counted = strings.Clone(label(s.Name)), s.basis(), s.Counted
		w.since, w.toldAt = b.tickOf(s.Since), b.tickOf(s.Told)
		w.guess = guess{longest: time.Duration(s.LongestMs) * time.Millisecond, full: s.Full, shortened: s.Shortened}
		w.guess.review(t)
		w.timing = min(timing(s.Timing), timeOfBucket)
		switch {
		case s.Millis:
			w.resetUnit = &resetUnit{on: true, likely: true}
		case s.Unsure: // one call may try at once: only the process before knew when
			w.unsure, w.resetUnit = true, &resetUnit{likely: true, back: min(s.Back, backNeeded-1), tryAt: max(t, 1)}
		case s.Back > 0:
			w.resetUnit = &resetUnit{likely: true, back: min(s.Back, backNeeded-1)}
		}
		w.setLimit(s.Limit, b.cfg.Share)
		w.setLength(per)
		if w.source == inferredSource {
			w.timing, w.inferred = allOnRefusal, &inferred{wait: w.guess.longest}
		}
		b.windows = append(b.windows, w)
	}
	w.ledger.left, w.ledger.foreign, w.ledger.until = s.Left, min(max(0, s.Foreign), maxLimit), min(b.tickOf(s.Until), t+maxHold)
	for _, used := range s.Used {
		w.permits.keep(min(b.tickOf(used.Until), t+2*w.per), min(max(0, used.N), w.mine))
	}
	if !unsure {
		w.permits.advance(t)
		return
	}
	since := 1 + int64(math.Ceil(math.Min(b.mostRate(w)*(SaveWithin+catchUp).Seconds(), maxLimit)))
	// They may still be on their way. Some may have taken permits that saved slots still hold: those came back since.
	w.permits.keep(t+trip+w.per, min(min(max(0, s.InFlight), maxLimit)+since, w.mine))
	w.permits.advance(t)
}

// basis is what the length rests on. That it was measured, or is a rule's, shows again.
func (s *SavedWindow) basis() lengthBasis {
	switch {
	case s.Declared:
		return lengthDeclared
	case s.Confirmed:
		return lengthConfirmed
	}
	return lengthGuessed
}

// mostRate is the fastest that a budget may have sent under a window, in calls per second.
func (b *Budget) mostRate(w *window) float64 {
	if b.cfg.Fixed > 0 {
		return b.cfg.Fixed
	}
	return min(steady*float64(w.mine)/w.per.Seconds(), b.cfg.Ceiling)
}

func (b *Budget) configuredAs(s *SavedWindow, per time.Duration) *window {
	for _, w := range b.windows {
		if w.configured() && s.Configured && w.per == per {
			return w
		}
	}
	return nil
}

func (b *Budget) ms(t tick) int64 { return b.at(t).UnixMilli() }

func (b *Budget) tickOf(ms int64) tick {
	if ms == 0 {
		return 0
	}
	return time.UnixMilli(ms).Sub(b.base)
}
