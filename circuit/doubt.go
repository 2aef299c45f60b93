package circuit

import "time"

// Doubted returns how many calls of the host may be under way at once, at least one, while its last ones all failed: if as many
// fail, too, it opens, and if one succeeds, all may go on. One more would find out nothing, and would be sent into an outage if
// there is one; that takes a while to be seen where a host takes connections and never answers. Not ok: there is no such doubt,
// or it is none of the host's as a whole, where each tenant has a breaker of its own.
func (b *Breaker) Doubted(now time.Time) (most int, ok bool) {
	g, c := &b.rest.gate, &b.cfg
	if b.forced != 0 || g.state != Closed || c.Scope != Host || !c.byRow() || g.row.over(now) {
		return 0, false
	}
	return max(1, c.inARow()-int(g.row.failures)), true
}
