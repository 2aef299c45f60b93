package schedule

import "time"

// A share whose part of the host alone is held by the breaker, or comes back, is set aside: out of its lane's turns, so that
// the lane's other shares go on.

// asideShares are those whose part of the host the breaker holds, or lets come back by itself.
type asideShares struct {
	shares []*share
	until  time.Time // when the first of them may be let in again; while there are some
}

// someAside reports whether a share of the lane is aside.
func (l *lane) someAside() bool { return l.aside != nil && len(l.aside.shares) > 0 }

// setAside takes a share out of the turns until an instant, or until the host's breaker changes.
func (l *lane) setAside(sh *share, until time.Time) {
	l.withdraw(sh)
	sh.aside = true
	if l.aside == nil {
		l.aside = new(asideShares)
	}
	a := l.aside
	if a.shares = append(a.shares, sh); len(a.shares) == 1 || until.Before(a.until) {
		a.until = until
	}
}

// readmit lets the shares that were set aside take turns again, once the first one's time has come; those whose time has not
// are set aside again when their turn comes.
func (l *lane) readmit(now time.Time) {
	if l.someAside() && !l.aside.until.After(now) {
		l.readmitAll()
	}
}

func (l *lane) readmitAll() {
	shares := l.aside.shares
	for i, sh := range shares {
		shares[i] = nil
		sh.aside = false
		l.enter(sh)
	}
	l.aside.shares = shares[:0]
}

// breakerChanged lets whatever the host's breaker held ask again.
func (s *Schedule) breakerChanged(h *host) {
	for _, l := range h.lanes.all {
		if l.someAside() {
			l.readmitAll()
			s.giveTurn(l)
		}
	}
}

// rest puts a lane aside in which nothing may go now, until something is due or a share comes back.
func (s *Schedule) rest(l *lane, now time.Time) {
	l.blocked = Idle
	at, ok := l.nextDue()
	if l.someAside() && (!ok || l.aside.until.Before(at)) {
		at, ok = l.aside.until, true
	}
	if ok {
		s.sleep(l, Due, at, now)
	}
}
