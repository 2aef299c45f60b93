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
//
// What else a window may be is a rule each, with what it has seen so far, in the file that is named.
type window struct {
	limit int64       // calls per window as told or configured; at least 1
	mine  int64       // the part of limit that is this lane's to use; at least 1
	per   tick        // how long it is; 0: not known yet, the window is no gate then
	basis lengthBasis // what per rests on

	timing  timing // when the destination tells of time; window_untimed.go
	counted bool   // a response that was no refusal told Remaining, so that its count can be trusted
	twin    bool   // another window goes by the same name; windows.go
	unsure  bool   // its reset may be in milliseconds: until that is clear what remains counts, and time does not

	sliding sliding     // window_sliding.go: does it slide?
	trial   trial       // window_single.go: of one call, is it shorter than told?
	spacing spacing     // window_spacing.go: does it keep calls at a distance?
	small   smallBucket // window_small.go: is it a bucket that holds less than its limit?

	name, source string
	since        tick // first told
	toldAt       tick // last told

	permits permits
	ledger  ledger
	run     run

	guess     guess      // window_length.go: how long is it, if nobody says?
	filling   filling    // window_filling.go: is the reset the time until it is whole again?
	others    others     // window_others.go: how fast do others use it?
	quotas    quotas     // window_quotas.go: is it two?
	overuse   *overuse   // window_outlasts.go: is it longer than guessed? nil: it never refused for what others use
	withheld  *withheld  // window_withheld.go: does it keep its last call back? nil: it never seemed to
	drain     *drain     // window_drain.go: how fast is it filled, if resets are too coarse to tell? nil: nothing has to
	inferred  *inferred  // window_inferred.go: does it explain refusals? nil: it was told, or configured
	resetUnit *resetUnit // window_millis.go: does its reset count milliseconds? nil: nothing speaks for it
}

const (
	// steady is the factor on limit/per at which a window is paced: a little more, so that permits decide, not the
	// pace's rounding.
	steady = 1.0005
	// maxHold bounds how long headers alone, without a Retry-After, hold a lane.
	maxHold = 10 * time.Minute
)

func newWindow(source string, now tick) *window {
	return &window{source: source, ledger: ledger{left: Unknown, fresh: math.MinInt64}, since: now, toldAt: now}
}

func (w *window) setLimit(limit int64, share float64) {
	w.limit = min(max(limit, minLimit), maxLimit)
	w.mine = int64(float64(w.limit) * share)
	if w.withholds() {
		w.mine--
	}
	w.mine = max(1, w.mine)
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
	if w.vague() {
		w.basis = lengthGuessed
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
		return 1 / w.distance(varies).Seconds()
	}
	all := steady * w.all()
	if w.mayBeBucket(now) {
		all /= 2
	}
	if w.withholds() { // it counts to the call
		all = float64(w.mine) / (w.per + 2*varies).Seconds()
	}
	foreign, fading := w.foreignNow(now)
	switch {
	case !w.notable(foreign):
		return all
	case fading > 0:
		return max(all*leastPart, min(all, 1.04*all*(1-float64(foreign)/float64(w.mine))))
	}
	rest := max(w.ledger.until-now, time.Millisecond).Seconds()
	return min(all, max(1/rest, float64(w.ledger.room(0))/rest-0.6*w.others.rate))
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
		if w.ledger.left != Unknown && w.ledger.room(inFlight) < 1 {
			until := w.ledger.until
			if inFlight == 0 {
				until = min(until, w.triesAt())
			}
			return max(now, until)
		}
		return now
	}
	return max(w.permitAt(now, inFlight), w.stepAt(now, inFlight), w.leftAt(now, inFlight))
}

// permitAt returns when there is a permit for a call: one that neither our calls in the window take nor those of others.
func (w *window) permitAt(now tick, inFlight int64) tick {
	at := now
	foreign, fading := w.foreignNow(now)
	switch age := now - w.ledger.fresh; {
	case w.filling.sure:
		if w.notable(foreign) {
			at = w.filledAt(now, inFlight)
		}
		foreign = 0
	case !w.notable(foreign):
	case fading > 0: // as many come as go
		foreign += w.others.reserve(min(age, fadingReserve))
	default:
		foreign += w.others.reserve(age)
	}
	missing := w.permits.used + inFlight + foreign - w.mine + 1
	if missing <= 0 {
		return at
	}
	release := w.permits.releaseOf(missing)
	if w.filling.sure && !w.declared() && w.ledger.left > w.limit/4 { // what it saved up before its pace was known is not in permits
		release = min(release, w.filledAt(now, inFlight))
	}
	at = max(at, release)
	if foreign > 0 {
		at = min(at, w.ledger.until)
	}
	if fading > 0 {
		at = min(at, max(now, w.ledger.fresh)+tick(missing)*fading)
	}
	return at
}

// leftAt returns when what the freshest response left has room for a call, where the length is but a guess: permits, which come
// back by that length, are not trusted alone then.
func (w *window) leftAt(now tick, inFlight int64) tick {
	if w.confirmed() || w.limit == 1 || w.ledger.left == Unknown || now >= w.ledger.until {
		return now
	}
	room, until := w.leftForUs(inFlight), w.ledger.until
	if w.ledger.foreign <= w.limit/2 {
		// Calls of ours that have left the window since make room, if it is as long as guessed; no longer was seen. A clock
		// that counts whole seconds may be as late as its resets are coarse.
		if left := w.permits.leftAt() + w.ledger.coarse; now < left {
			until = min(until, left)
		} else {
			room += int64(w.permits.back)
		}
	}
	if room < 1 {
		return max(now, until)
	}
	return now
}

// ended counts a call that ended: its permit comes back when the call has left the window for certain.
func (w *window) ended(now, received tick, sure time.Duration) {
	if w.per == 0 || w.inferred != nil {
		w.run.n++
	}
	if w.per == 0 {
		return
	}
	w.permits.advance(now)
	w.permits.keep(received+w.per+w.lag()-sure, 1)
	w.ledger.untold++ // until a response says that it was counted
}
