package limiter

import "time"

// takeRefusal takes in a refusal. What explains it is asked in this order: that calls at once are limited, as is known; the server's
// state; that the destination says that it is calls at once; and then what explain asks.
func (b *Budget) takeRefusal(now, sent, received tick, together int32, o *Observation) {
	b.revision++
	asked := o.Hint != nil && o.Hint.HasRetryAfter
	mayCrowd := b.calls.base > 0 && o.Status == statusTooManyRequests && !asked && !b.pause.probing && !b.tellsTime(o.Hint)
	if mayCrowd && b.calls.again(now, sent, together) {
		b.explore.bad = true
		return
	}
	news := b.pause.isNews(sent)
	if news {
		b.pause.count(now)
	} else if !b.pause.probing {
		return // of a call older than the probe that was accepted since
	}
	if asked {
		b.pause.hold(now, received+min(max(b.askedFor(o.Hint), minPause), b.cfg.MaxPause), true, "Retry-After")
	}
	switch {
	case o.Status != statusTooManyRequests && o.Status != statusForbidden:
		b.explore.bad = true
		b.calls.strained(now, together, b.trip.typical())
	case o.Hint != nil && o.Hint.Concurrency:
		b.calls.limited(now, together)
	default:
		if b.tellsTime(o.Hint) {
			b.calls.time(now)
		}
		b.calls.note(sent, together, news, b.pause.attempts > 1)
		b.explain(now, sent, news, asked, o)
	}
}

// explain finds what explains a refusal of calls per time: a window's own count; a window that can be inferred from what is asked for;
// if nothing else does, the pace. news: it begins an episode, or is its probe's; asked: it says how long to pause.
func (b *Budget) explain(now, sent tick, news, asked bool, o *Observation) {
	if w := b.explanation(o.Hint); w != nil && (!news || b.explainedBy(w, now, asked)) {
		return
	}
	if !news && !b.explore.inEpisode() {
		return // what it belongs to was explained
	}
	if news && asked && b.infer(now, sent, o) {
		return
	}
	attempt, pace, told := int(b.pause.attempts), b.rate(now), b.surelyTold(now, false)
	b.explore.refuse(now, attempt, pace, told, asked)
	if news && o.Hint != nil && o.Hint.RetryIn > 0 {
		b.explore.drip.told(sent, sent+o.Hint.RetryIn, &b.explore.curve, b.trip.typical())
	}
	if news && (!asked || attempt > 1) {
		// A time that was too short, as some round down, is not taken at its word twice.
		backoff := b.explore.backoff(now, attempt, pace, told, b.trip.typical())
		b.pause.hold(now, now+min(backoff, b.cfg.MaxPause), false, "refused")
	}
}

// roundedDown is how much shorter a time may be told than it is, by those that cut off what is no whole second of it.
const roundedDown = time.Second

// explainedBy has a window whose own count explains a refusal hold the lane, if the destination did not ask for a time, and learn from
// it. It reports false if by all that was counted there should have been room, and nothing about the window accounts for that.
func (b *Budget) explainedBy(w *window, now tick, asked bool) bool {
	if !asked {
		b.pause.hold(now, min(w.holdAfter(now, int(b.pause.attempts)), now+b.cfg.MaxPause), false, w.source)
	} else if again := b.pause.attempts - 1; again > 0 {
		b.pause.hold(now, now+min(minPause<<min(again, 5), roundedDown), false, w.source)
	}
	if was := w.guess.was; w.undoShorter() {
		b.explore.tryOut(now, w.mine, was)
		return true
	}
	switch {
	case w.since == now: // it was not known
	case w.usedUpStill(b.pause.attempts):
		w.lengthenStill(now)
	case w.notable(w.ledger.foreign): // others were faster
		w.outlasts(now)
	case w.timing != timeAlways && !w.confirmed(): // it is how its time is told
	case w.single() && w.cameTooSoon(b.cfg.Share):
	case w.confirmed() && !w.withholds() && w.spacing == 0 && w.limit > 1:
		w.withhold(true, b.cfg.Share)
	default:
		return false
	}
	return true
}

// tellsTime reports whether a refusal tells of a limit of calls per time.
func (b *Budget) tellsTime(h *Hint) bool {
	if h == nil {
		return false
	}
	for i := range h.N {
		if w := &h.Windows[i]; w.Length > 0 || w.HasReset && w.ResetRaw > 0 {
			return true
		}
	}
	return false
}

// explanation is the window by whose own count a call was refused, if its count is known to be true, or if the refusal is what
// told of it, with its length: of several limits some destinations tell of the last one, and of another when that refuses.
func (b *Budget) explanation(h *Hint) *window {
	if h == nil {
		return nil
	}
	for i := range h.N {
		if said := &h.Windows[i]; said.Remaining == 0 {
			if w := b.windowOf(said); w != nil && w.per > 0 && !w.spaced() && (w.counted || w.declared() && w.since == b.last) {
				return w
			}
		}
	}
	return nil
}

// holdAfter is until when a window that is used up holds the lane: to its reset, or, where by our own count it should
// have had room, for the time of two calls, doubled with each attempt.
func (w *window) holdAfter(now tick, attempt int) tick {
	if at := w.triesAt(); w.unsure && at < w.ledger.until {
		return at
	}
	if w.ledger.reset > now+maxHold || !w.filling.sure && !w.sliding.fading() && (!w.confirmed() || w.ledger.foreign > 1+w.limit/10) {
		if attempt == 1 {
			return w.ledger.until
		}
		return max(w.ledger.until, min(w.ledger.reset, now+maxHold<<min(attempt-1, 10)))
	}
	wait := max(time.Millisecond, 2*w.per/tick(w.limit))
	least := wait
	for range min(attempt-1, 20) {
		wait = min(2*wait, w.per)
	}
	return min(now+wait, max(w.ledger.until, now+least))
}

// recovered ends an episode: the probe was accepted.
func (b *Budget) recovered(now tick) {
	if b.explore.inEpisode() {
		b.explore.past.paused(now-b.explore.episode.from, b.pause.asked)
	}
	switch crowded := b.calls.recovered(now); {
	case crowded:
		b.forgetInferred()
		b.explore.endEpisode()
		b.calls.askedFor = 0
		if b.pause.asked {
			b.calls.askedFor = b.pause.total
		}
	case b.explore.inEpisode():
		told := b.surelyTold(now, true) // a level lasts longer
		b.explore.recovered(now, b.pause.asked, told, b.stepBelow(told), b.callsPerRefusal(), b.cfg.Ceiling)
	case b.inferredWindow() != nil:
		b.inferredWindow().rerun(now)
	}
	b.pacer.set(now, b.rate(now))
	b.pacer.empty(now)
	b.revision++
}
