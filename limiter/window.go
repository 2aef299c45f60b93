package limiter

import (
	"math"
	"time"
)

// tick is an instant as a Budget counts it: time since the budget's base.
type tick = time.Duration

// never is the tick that only an Observe can bring nearer.
const never tick = math.MaxInt64

// window is one limit: n calls per some time, configured or told. It is two gates in one. Permits: at most limit
// calls in flight or arrived within any time per, whatever the window's phase and kind. Ledger: what the freshest
// response counts beyond our own calls is the use of others, and takes permits, too, until the window's reset.
type window struct {
	limit int64 // calls per window as told or configured; at least 1
	mine  int64 // the part of limit that is this lane's to use; at least 1
	per   tick  // 0: not known yet; the window is no gate then

	configured bool // by the operator
	declared   bool // the destination said how long it is; otherwise per is a guess
	// confirmed: permits came back when the destination's own count said so. Until then a guessed window is held to
	// Remaining alone, and gets no credit for the passing of time before the reset.
	confirmed bool
	// counted: a response that was no refusal told Remaining.
	counted bool

	name, source string
	since        tick // first told
	toldAt       tick // last told

	permits permits
	swing   float64 // factor on the pace limit/per, see pace

	// The ledger, from the freshest response by the instant its call was sent; a response sent before fresh only
	// tightens it.
	fresh   tick
	left    int64 // Remaining as told then; Unknown: not told
	lost    int64 // calls since then that ended without a fresher response
	foreign int64 // calls counted by the destination that were not ours
	until   tick  // when foreign and left mean nothing any more
	first   tick  // receipt of the first response since the window last refilled

	longest tick // the longest time to the reset that was seen
	review  review
	longer  int // fresh responses in a row that contradict a confirmed length
	dry     int // accepted calls in a row that left nothing though we had used little
}

const (
	// steady is the factor on limit/per at which a window is paced: a little more, so that permits decide, not the
	// pace's rounding.
	steady = 1.01
	// swingDown and swingUp move the factor at a refusal the window explains, and at each call accepted; the least
	// is reached only where a destination refuses what its own headers allow.
	swingDown, swingUp, leastSwing = 0.01, 0.00002, 0.93
	// dryLimit is after how many contradictions Remaining is no longer taken for a count.
	dryLimit = 3
	// maxHold bounds how long headers alone, without a Retry-After, hold a lane.
	maxHold = 10 * time.Minute
)

func (w *window) setLimit(limit int64, share float64) {
	w.limit = min(max(limit, minLimit), maxLimit)
	w.mine = max(1, int64(float64(w.limit)*share))
	w.permits.resize(w.mine, w.per)
}

// setLength changes how long the window is; permits in use stay so for as much longer or shorter.
func (w *window) setLength(per tick) {
	per = min(max(per, minWindow), maxWindow)
	if per == w.per {
		return
	}
	if w.per > 0 {
		w.permits.shift(per - w.per)
	}
	w.per = per
	w.permits.resize(w.mine, per)
}

// pace is how many calls per second the window allows for ever: limit/per, never what remains by the time that
// remains, for which servers have odd ideas.
func (w *window) pace() float64 {
	if w.per == 0 {
		return math.Inf(1)
	}
	return w.swing * float64(w.mine) / w.per.Seconds()
}

// readyAt returns when the window allows a call, given how many are in flight; never when only their end can tell.
func (w *window) readyAt(now tick, inFlight int64) tick {
	if w.per == 0 {
		return now
	}
	w.permits.advance(now)
	at := now
	foreign := w.foreignNow(now)
	if missing := w.permits.used + inFlight + foreign - w.mine + 1; missing > 0 {
		at = w.permits.releaseOf(missing)
		if foreign > 0 {
			at = min(at, w.until)
		}
	}
	if !w.confirmed && w.left != Unknown && now < w.until && w.left-inFlight-w.lost-(w.limit-w.mine) < 1 {
		at = max(at, w.until)
	}
	return at
}

// foreignNow is how many permits the use of others takes; what the lane's share leaves to them is theirs anyway.
func (w *window) foreignNow(now tick) int64 {
	if now >= w.until || w.dry >= dryLimit {
		return 0
	}
	return max(0, w.foreign-(w.limit-w.mine))
}

// ended counts a call that ended: its permit comes back when the call has left the window for certain.
func (w *window) ended(now, received tick, sure time.Duration) {
	if w.per == 0 {
		w.lost++
		return
	}
	w.permits.advance(now)
	w.permits.keep(received+w.per-sure, 1)
	w.lost++ // until a response says that it was counted
}

// statement is one response's word on a window, in ticks.
type statement struct {
	sent, received tick
	accepted       bool
	limit          int64
	remaining      int64
	lo, hi         tick // of the reset
	hasReset       bool
	length         time.Duration
}

