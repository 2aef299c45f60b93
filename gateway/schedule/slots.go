package schedule

import (
	"math"
	"time"
)

// The slots, of which there are MaxInFlight, are divided so that destinations that do not let go of theirs leave room for
// those that do. What a host may hold depends on how its calls end and on how many slots are free: a threshold that falls
// as slots run out (Choudhury and Hahne, "Dynamic queue length thresholds", 1998) divides them among however many want them,
// without being told how many that is.
//
//   - A host whose calls end within slowAfter may hold up to three times as many as are free.
//   - One of which nothing is known holds a few, of those beyond the reserve, until a call ended or it is known to be slow.
//   - A slow one may hold as many as are left of the slow hosts' part, which is half of all, also beyond the reserve. It is
//     slow until its calls end soon.
//
// So hosts that accept calls and never answer hold no more than a few before they are known and half of all together then, and
// a call to a host that answers finds a slot: in the other half, at last in the reserve, which is an eighth of all.

// slowAfter is how many seconds of a slot each call of a host takes, from which on the host is slow.
const slowAfter = 2.0

// residence measures how long calls of a host hold their slots, over the last minute or so: slot time held by calls ended
// (Little's law), which tells a host that never answers from the first call on.
type residence struct {
	seconds float64 // of slots held, fading
	recent  float64 // of slots held since it faded last
	ended   float64 // calls, fading
	at      time.Time
	faded   time.Time
}

// residenceHalfLife is in seconds.
const residenceHalfLife = 20.0

// fadeEvery is how often the measure fades; between that it only adds up.
const fadeEvery = 100 * time.Millisecond

// advance brings the measure to an instant until which so many calls were in flight.
func (r *residence) advance(now time.Time, inFlight int) {
	if r.at.IsZero() {
		r.at, r.faded = now, now
		return
	}
	since := now.Sub(r.at)
	if since <= 0 {
		return
	}
	r.at = now
	r.recent += float64(inFlight) * since.Seconds()
	if fading := now.Sub(r.faded); fading >= fadeEvery {
		fade := math.Exp2(-fading.Seconds() / residenceHalfLife)
		r.seconds = r.seconds*fade + r.recent/fading.Seconds()*(1-fade)*residenceHalfLife/math.Ln2
		r.ended *= fade
		r.recent, r.faded = 0, now
	}
}

// slow reports whether calls hold their slots for long.
func (r *residence) slow() bool { return r.seconds+r.recent > slowAfter*max(1, r.ended) }

// faintCalls is how many calls, faded, are too few to say how a host does: some 70 s after one.
const faintCalls = 0.1

// faint reports whether the measure of a host without a call under way says little any more.
func (r *residence) faint(now time.Time) bool {
	r.advance(now, 0)
	return r.ended < faintCalls
}

// slowIn returns after how long, about, a host that ended no call is slow, with so many in flight.
func (r *residence) slowIn(inFlight int) time.Duration {
	return time.Duration((slowAfter-r.seconds-r.recent)/float64(inFlight)*float64(time.Second)) + 50*time.Millisecond
}

// slotTaken and slotFreed note that a host has one slot more, or less, than it had until now.
func (s *Schedule) slotTaken(h *host, now time.Time) { h.measured().advance(now, h.inFlight-1) }

func (s *Schedule) slotFreed(h *host, now time.Time) {
	h.measured().advance(now, h.inFlight+1)
	h.residence.ended++
	s.noteSlow(h)
	h.answers = !h.slow
}

// measured returns the host's measure.
func (h *host) measured() *residence {
	if h.residence == nil {
		h.residence = new(residence)
	}
	return h.residence
}

// noteSlow keeps the count of the slots that slow hosts hold.
func (s *Schedule) noteSlow(h *host) {
	switch slow := h.residence.slow(); {
	case slow && !h.slow:
		h.slow = true
		s.slow += h.inFlight
		h.answers = false
	case !slow && h.slow && h.residence.ended >= faintCalls: // else it only has not been called for long
		h.slow = false
		s.slow -= h.inFlight
	}
}

// A host of which nothing is known may hold this many slots, or this part of those beyond the reserve if that is more.
const (
	unknownMay     = 4
	unknownMayPart = 256
)

// crowded reports whether a host holds as many slots as it may, or as are enough to find out whether it is out.
func (s *Schedule) crowded(h *host, now time.Time) bool {
	h.measured().advance(now, h.inFlight)
	s.noteSlow(h)
	most, doubted := h.breaker.Doubted(now)
	switch {
	case doubted && h.inFlight >= most:
		return true
	case h.slow:
		return h.inFlight >= s.roomForSlow()
	case h.answers:
		return h.inFlight >= 3*(s.set.MaxInFlight-s.inFlight)
	}
	left := s.beyondReserve()
	return h.inFlight >= min(max(unknownMay, left/unknownMayPart), left)
}

// beyondReserve is how many slots are free but for the reserve.
func (s *Schedule) beyondReserve() int { return s.set.MaxInFlight - s.inFlight - s.set.MaxInFlight/8 }

// roomForSlow is how many more slots slow hosts may take together.
func (s *Schedule) roomForSlow() int {
	return min(max(1, s.set.MaxInFlight/2)-s.slow, s.beyondReserve())
}

// keepOut has a lane wait for slots that its host may have: for a call of the host to end, or where there is none, for those
// of others.
func (s *Schedule) keepOut(l *lane, now time.Time) {
	l.blocked, l.at = Concurrency, time.Time{}
	l.bar()
	h := l.host
	switch {
	case h.inFlight > 0 && !h.slow && !h.answers:
		s.sleep(l, Concurrency, now.Add(h.residence.slowIn(h.inFlight)), now) // it may have another part then
		return
	case h.inFlight > 0 || h.outside:
		return
	}
	h.outside = true
	if h.slow {
		s.outsideSlow.push(h)
		return
	}
	s.outside.push(h)
}

// letHostsIn gives turns to hosts that hold no slot and could have none, as far as there are slots for them now.
func (s *Schedule) letHostsIn() {
	for n := s.beyondReserve(); n > 0 && s.outside.len() > 0; n-- {
		s.letHostIn(s.outside.pop())
	}
	for n := s.roomForSlow(); n > 0 && s.outsideSlow.len() > 0; n-- {
		s.letHostIn(s.outsideSlow.pop())
	}
}

func (s *Schedule) letHostIn(h *host) {
	h.outside = false
	for h.barred.len() > 0 {
		l := h.barred.pop()
		l.barred = false
		s.giveTurn(l)
	}
}
