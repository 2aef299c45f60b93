package policy

import (
	"fmt"
	"time"
)

// Health is how an endpoint has answered, as far as Disable asks for it. The zero value is an endpoint that was never
// called: what it is set to when it is enabled again. It may be copied only by its stored form (Append, ReadHealth).
//
// The counts are exact: of 1,000 answers that a rule allows, the thousandth disables. What is still under way then may
// be observed, or not: the verdict stays the same until the counts are set back.
type Health struct {
	totals  [6]uint32 // failed attempts since the totals were zero, by StatusClass
	since   int64     // when the first of them was counted; Unix ms, 0: none was
	inARow  uint32    // deliveries that ended undelivered since the last that was delivered
	window  int64     // ms of the window that slots divides; 0: nothing is counted by time
	slots   []slot    // as many as slots says; nil while nothing is counted by time
	updated bool      // something was observed since the last Append
}

const slots = 60

// slot counts the attempts of a sixtieth of a window.
type slot struct {
	at            int64 // which sixtieth, counted from the Unix epoch
	calls, failed uint32
}

// Seen is what Health is told of an attempt that ended.
type Seen struct {
	Outcome Outcome
	Status  int // 0: no response came
	// Over says that the delivery ended with this attempt: delivered, failed, or given up after its last try.
	Over bool
	// Disables is what Policy.Disables says of the attempt.
	Disables bool
}

// Verdict says whether an endpoint is to be disabled.
type Verdict struct {
	Rule   string // which of Disable's rules was met: answer, totals, exhausted, ratio; empty: none, it goes on
	Reason string // the same for a person
}

// Disable reports whether the endpoint is to be disabled.
func (v Verdict) Disable() bool { return v.Rule != "" }

// Observe counts an attempt, in the order in which attempts ended, and says what follows under the rules in force.
// Attempts that the destination deferred (Throttled) count for nothing.
func (h *Health) Observe(now time.Time, rules *Disable, s Seen) Verdict {
	if s.Outcome == Throttled {
		return Verdict{}
	}
	h.updated = true
	delivered := s.Outcome == Delivered
	h.countTotal(now, rules, s.Status, delivered)
	switch {
	case delivered:
		h.inARow = 0
	case s.Over:
		h.inARow = addOne(h.inARow)
	}
	calls, failed := h.countSlot(now, rules.Ratio.Window, delivered)
	if s.Disables {
		return Verdict{"answer", fmt.Sprintf("it answered %d", s.Status)}
	}
	for _, t := range rules.Totals {
		if n := h.totals[t.Class]; t.Count > 0 && int64(n) >= int64(t.Count) {
			return Verdict{"totals", fmt.Sprintf("%d %s", n, t.Class)}
		}
	}
	if n := rules.Exhausted; n > 0 && int64(h.inARow) >= int64(n) {
		return Verdict{"exhausted", fmt.Sprintf("%d deliveries in a row ended undelivered", h.inARow)}
	}
	if r := rules.Ratio; r.Volume > 0 && calls >= int64(r.Volume) && float64(failed) > r.Above*float64(calls) {
		return Verdict{"ratio", fmt.Sprintf("%d of %d attempts failed within %s", failed, calls, r.Window)}
	}
	return Verdict{}
}

// String says what a class counts, as in "answers of 4xx".
func (c StatusClass) String() string {
	if c == 0 {
		return "attempts without an answer"
	}
	return fmt.Sprintf("answers of %dxx", uint8(c))
}

func (h *Health) countTotal(now time.Time, rules *Disable, status int, delivered bool) {
	age := time.Duration(now.UnixMilli()-h.since) * time.Millisecond
	if h.since != 0 && (delivered && !rules.KeepTotals || rules.TotalsFor > 0 && age >= rules.TotalsFor) {
		h.totals, h.since = [6]uint32{}, 0
	}
	if delivered {
		return
	}
	if h.since == 0 {
		h.since = now.UnixMilli()
	}
	h.totals[classOf(status)] = addOne(h.totals[classOf(status)])
}

// classOf is the class of a status; codes that are none count as 5xx (RFC 9110 section 15).
func classOf(status int) StatusClass {
	switch {
	case status == 0:
		return 0
	case status < minStatus || status > maxStatus:
		return 5
	}
	return StatusClass(status / 100)
}

// countSlot counts an attempt by time, and returns how many were made and failed within the window.
func (h *Health) countSlot(now time.Time, window time.Duration, delivered bool) (calls, failed int64) {
	if window.Milliseconds() != h.window { // another rule: what was counted by the old one says nothing
		h.slots, h.window = nil, window.Milliseconds()
	}
	if h.window <= 0 {
		return 0, 0
	}
	if h.slots == nil {
		h.slots = make([]slot, slots)
	}
	at := now.UnixMilli() / max(1, h.window/slots)
	s := &h.slots[at%slots]
	if s.at != at {
		*s = slot{at: at}
	}
	s.calls = addOne(s.calls)
	if !delivered {
		s.failed = addOne(s.failed)
	}
	for i := range h.slots {
		if o := &h.slots[i]; o.at > at-slots && o.at <= at {
			calls, failed = calls+int64(o.calls), failed+int64(o.failed)
		}
	}
	return calls, failed
}
