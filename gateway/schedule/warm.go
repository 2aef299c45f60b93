package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/limiter"
)

// A host that is called has a breaker and a measure of its calls, each of its lanes a budget, some 2 KiB together. Before its
// first call they would be as new ones are, and are not made: what waits for it may be held, or not yet come to its turn.
//
// As long as no more than maxWarm hosts have them, none lose them before evict would say so. With more of them, those let go of
// theirs that were not called for a while and are well: no call is under way, all that were counted succeeded, none was refused,
// and no limit was told. What is lost with that are the successes of the last minute, against which failures are measured; as many
// failures in a row as a breaker needs calls open it all the same. Of a slow host the measure stays, which is small: where all are
// slow, because it is the gateway that is short of time, the rest of 100,000 hosts would take its memory, and the collector its time.

// maxWarm is how many hosts are warm however well they are: more than have calls under way at once, mostly.
const maxWarm = 1 << 13

// coolAtOnce is how many hosts are looked at, to be cooled, whenever one more is warm. Each is passed over once when it was used
// since, so two keep up; with more, there are hardly more of them than maxWarm.
const coolAtOnce = 4

// warmHost makes what a host's calls need.
func (s *Schedule) warmHost(h *host, now time.Time) *host {
	h.used = true
	if h.breaker != nil {
		return h
	}
	h.breaker = s.set.Breaker(h.name)
	if !h.warm {
		h.warm = true
		s.warm.push(h)
	}
	for n := 0; n < coolAtOnce && s.warm.len() > maxWarm; n++ {
		other := s.warm.pop()
		other.warm = false
		if other.presence == departed || other.breaker == nil || s.cool(other, now) {
			continue
		}
		other.warm, other.used = true, false
		s.warm.push(other)
	}
	return h
}

// warmLane makes what a lane's calls need.
func (s *Schedule) warmLane(l *lane, now time.Time) *lane {
	s.warmHost(l.host, now)
	if l.budget == nil {
		l.budget, l.saved = s.set.Budget(l.id, now), 0
	}
	return l
}

// cool lets go of what a host that is well was called with, unless it was used since it was looked at last.
func (s *Schedule) cool(h *host, now time.Time) bool {
	if h.used || h.inFlight > 0 || h.absent() || h.presence == leaving || h.dirty || h.outside || h.barred.len() > 0 ||
		!h.breaker.Calm(now) {
		return false
	}
	for _, l := range h.lanes.all {
		if l.dirty || l.someAside() || l.place == inAsleep && l.blocked != Due || l.budget != nil && !l.budget.Untaught(now) {
			return false
		}
	}
	for _, l := range h.lanes.all {
		if l.budget != nil {
			s.spare(l)
		}
		l.begun, l.pace = nil, nil
	}
	if s.set.SpareBreaker != nil {
		s.set.SpareBreaker(h.breaker)
	}
	h.breaker = nil
	if !h.slow || h.residence.faint(now) {
		h.residence, h.slow = nil, false
	}
	return true
}

// spare lets go of a lane's budget.
func (s *Schedule) spare(l *lane) {
	if l.budget.Revision() != 0 {
		s.goneLanes = append(s.goneLanes, l.id)
	}
	if s.set.SpareBudget != nil {
		s.set.SpareBudget(l.budget)
	}
	l.budget = nil
}

// rest is how a lane's budget stands.
func (l *lane) rest(now time.Time) limiter.Rest {
	if l.budget == nil {
		return limiter.Blank
	}
	return l.budget.Rest(now)
}
