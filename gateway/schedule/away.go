package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/limiter"
)

// A host that was taught something leaves memory too, with all its lanes, once it rests: nothing waits or is under way, nothing
// that was sent still counts, nobody holds it, and its breaker is closed and counts nothing. What it was taught is saved, and is
// away: when the host is asked for again it is read back (Plan.Recall, Recalled), and until then nothing of the host starts.
// Of a host that is away memory keeps the name.

// presence is where in its life in memory a host is.
type presence uint8

const (
	present      presence = iota
	absent                // what is saved of it is to be read before anything starts
	absentAsLeft          // and is how it left: nothing was sent since
	leaving               // it leaves when it is saved, unless it is asked for meanwhile
	departed              // it has left; a host of this name is another one
)

// absent reports whether what is saved of a host is still to be read.
func (h *host) absent() bool { return h.presence == absent || h.presence == absentAsLeft }

// absence is since when a host is away.
type absence struct {
	since int64 // Unix, seconds
	ours  bool  // it rested when it left, and this schedule has seen it leave
}

// Away notes that something is saved of a host, which was at rest when an earlier process ended; to be called before its first
// queue is Found.
func (s *Schedule) Away(now time.Time, name string) {
	if s.hosts[name] == nil {
		s.away[name] = absence{since: now.Unix()}
	}
}

// Summon has a host that is away read back, and reports whether it is in memory, or nothing is known of it at all.
func (s *Schedule) Summon(name string) (present bool) {
	if _, away := s.away[name]; away {
		s.host(name)
	}
	h := s.hosts[name]
	return h == nil || !h.absent()
}

// Rested reports whether what is saved of a host that is read back is how it left, and nothing was sent since.
func (s *Schedule) Rested(name string) bool {
	h := s.hosts[name]
	return h != nil && h.presence == absentAsLeft
}

// Recalled says that Budget, Breaker and Dialect have taken up what was saved of a host: its lanes go on.
func (s *Schedule) Recalled(name string) {
	h := s.hosts[name]
	if h == nil || !h.absent() {
		return
	}
	h.presence = present
	for _, l := range h.lanes.all {
		if l.hasWork() || l.blocked != Idle {
			s.giveTurn(l)
		}
	}
}

// comeBack has what is saved of a host read, if it is away.
func (s *Schedule) comeBack(h *host) {
	if a, away := s.away[h.name]; away {
		delete(s.away, h.name)
		h.presence, h.kept = absent, true
		if a.ours {
			h.presence = absentAsLeft
		}
		s.toRecall = append(s.toRecall, h.name)
	}
}

// rests reports whether a host may leave, as far as nobody would notice.
func (s *Schedule) rests(h *host, now time.Time) bool {
	if h.inFlight > 0 || h.held || h.outside || h.absent() || h.barred.len() > 0 || h.breaker != nil && !h.breaker.Rests(now) {
		return false
	}
	for _, l := range h.lanes.all {
		if !l.unused() || l.rest(now) == limiter.Counting {
			return false
		}
	}
	return true
}

// sendAway has a host that rests saved as it is, and leave when that is done.
func (s *Schedule) sendAway(h *host, now time.Time) {
	if !s.rests(h, now) {
		return
	}
	h.presence = leaving
	s.touchHost(h)
	for _, l := range h.lanes.all {
		s.touch(l)
	}
}

// depart lets a host leave that was saved as it is, unless it was asked for meanwhile.
func (s *Schedule) depart(h *host) {
	h.presence = present
	if !s.rests(h, s.seen) {
		return
	}
	h.lanes = lanes{}
	h.presence = departed
	delete(s.hosts, h.name)
	s.away[h.name] = absence{s.seen.Unix(), true}
}

// How often, in how large a sample of those away, it is looked for hosts whose time is up: what is saved of them is read
// back, found to be too old, and forgotten.
const (
	awayEvery  = time.Second
	awayAtOnce = 16
)

// recallOld recalls hosts that have been away for longer than what they were taught is remembered.
func (s *Schedule) recallOld(now time.Time) {
	if now.Sub(s.lookedAway) < awayEvery {
		return
	}
	s.lookedAway = now
	n := 0
	for name, a := range s.away { // in no order, which is the sample
		if now.Unix()-a.since > int64(Remembered/time.Second) {
			s.host(name)
		}
		if n++; n == awayAtOnce {
			return
		}
	}
}
