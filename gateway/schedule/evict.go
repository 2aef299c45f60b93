package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Hosts and lanes leave memory when nobody would notice: nothing waits or is under way, no budget counts anything, and what
// a new one would be made as is what they are; what the store keeps of them is then forgotten too (see Changed). A host that
// was taught something leaves as well, but the store keeps that (away.go), for as long as Remembered. Coming back changes no
// decision but in this: how long its calls held their slots is measured anew, and so are its round trips; and what was taught is
// to be read first.

// Remembered is for how long what a destination taught is kept while nothing is sent there.
const Remembered = 30 * 24 * time.Hour

// lookEvery is how often a host is looked at, to be forgotten: more than the time for which a budget remembers a pace that
// it found by itself. At most lookAtOnce are looked at by one Next, and the others lookAgain later.
const (
	lookEvery  = 11 * time.Minute
	lookAtOnce = 256
	lookAgain  = 10 * time.Millisecond
)

// look is when a host is looked at next.
type look struct {
	host *host
	at   time.Duration // since Schedule.began
}

// evict forgets hosts and lanes that nothing has to be known of. It reports whether there are more to look at.
func (s *Schedule) evict(now time.Time) (more bool) {
	s.recallOld(now)
	if s.began.IsZero() {
		s.began = now
	}
	at := now.Sub(s.began)
	for n := min(lookAtOnce, s.looks.len()); n > 0 && s.looks.front().at <= at; n-- {
		h := s.looks.pop().host
		s.looked++
		if h.presence == departed {
			continue
		}
		if h.since == 0 {
			h.since = now.UnixMilli() // it was made without being told the instant
		} else if s.forgetLanes(h, now); s.forgetHost(h, now) {
			continue
		} else if h.presence != leaving {
			s.sendAway(h, now)
		}
		s.looks.push(look{h, at + s.lookEvery})
	}
	return s.lookEvery > 0 && s.looks.len() > 0 && s.looks.front().at <= at
}

// forgetLanes forgets the lanes of a host that may be.
func (s *Schedule) forgetLanes(h *host, now time.Time) {
	for i := 0; i < len(h.lanes.all); {
		l := h.lanes.all[i]
		if !l.unused() {
			i++
			continue
		}
		rest := l.rest(now)
		if rest == limiter.Counting || rest == limiter.Learned && l.budget.Silence(now) < Remembered {
			i++
			continue
		}
		h.lanes.remove(i)
		if l.budget != nil && l.budget.Revision() != 0 {
			s.goneLanes = append(s.goneLanes, l.id)
		}
	}
}

// unused reports whether nothing refers to a lane but its host.
func (l *lane) unused() bool {
	return l.shares.len() == 0 && l.inFlight == 0 && !l.dirty && !l.barred && l.place == nowhere && !l.someAside()
}

// forgetHost forgets a host without lanes, if it may be.
func (s *Schedule) forgetHost(h *host, now time.Time) bool {
	if len(h.lanes.all) > 0 || h.inFlight > 0 || h.held || h.absent() || h.dirty || h.outside ||
		h.breaker != nil && !h.breaker.Blank(now) {
		return false
	}
	used := time.UnixMilli(h.since)
	if h.residence != nil {
		used = later(used, h.residence.at)
	}
	if h.dialect != nil && *h.dialect != (limiter.Dialect{}) && now.Sub(used) < Remembered {
		return false
	}
	delete(s.hosts, h.name)
	if h.kept {
		s.goneHosts = append(s.goneHosts, h.name)
	}
	return true
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// gone calls back for the lanes and hosts that were forgotten since the last call and that the store may keep something of;
// some are back by now.
func (s *Schedule) gone(lane func(record.Lane, *limiter.Budget), host func(string, HostMemory)) {
	for _, id := range s.goneLanes {
		lane(id, nil)
	}
	for _, name := range s.goneHosts {
		host(name, HostMemory{})
	}
	clear(s.goneLanes)
	clear(s.goneHosts)
	s.goneLanes, s.goneHosts = s.goneLanes[:0], s.goneHosts[:0]
}
