package circuit

import "time"

// shownFor is how long the changes of a breaker are kept for people to see, where nothing else keeps it.
const shownFor = 24 * time.Hour

// Blank reports whether the breaker would do as a new one from now on, as long as no permit of it is out: it is closed and as
// trusted as ever, counts no call and no failure, remembers no change of the last day, and nobody has forced it.
func (b *Breaker) Blank(now time.Time) bool {
	now = b.see(now)
	if b.forced != 0 {
		return false
	}
	if n := len(b.history); n > 0 && now.Sub(b.history[n-1].At) < shownFor {
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
