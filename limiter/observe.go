package limiter

import (
	"time"
)

// Observation is how one call ended.
type Observation struct {
	// Sent is when the call went out, and orders responses. Zero: it never did, and the destination knows nothing
	// of it.
	Sent time.Time
	// Received is when its response was read, or when it failed. Zero: at the instant of Observe.
	Received time.Time
	Status   int   // of the response; 0 with Failed
	Failed   bool  // no response came
	TimedOut bool  // no response came in time
	Hint     *Hint // what the response said of limits; nil: nothing. It is not kept
	// Held is for how long the lane is to be left alone for a reason that is none of its limits', such as a credential that
	// does not work; then one call tries. 0: there is none. It teaches nothing of the pace.
	Held time.Duration
}

// The statuses that say something of limits or of the server's state (RFC 9110 section 15, RFC 6585 section 4).
const (
	statusForbidden       = 403
	statusTooManyRequests = 429
	statusServerError     = 500 // and above
	statusUnavailable     = 503
	statusOverloaded      = 529 // not registered, but sent by Anthropic, Notion and others
)

// refused reports whether the destination deferred the call: 429 (RFC 6585 section 4), 503 (RFC 9110 section 15.6.4)
// and 529 when they say when to come back, and 403 when it says so or that nothing remains (GitHub's primary limit).
func (o *Observation) refused() bool {
	switch o.Status {
	case statusTooManyRequests:
		return true
	case statusUnavailable, statusOverloaded:
		return o.Hint != nil && o.Hint.HasRetryAfter
	case statusForbidden:
		return o.Hint != nil && (o.Hint.HasRetryAfter || o.Hint.nothingLeft())
	}
	return false
}

// nothingLeft reports whether a window is told to be used up.
func (h *Hint) nothingLeft() bool {
	for i := range h.N {
		if h.Windows[i].Remaining == 0 {
			return true
		}
	}
	return false
}

// Observe takes in the end of a call that Start counted.
func (b *Budget) Observe(now time.Time, o Observation) {
	t := b.tick(now)
	together := b.inFlight
	b.inFlight = max(0, b.inFlight-1)
	if o.Held > 0 {
		b.holdForCredential(t, &o)
		return
	}
	if o.Sent.IsZero() {
		b.pause.lost(b.last, b.inFlight)
		return
	}
	sent := min(b.since(o.Sent), t)
	received := t
	if !o.Received.IsZero() {
		received = min(max(b.since(o.Received), sent), t)
	}
	failed := o.Failed || o.TimedOut
	refused := !failed && o.refused()
	if !failed {
		b.started.answer(sent, received, b.trip.usual())
		b.trip.add(received - sent)
		b.calls.distance(b.trip.least, b.trip.typical())
	}
	for _, w := range b.windows {
		w.ended(t, received, b.trip.sure())
		w.permits.trim(t - longTrips*b.trip.typical())
	}
	b.retry(t)
	b.raise(t)
	if o.Hint != nil && o.Hint.Rate > 0 && b.cfg.Fixed == 0 {
		b.toldRate = max(o.Hint.Rate, slowestTold)
	}
	if o.Hint != nil && o.Hint.N > 0 && b.cfg.Fixed == 0 {
		b.hear(t, sent, received, !refused && !failed, o.Hint)
	}

	switch {
	case failed:
		b.explore.bad = true
		b.calls.strained(t, together, b.trip.typical())
		b.pause.lost(sent, b.inFlight)
	case refused:
		b.takeRefusal(t, sent, received, together, &o)
	default:
		if b.pause.answered(sent) {
			b.recovered(t)
		}
		if o.Status >= statusServerError {
			b.explore.bad = true
			b.calls.strained(t, together, b.trip.typical())
			return
		}
		b.explore.accept(t)
		if b.pause.probing {
			b.calls.accepted(sent)
		}
		b.calls.accept(t, b.trip.typical())
	}
}

// hear takes in what a response says of windows.
func (b *Budget) hear(now, sent, received tick, accepted bool, h *Hint) {
	for i := range h.N {
		said := &h.Windows[i]
		if !said.limitsCalls() {
			continue
		}
		t := b.statement(h, said, sent, received, accepted)
		w, known := b.windowOf(said), true
		if w == nil {
			w, known = b.addWindow(now, said), false
		}
		if w.readMillis(&t, said) {
			known = false
		}
		vague, spaced, untimed := w.vague(), w.spaced(), w.per == 0
		w.onlyRefused(now, &b.explore, &t)
		w.tell(now, &t, b.cfg.Share, b.trip.sure())
		w.isSpacing(said)
		if !known && w.per > 0 && w.permits.kept == 0 { // the call that told of it is the first that it counts
			w.ended(now, received, b.trip.sure())
			w.ledger.foreign = max(0, w.ledger.foreign-1)
		}
		if known && w.spaced() && !spaced {
			b.explore.endEpisode() // what was refused came too close, not too often
		}
		if known && w.vague() && !vague {
			b.findPace(now, w)
		}
		if known && untimed && w.timing == timeOnRefusal && w.per > 0 {
			b.explore.forget(now) // it was the window that refused
		}
	}
	b.dropSilent(now, h)
	b.revision++
}

// limitsCalls reports whether the window is a limit of calls in a time, and enough is told of it to be one.
func (w *Window) limitsCalls() bool {
	if w.Limit == 0 || w.Unit != "" && w.Unit != UnitRequests {
		return false
	}
	if w.HasReset || w.Length != 0 {
		return w.Limit != Unknown || w.Remaining != Unknown
	}
	return w.Limit != Unknown && w.Remaining != Unknown // when it ends, refusals may tell
}

// statement is what a response says of a window, on the budget's clock.
func (b *Budget) statement(h *Hint, said *Window, sent, received tick, accepted bool) statement {
	t := statement{
		sent: sent, received: received, accepted: accepted,
		limit: max(said.Limit, said.Quota), remaining: min(said.Remaining, maxLimit), hasReset: said.HasReset, length: said.Length,
		unsure: said.Unsure,
	}
	if said.HasReset {
		t.lo, t.hi = b.since(said.Reset.Lo), b.since(said.Reset.Hi)
		if !said.ResetAt.IsZero() {
			t.at = b.since(said.ResetAt)
		}
	}
	t.untilRetry(h)
	return t
}

// findPace has the lane find out what a window allows that turned out to be too short to tell its length.
func (b *Budget) findPace(now tick, w *window) {
	if w.limit == 1 {
		b.explore.anew(now) // nothing is known of its pace
		return
	}
	b.explore.tryOut(now, w.mine, lengths[0])
}
