package schedule

import "time"

// A share whose part of the host alone is held by the breaker, or comes back, is set aside: out of its lane's turns, so that
// the lane's other shares go on.

// setAside takes a share out of the turns until an instant, or until the host's breaker changes.
func (l *lane) setAside(sh *share, until time.Time) {
	l.withdraw(sh)
	sh.aside = true
	if l.aside = append(l.aside, sh); len(l.aside) == 1 || until.Before(l.asideUntil) {
		l.asideUntil = until
	}
}

// readmit lets the shares that were set aside take turns again, once the first one's time has come; those whose time has not
// are set aside again when their turn comes.
func (l *lane) readmit(now time.Time) {
	if len(l.aside) > 0 && !l.asideUntil.After(now) {
		l.readmitAll()
	}
}

func (l *lane) readmitAll() {
	for i, sh := range l.aside {
		l.aside[i] = nil
		sh.aside = false
		l.enter(sh)
	}
	l.aside = l.aside[:0]
}

// breakerChanged lets whatever the host's breaker held ask again.
func (s *Schedule) breakerChanged(h *host) {
	for _, l := range h.lanes {
		if len(l.aside) > 0 {
			l.readmitAll()
			s.giveTurn(l)
		}
	}
}

// rest puts a lane aside in which nothing may go now, until something is due or a share comes back.
func (s *Schedule) rest(l *lane, now time.Time) {
	l.blocked = Idle
	at, ok := l.nextDue()
	if len(l.aside) > 0 && (!ok || l.asideUntil.Before(at)) {
		at, ok = l.asideUntil, true
	}
	if ok {
		s.sleep(l, Due, at, now)
	}
}