// tell takes in what a response says. The call itself was counted by ended before.
func (w *window) tell(now tick, t *statement, share float64, sure time.Duration) {
	w.toldAt = now
	if t.remaining != Unknown {
		w.counted = w.counted || t.accepted
	}
	if t.sent < w.fresh {
		w.tighten(now, t)
		return
	}
	w.fresh = t.sent
	if t.limit == Unknown {
		t.limit = max(w.limit, t.remaining+1)
	}
	if limit := min(max(t.limit, minLimit), maxLimit); limit != w.limit {
		w.setLimit(limit, share)
	}
	w.measure(t)
	if t.remaining == Unknown || w.per == 0 {
		return
	}

	refilled := now >= w.until || w.left == Unknown || t.remaining >= w.left
	if refilled {
		w.first = t.received
	}
	seen := w.permits.trim(t.sent)
	w.left, w.lost = t.remaining, 0
	w.foreign = max(0, w.limit-t.remaining-seen)
	w.until = w.resetOf(t)
	if w.confirmed {
		// The first call since the refill leaves the window at the latest then, and with it, whatever its kind, all
		// that was counted before.
		w.until = min(w.until, w.first+w.per-sure)
	}
	w.shorten(now, t, seen)
	if w.permits.returned >= max(2, w.mine/10) && w.foreign <= 1+w.limit/50 {
		w.confirmed = true
	}
	switch {
	case t.remaining > 0:
		w.dry = 0
	case t.accepted && refilled && w.limit > 1 && seen <= w.limit/2:
		w.dry++
	}
}

// tighten takes in a response that is not the freshest: it may only make the lane more careful.
func (w *window) tighten(now tick, t *statement) {
	if t.remaining == Unknown || w.per == 0 || now >= w.until {
		return
	}
	w.left = min(w.left, t.remaining)
	w.foreign = max(w.foreign, min(w.limit, t.limit)-t.remaining-w.permits.kept)
}

// resetOf is the instant from which a call is safe as far as the response's reset tells.
func (w *window) resetOf(t *statement) tick {
	hi := t.received + w.per
	if t.hasReset {
		hi = max(t.hi, t.received)
	}
	return min(hi, t.received+maxHold)
}

// measure learns the window's length.
func (w *window) measure(t *statement) {
	if t.length > 0 {
		w.declared, w.confirmed = true, true
		w.setLength(t.length)
		return
	}
	if w.declared || !t.hasReset {
		return
	}
	least := t.lo - t.received
	reset := min(least/2+(t.hi-t.received)/2, maxWindow)
	if w.review.shortened {
		reset = min(least, maxWindow)
	}
	if least <= 0 && t.hi <= t.received+lengths[0] || reset <= 0 ||
		w.limit == 1 && t.remaining == 0 && least <= lengths[0]/4 {
		// A reset that may be now says nothing. Nor do whole seconds of a limit of one call at a time: that is a spacing, most
		// likely shorter than a second can tell, and pausing at refusals finds it.
		return
	}
	if reset <= w.longest {
		w.longer = 0
		return
	}
	per := guessLength(reset)
	if w.confirmed && per > w.per {
		// One odd value must not slow a lane that does well.
		if w.longer++; w.longer < 3 {
			return
		}
		w.confirmed = false
	}
	w.longer, w.longest = 0, reset
	w.setLength(max(per, w.per))
}

// review is the evidence, gathered over some lengths of a guessed window, that it is shorter than guessed: we use all
// that we think there is, and the destination's own count stays far below.
type review struct {
	since     tick
	counted   int64 // the most calls that the destination counted
	idle      bool  // we did not use our permits all the time
	least     tick  // the longest time to the reset, by the lower bound
	shortened bool  // once: from then on only the lower bound of a reset counts
}

const (
	// reviewLengths is how many lengths of the window a review takes.
	reviewLengths = 3
	// wellBelow is the part of the limit that a destination's count stays below where the window is too long.
	wellBelow = 0.6
)

// shorten reviews a guess, and may replace it by the next shorter length that the resets allow.
func (w *window) shorten(now tick, t *statement, seen int64) {
	if w.declared || w.review.shortened {
		return
	}
	r := &w.review
	r.counted = max(r.counted, w.limit-t.remaining)
	r.least = max(r.least, t.lo-t.received)
	r.idle = r.idle || float64(seen) < 0.8*float64(w.mine)
	if now-r.since < reviewLengths*w.per {
		return
	}
	if !r.idle && float64(r.counted) <= wellBelow*float64(w.limit) {
		for i := len(lengths) - 1; i >= 0; i-- {
			if lengths[i] < w.per {
				if r.least <= lengths[i]+lengths[i]/10 {
					w.longest = r.least
					w.setLength(lengths[i])
					r.shortened = true
				}
				break
			}
		}
	}
	*r = review{since: now, shortened: r.shortened}
}
