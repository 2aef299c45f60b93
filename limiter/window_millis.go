package limiter

import (
	"math"
	"time"
)

// A reset told as a bare number is read as seconds. Where it counts milliseconds, a Dialect sees it fall by a thousand a second; but that
// of a bucket, a leaky one too (Tiendanube, https://tiendanube.github.io/api-documentation/intro), or of a sliding window goes up and down
// with what is used, and shows nothing. What came back does: one call a second fits no bucket that is to be whole in 2,000 seconds.
//
// Only what cannot well be seconds is suspected: lengths that people choose come of the number if it is milliseconds, and do not if it
// is seconds. Then what came back counts; and where nothing is left, one call tries when milliseconds would be over, instead of waiting
// for seconds, a quarter of an hour and more. One that is refused settles it for an hour.

// resetUnit is what is known of the unit of a window's reset.
type resetUnit struct {
	on     bool  // it is milliseconds
	likely bool  // it looks so
	back   uint8 // responses in a row that told of more calls than seconds explain
	wrong  uint8 // refusals since, of calls that came when milliseconds were over
	from   tick  // until then it is seconds
	tryAt  tick  // when a call may try, if nothing is left; 0: none may

	// The response that the next one is compared with.
	known          bool
	left, missing  int64
	told           time.Duration // as milliseconds
	sent, received tick
}

const (
	// leastMillis is the least number that may be milliseconds: smaller ones are seconds far more likely, and as seconds cost little.
	leastMillis = 20
	// backNeeded is how many responses in a row must tell of more calls than seconds explain. Of several credentials by turns, whose
	// counters are told as one, each that is new seems to.
	backNeeded = 8
	// explains is how many times as many calls must have come back as would by seconds.
	explains = 10
	// millisWrong is how many refusals show that it is not milliseconds, though the value does not go by seconds, or seemed to be some.
	millisWrong = 2
	// fallsEvenly is by how much a value that goes by seconds may differ from them, by its rounding and what is on the way. Such a
	// one settles it at once; another may be of a sliding counter, which does not have room again when its window ends.
	fallsEvenly = 2
	// millisAgain is when it may be looked for again.
	millisAgain = time.Hour
)

// likelyMillis reports whether a reset that is told when one call is missing cannot well be seconds and may well be milliseconds: the
// window, or the bucket that one call is missing from, has a length that people choose, or the bucket a whole number of calls a second.
func likelyMillis(limit int64, raw float64) bool {
	if raw < leastMillis || chosen(raw, limit, time.Second) {
		return false
	}
	return chosen(raw, limit, time.Millisecond) || math.Mod(1000, raw) == 0
}

// chosen reports whether a number of units is as long as people choose for a window, or for a call of a bucket, rounded to the unit.
func chosen(raw float64, limit int64, unit time.Duration) bool {
	for _, l := range lengths {
		if n := float64(l) / float64(unit); math.Abs(raw-n) <= 1 || math.Abs(raw-n/float64(limit)) <= 1 {
			return true
		}
	}
	return false
}

// readMillis reads a reset again whose unit was not told, if it is milliseconds. It reports whether that has just turned out, or that it
// is not: what is known of the window is forgotten then.
func (w *window) readMillis(t *statement, said *Window) (changed bool) {
	if !said.HasReset || said.unitTold || said.Length > 0 || said.Remaining == Unknown || said.Limit == Unknown ||
		said.ResetForm != DeltaSeconds && said.ResetForm != Constant {
		return false
	}
	if w.resetUnit == nil {
		if !said.Falls && (said.Limit-said.Remaining != 1 || !likelyMillis(said.Limit, said.ResetRaw)) {
			return false
		}
		w.resetUnit = &resetUnit{}
	}
	m, was := w.resetUnit, w.resetUnit.on
	told := time.Duration(said.ResetRaw * float64(time.Millisecond))
	if t.sent >= w.ledger.fresh {
		m.see(t, said, told, w.quotas.found)
	}
	if m.on != was {
		w.startOver()
	}
	if m.on {
		t.unsure = false
		t.at = t.received + told
		t.lo, t.hi = max(t.received, t.sent+told-time.Millisecond), t.at+time.Millisecond
	}
	return m.on != was
}

