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

	name, source string
	since        tick // first told
	toldAt       tick // last told

	permits permits

	// The ledger, from the freshest response by the instant its call was sent; a response sent before fresh only
	// tightens it.
	fresh   tick
	left    int64 // Remaining as told then; Unknown: not told
	untold  int64 // calls that ended since then, of which no response has told; where only refusals tell, accepted ones since first
	foreign int64 // calls counted by the destination that were not ours
	reset   tick  // as told, from which a call is safe
	coarse  tick  // how far off a reset may be, by its rounding
	until   tick  // when foreign and left mean nothing any more
	first   tick  // receipt of the first response since the window last refilled

	others   others    // how fast others use it
	longest  tick      // the longest time to the reset that was seen
	filling  filling   // whether the reset is when it is whole again
	review   review    // whether it is shorter than guessed
	crowd    *crowd    // nil: it never refused for what others use
	quotas   quotas    // whether it is two
	inferred *inferred // nil: it was told, or configured
	drain    *drain    // what measures a length that resets are too coarse to tell; nil: nothing has to
	spare    *spare    // nil: no call was ever taken off the limit

	configured bool // by the operator
	declared   bool // the destination said how long it is; otherwise per is a guess
	// confirmed: permits came back when the destination's own count said so. Until then a guessed window is held to
	// Remaining alone, and gets no credit for the passing of time before the reset.
	confirmed bool
	// counted: a response that was no refusal told Remaining.
	counted bool
	asRule  bool // its length is that of the configured window of the same limit
	twin    bool // another goes by the same name
	unsure  bool // its reset may be milliseconds: what remains counts, time does not
	vague   bool // its resets are too coarse to tell its length
	byDrain bool // its length was measured by what remains
	whole   bool // the call that short took was given back
	slides  bool // it was seen to count calls from before its last reset, see movedOn

	timing   timing // when it tells of time
	short    uint8  // calls that it allows less than it says; 0 or 1
	hovering uint8  // responses in a row that left nothing
	fades    uint8  // how often foreign was seen to become less before the reset, up to fadesNeeded
	longer   uint8  // fresh responses in a row that contradict a confirmed length
	small    uint8  // calls in a row that left just as much as there ever was, up to smallLimit
	fine     uint8  // calls in a row that were accepted a length apart, where the limit is one; up to fineCalls
	trial    uint8  // calls, half a length apart, that are to show whether it is shorter; trialDone: it is not
	dry      uint8  // accepted calls in a row that left nothing though we had used little, up to dryLimit
	rises    uint8  // calls that left less of a window that slides, though some of ours had left it; see rise
	most     uint16 // that remained, as far as it was no more than half of the limit
}

const (
	// steady is the factor on limit/per at which a window is paced: a little more, so that permits decide, not the
	// pace's rounding.
	steady = 1.0005
	// fadesNeeded is how often the use of others must fade before the reset for it to be counted on.
	fadesNeeded = 5
	// maxHold bounds how long headers alone, without a Retry-After, hold a lane.
	maxHold = 10 * time.Minute
)

func (w *window) setLimit(limit int64, share float64) {
	w.limit = min(max(limit, minLimit), maxLimit)
	w.mine = max(1, int64(float64(w.limit)*share)-int64(w.short))
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
//
// Where an accepted call leaves nothing though little was used, calls must keep their distance: then it allows for how
// much the way there varies.
//
// Where others use the window too, what is left is spread over the time that is left.
func (w *window) pace(now tick, varies time.Duration) float64 {
	if w.per == 0 || w.unsure {
		return math.Inf(1)
	}
	if w.spaced() {
		return 1 / w.apart(varies).Seconds()
	}
	all := steady * w.all()
	if w.short > 0 { // it counts to the call
		all = float64(w.mine) / (w.per + 2*varies).Seconds()
	}
	foreign, fading := w.foreignNow(now)
	switch {
	case foreign <= 1+w.limit/50:
		return all
	case fading > 0:
		return max(all*leastPart, min(all, 1.04*all*(1-float64(foreign)/float64(w.mine))))
	}
	rest := max(w.until-now, time.Millisecond).Seconds()
	return min(all, max(1/rest, float64(w.left-w.untold)/rest-0.6*w.others.rate))
}

// all is how many calls per second the window allows.
func (w *window) all() float64 { return float64(w.mine) / w.per.Seconds() }

// readyAt returns when the window allows a call, given how many are in flight; never when only their end can tell.
func (w *window) readyAt(now tick, inFlight int64) tick {
	if w.per == 0 {
		return w.lookAt(now, inFlight)
	}
	w.permits.advance(now)
	if w.unsure {
		if w.left != Unknown && w.left-inFlight-w.untold < 1 {
			return max(now, w.until)
		}
		return now
	}
	at := now
	foreign, fading := w.foreignNow(now)
	switch age := now - w.fresh; {
	case w.filling.sure:
		if foreign > 1+w.limit/50 {
			at = w.filledAt(now, inFlight)
		}
		foreign = 0
	case foreign <= 1+w.limit/50:
	case fading > 0: // as many come as go
		foreign += w.others.reserve(min(age, fadingReserve))
	default:
		foreign += w.others.reserve(age)
	}
	if missing := w.permits.used + inFlight + foreign - w.mine + 1; missing > 0 {
		release := w.permits.releaseOf(missing)
		if w.filling.sure && !w.declared && w.left > w.limit/4 { // what it saved up before its pace was known is not in permits
			release = min(release, w.filledAt(now, inFlight))
		}
		at = max(at, release)
		if foreign > 0 {
			at = min(at, w.until)
		}
		if fading > 0 {
			at = min(at, max(now, w.fresh)+tick(missing)*fading)
		}
	}
	if w.stepped() && w.left != Unknown && w.left-inFlight-w.untold-(w.limit-w.mine) < 1 {
		at = max(at, min(w.fresh+w.coarse, w.until))
	}
	if !w.confirmed && w.limit > 1 && w.left != Unknown && now < w.until {
		room, until := w.left-inFlight-w.untold-(w.limit-w.mine), w.until
		if w.foreign <= w.limit/2 {
			// Calls of ours that have left the window since make room, if it is as long as guessed; no longer was seen. A clock
			// that counts whole seconds may be as late as its resets are coarse.
			if left := w.permits.leftAt() + w.coarse; now < left {
				until = min(until, left)
			} else {
				room += w.permits.back
			}
		}
		if room < 1 {
			at = max(at, until)
		}
	}
	return at
}

// ended counts a call that ended: its permit comes back when the call has left the window for certain.
func (w *window) ended(now, received tick, sure time.Duration) {
	if w.per == 0 {
		w.untold++
		return
	}
	w.permits.advance(now)
	w.permits.keep(received+w.per-sure, 1)
	w.untold++ // until a response says that it was counted
}
