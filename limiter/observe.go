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
}

// The statuses that say something of limits or of the server's state (RFC 9110 section 15, RFC 6585 section 4).
const (
	statusForbidden       = 403
	statusTooManyRequests = 429
	statusServerError     = 500 // and above
	statusUnavailable     = 503
	statusOverloaded      = 529 // not registered, but sent by Anthropic, Notion and others
)

// refusal reports whether the destination deferred the call: 429 (RFC 6585 section 4), 503 (RFC 9110 section 15.6.4)
// and 529 when they say when to come back, and 403 when it says so or that nothing remains (GitHub's primary limit).
func (o *Observation) refusal() bool {
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
	together := int(b.inFlight)
	b.inFlight = max(0, b.inFlight-1)
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
	refused := !failed && o.refusal()
	if !failed {
		b.trip.add(received - sent)
	}
	for _, w := range b.windows {
		w.ended(t, received, b.trip.sure())
	}
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
		b.refused(t, sent, received, together, &o)
	default:
		if b.pause.answered(sent) {
			b.recovered(t)
		}
		if o.Status >= statusServerError {
			b.explore.bad = true
			b.calls.strained(t, together, b.trip.typical())
			return
		}
		b.untaught++
		b.explore.accept()
		b.calls.accept(t, b.trip.typical(), b.explore.meanPause)
		for _, w := range b.windows {
			w.swing = min(w.swing+swingUp, steady)
		}
	}
}

// hear takes in what a response says of windows.
func (b *Budget) hear(now, sent, received tick, accepted bool, h *Hint) {
	for i := range h.N {
		said := &h.Windows[i]
		if said.Limit == 0 || said.Limit == Unknown && said.Remaining == Unknown ||
			said.Unit != "" && said.Unit != "requests" || !said.HasReset && said.Length == 0 {
			continue // not a limit of calls in a time
		}
		t := statement{
			sent: sent, received: received, accepted: accepted,
			limit: said.Limit, remaining: said.Remaining, hasReset: said.HasReset, length: said.Length,
		}
		if said.HasReset {
			t.lo, t.hi = b.since(said.Reset.Lo), b.since(said.Reset.Hi)
		}
		w := b.windowOf(said)
		if w == nil {
			w = newWindow(said.Source, now)
			w.name = said.Name
			b.windows = append(b.windows, w)
			// The call that told of it is the first that it counts.
			w.tell(now, &t, b.cfg.Share, b.trip.sure())
			w.ended(now, received, b.trip.sure())
			continue
		}
		w.tell(now, &t, b.cfg.Share, b.trip.sure())
	}
	b.dropSilent(now)
	b.revision++
}

// windowOf finds the window that a response speaks of.
func (b *Budget) windowOf(said *Window) *window {
	for _, w := range b.windows {
		if w.configured || w.source != said.Source || w.name != said.Name {
			continue
		}
		if w.declared && said.Length > 0 && w.per != min(max(said.Length, minWindow), maxWindow) {
			continue
		}
		return w
	}
	return nil
}

// maxLearned bounds the windows kept of one lane; a destination that names ever new ones would fill the memory.
const maxLearned = 2 * MaxWindows

// dropSilent forgets windows of which the destination no longer speaks.
func (b *Budget) dropSilent(now tick) {
	learned := 0
	for i := len(b.windows) - 1; i >= 0; i-- {
		w := b.windows[i]
		if w.configured {
			continue
		}
		learned++
		if learned > maxLearned || now-w.toldAt > max(idle, 2*w.per) {
			b.windows = append(b.windows[:i], b.windows[i+1:]...)
		}
	}
}

// refused takes in a refusal.
func (b *Budget) refused(now, sent, received tick, together int, o *Observation) {
	b.revision++
	news := b.pause.isNews(sent)
	if news {
		b.pause.refused(now)
	} else if !b.pause.probing {
		return // of a call older than the probe that was accepted since
	}
	if h := o.Hint; h != nil && h.HasRetryAfter {
		wait := min(max(h.RetryAfter, minPause), b.cfg.MaxPause)
		b.pause.hold(now, received+wait, true, "Retry-After")
	}
	if o.Status != statusTooManyRequests && o.Status != statusForbidden {
		b.explore.bad = true
		b.calls.strained(now, together, b.trip.typical())
		return
	}
	if o.Hint != nil && o.Hint.Concurrency {
		b.calls.limited(now, together)
		return
	}
	if news || b.pause.attempts == 1 {
		b.calls.refused(together, b.pause.attempts > 1)
	}
	if w := b.explanation(o.Hint); w != nil {
		if !news {
			return
		}
		w.swing = max(w.swing-swingDown, leastSwing)
		if !o.Hint.HasRetryAfter {
			b.pause.hold(now, min(w.holdAfter(now, b.pause.attempts), now+b.cfg.MaxPause), false, w.source)
		}
		trusted := b.untaught >= explainedShare || b.pause.attempts > 1
		b.untaught = 0
		if trusted {
			return
		}
	}
	backoff := b.explore.refuse(now, b.pause.attempts, b.rate(now), b.cfg.Ceiling)
	if news && (o.Hint == nil || !o.Hint.HasRetryAfter) {
		b.pause.hold(now, min(now+backoff, now+b.cfg.MaxPause), false, "refused")
	}
}

// explanation is the window by whose own count a call was refused, if its count is known to be true.
func (b *Budget) explanation(h *Hint) *window {
	if h == nil {
		return nil
	}
	for i := range h.N {
		if said := &h.Windows[i]; said.Remaining == 0 {
			if w := b.windowOf(said); w != nil && w.counted && w.per > 0 && w.dry < dryLimit {
				return w
			}
		}
	}
	return nil
}

// holdAfter is until when a window that is used up holds the lane: to its reset, or, where by our own count it should
// have had room, for the time of two calls, doubled with each attempt.
func (w *window) holdAfter(now tick, attempt int) tick {
	if !w.confirmed || w.foreign > 1+w.limit/10 {
		return w.until
	}
	wait := max(time.Millisecond, 2*w.per/tick(w.limit))
	least := wait
	for range min(attempt-1, 20) {
		wait = min(2*wait, w.per)
	}
	return min(now+wait, max(w.until, now+least))
}

// recovered ends an episode: the probe was accepted.
func (b *Budget) recovered(now tick) {
	b.explore.paused(b.pause.total)
	switch crowded := b.calls.recovered(now); {
	case crowded:
		b.explore.refused = 0
	case b.explore.refused > 0:
		b.explore.recovered(now, b.pause.total, b.pause.asked, b.cfg.Ceiling)
	}
	b.pacer.set(b.at(now), b.rate(now))
	b.pacer.empty(b.at(now))
	b.revision++
}