// startOver forgets all that was learned of a window but which it is, and what unit its reset has.
func (w *window) startOver() {
	anew := newWindow(w.source, w.since)
	anew.name, anew.twin, anew.counted, anew.resetUnit = w.name, w.twin, w.counted, w.resetUnit
	anew.limit, anew.mine, anew.toldAt = w.limit, w.mine, w.toldAt
	*w = *anew
}

// see takes in a response. two: what it tells is of two windows by turns.
func (m *resetUnit) see(t *statement, said *Window, told time.Duration, two bool) {
	missing := said.Limit - said.Remaining
	if m.known && t.sent >= m.received && t.sent >= m.from && !two {
		m.compare(t, told)
	}
	switch {
	case said.Falls:
		m.likely = true
	case missing == 1:
		m.likely = likelyMillis(said.Limit, said.ResetRaw)
	}
	m.left, m.missing, m.told, m.sent, m.received, m.known = said.Remaining, max(1, missing), told, t.sent, t.received, true
	m.tryAt = 0
	// Of one call at a time the number is always the same, and whether it falls shows nothing; so it may be of a bucket at its pace.
	same := said.Limit == 1 || m.back > 0 && said.ResetForm == Constant
	t.unsure = t.unsure || same && m.likely && said.ResetRaw >= undecided && t.sent >= m.from
	if t.unsure && !m.on && m.likely && !two && t.sent >= m.from && said.Remaining == 0 {
		m.tryAt = t.received + told + told/100 + time.Millisecond
	}
}

// compare takes in what came back since the response before, if milliseconds were over in between: something must have, then.
func (m *resetUnit) compare(t *statement, told time.Duration) {
	if t.sent-m.received < m.told {
		return
	}
	came := t.remaining - m.left
	if t.accepted {
		came++
	}
	bySeconds := float64(t.received-m.sent) * float64(m.missing) / (1000 * float64(max(1, m.told)))
	switch {
	case !t.accepted && m.left == 0 && t.remaining == 0:
		m.back = 0
		fell, passed := float64(m.told-told)/float64(time.Millisecond), (t.received - m.received).Seconds()
		if m.wrong++; m.wrong >= millisWrong || !m.on && math.Abs(fell-passed) <= fallsEvenly {
			m.on, m.wrong, m.from = false, 0, t.received+millisAgain
		}
	case came <= 0:
		m.back = 0
	case float64(came) >= explains*bySeconds && m.likely:
		m.wrong, m.back = 0, min(m.back+1, backNeeded)
		m.on = m.on || m.back == backNeeded
	}
}

// sameInMillis is a delay that was read as seconds, where it is the same number as a reset that counts milliseconds; else the delay.
func sameInMillis(delay time.Duration, reset float64) time.Duration {
	const apart, least = 20, 100 // milliseconds: between one being made and the other; smaller numbers may be the same by chance
	if reset >= least && math.Abs(delay.Seconds()-reset) <= apart {
		return delay / 1000
	}
	return delay
}

// askedFor is how long a refusal asks to wait, in the unit of its resets.
func (b *Budget) askedFor(h *Hint) time.Duration {
	if h.RetryIn > 0 {
		return h.RetryIn
	}
	for i := range h.N {
		said := &h.Windows[i]
		if w := b.windowOf(said); w != nil && w.resetUnit != nil && (w.resetUnit.on || w.resetUnit.tryAt > 0) {
			return sameInMillis(h.RetryAfter, said.ResetRaw)
		}
	}
	return h.RetryAfter
}

// mayBe reports whether it may be milliseconds, and was not found to be.
func (m *resetUnit) mayBe(now tick) bool { return m != nil && m.likely && !m.on && now >= m.from }

// triesAt is when a call may try whether milliseconds are over.
func (w *window) triesAt() tick {
	if w.resetUnit == nil || w.resetUnit.tryAt == 0 {
		return never
	}
	return w.resetUnit.tryAt
}
