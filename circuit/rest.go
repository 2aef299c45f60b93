package circuit

import (
	"slices"
	"time"
)

// shownFor is how long the changes of a breaker are kept for people to see, where nothing else keeps it.
const shownFor = 24 * time.Hour

// Blank reports whether the breaker would do as a new one from now on, as long as no permit of it is out: it is closed and as
// trusted as ever, counts no call and no failure, remembers no change of the last day, and nobody has forced it.
func (b *Breaker) Blank(now time.Time) bool {
	now = b.see(now)
	if !b.unshown(now) {
		return false
	}
	blank := true
	b.each(func(u *unit) {
		blank = blank && u.forgettable(now) && !u.asked.After(now) && u.share(now, &b.cfg) >= 1 && u.row.over(now)
		for _, p := range u.parts {
			blank = blank && p.share(now, &b.cfg) >= 1 && p.row.over(now)
		}
	})
	return blank
}

// Calm reports whether all that the breaker counts are calls that succeeded, and else it is Blank: with it, only those would be
// forgotten. No permit of it must be out.
func (b *Breaker) Calm(now time.Time) bool {
	now = b.see(now)
	if !b.unshown(now) || len(b.tenants) > 0 {
		return false
	}
	u := &b.rest
	return len(u.parts) == 0 && u.state == Closed && u.trusted(now, &b.cfg) && !u.asked.After(now) && u.row.over(now) &&
		u.window.sum(now, b.cfg.Window).failures == 0
}

// unshown reports whether nobody has forced the breaker, and none of its changes is to be shown any more.
func (b *Breaker) unshown(now time.Time) bool {
	n := len(b.history)
	return b.forced == 0 && (n == 0 || now.Sub(b.history[n-1].At) >= shownFor)
}

// Rests reports whether Snapshot tells all that there is to know of the breaker, as long as no permit of it is out: it is closed,
// counts no call and no failure, lets the whole rate through, and nobody has forced it.
func (b *Breaker) Rests(now time.Time) bool {
	now = b.see(now)
	if b.forced != 0 {
		return false
	}
	rests := true
	b.each(func(u *unit) {
		rests = rests && u.rests(now, &b.cfg) && !u.asked.After(now)
		for _, p := range u.parts {
			rests = rests && p.rests(now, &b.cfg)
		}
	})
	return rests
}

func (g *gate) rests(now time.Time, c *Config) bool {
	return g.state == Closed && g.window.sum(now, c.Window).calls == 0 && g.share(now, c) >= 1 && g.row.over(now)
}

// AtRest reports whether a breaker that takes the snapshot up lets calls through, with nobody's hand on it.
func (s *Snapshot) AtRest() bool {
	open := func(p SavedPart) bool { return p.State != Closed }
	return s.State == Closed && s.Forced == 0 && !slices.ContainsFunc(s.Tenants, open) && !slices.ContainsFunc(s.Parts, open)
}
