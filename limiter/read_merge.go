package limiter

import "time"

// candidates are the windows found in one response, before those that tell of the same limit are joined and the most
// binding are picked.
type candidates struct {
	at [16]candidate
	n  int
}

type candidate struct {
	Window
	family uint64
	rank   rank
	gone   bool // joined to another
}

// add takes a window of a group, unless there is nothing in it.
func (c *candidates) add(w Window, g *group) {
	told := w.Limit != Unknown || w.Remaining != Unknown
	switch {
	case c.n == len(c.at):
		return
	case !told && !w.HasReset && w.Length == 0:
		return
	case !g.anchored && w.Remaining == Unknown: // X-Upload-Limit
		return
	case !g.anchored && !g.telling && w.Limit == Unknown && !w.HasReset: // X-Items-Remaining
		return
	}
	rank := g.rank
	if w.Source == sourceItems {
		rank = rankItems
	}
	c.at[c.n] = candidate{Window: w, family: g.family, rank: rank}
	c.n++
}

// pick joins, orders and hands out the windows.
func (c *candidates) pick(out *[MaxWindows]Window) int {
	if c.n > 1 {
		c.joinFamilies()
		c.joinHalves()
		c.joinFragments()
	}
	n := 0
	for ; n < MaxWindows; n++ {
		best := -1
		for i := range c.n {
			if !c.at[i].gone && (best < 0 || c.at[i].before(&c.at[best])) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		out[n], c.at[best].gone = c.at[best].Window, true
	}
	return n
}

// joinFamilies joins what two families tell of one limit. Many destinations speak two for the sake of old clients.
func (c *candidates) joinFamilies() {
	for i := range c.n {
		for j := range c.n {
			a, b := &c.at[i], &c.at[j]
			if i != j && !a.gone && !b.gone && a.rank <= b.rank && (a.rank != b.rank || a.family != b.family) && a.same(b) {
				a.join(b)
			}
		}
	}
}

// joinHalves joins the only Limit of a family to its only Remaining where their names differ: Yelp's RateLimit-DailyLimit
// and RateLimit-Remaining, the Burst-Capacity of Spring Cloud Gateway. So it does the only ones of a length, whatever their names:
// Apollo's x-rate-limit-minute and x-minute-requests-left.
func (c *candidates) joinHalves() {
	c.joinLengths()
	for i := range c.n {
		a := &c.at[i]
		if a.gone || a.Remaining == Unknown || a.Limit != Unknown {
			continue
		}
		var half *candidate
		n, left := 0, 0
		for j := range c.n {
			b := &c.at[j]
			switch {
			case b.gone || b.family != a.family || b.Unit != a.Unit:
			case b.Remaining != Unknown:
				left++
			case b.Limit != Unknown:
				half = b
				n++
			}
		}
		if n == 1 && left == 1 && (a.Length == 0 || half.Length == 0 || a.Length == half.Length) {
			a.join(half)
		}
	}
}

func (c *candidates) joinLengths() {
	for i := range c.n {
		a := &c.at[i]
		if a.gone || a.Remaining == Unknown || a.Limit != Unknown || a.Length == 0 {
			continue
		}
		var half *candidate
		n := 0
		for j := range c.n {
			if b := &c.at[j]; !b.gone && i != j && b.Unit == a.Unit && b.Length == a.Length {
				half = b
				n++
			}
		}
		if n == 1 && half.Remaining == Unknown && half.Limit >= a.Remaining {
			a.join(half)
		}
	}
}

// joinFragments gives a reset or a length that stands alone to the window that lacks it: of its own family, else of
// another, and of several to the one that binds first.
func (c *candidates) joinFragments() {
	for i := range c.n {
		f := &c.at[i]
		if f.gone || f.Limit != Unknown || f.Remaining != Unknown {
			continue
		}
		var best *candidate
		for j := range c.n {
			w := &c.at[j]
			switch {
			case i == j || w.gone || w.Limit == Unknown && w.Remaining == Unknown:
			case f.HasReset && w.HasReset || f.Length > 0 && w.Length > 0 && f.Length != w.Length:
			case best == nil,
				(w.family == f.family) && best.family != f.family,
				(w.family == f.family) == (best.family == f.family) && w.before(best):
				best = w
			}
		}
		if best != nil {
			best.join(f)
		}
	}
}

// same reports whether two windows of different families tell of one limit: equal where both tell.
func (a *candidate) same(b *candidate) bool {
	const apart = 2 * time.Second // rounding, and the clocks
	switch {
	case a.Unit != b.Unit, a.Name != "" && b.Name != "" && a.Name != b.Name:
		return false
	case a.Length > 0 && b.Length > 0 && a.Length != b.Length:
		return false
	case a.Limit != Unknown && b.Limit != Unknown && a.Limit != b.Limit:
		return false
	case a.Remaining != Unknown && b.Remaining != Unknown && a.Remaining != b.Remaining:
		return false
	case a.HasReset && b.HasReset && a.ResetAt.Sub(b.ResetAt).Abs() > apart:
		return false
	}
	return a.Limit != Unknown && a.Limit == b.Limit || a.Remaining != Unknown && a.Remaining == b.Remaining
}

// join fills in what a lacks from b, and b is gone.
func (a *candidate) join(b *candidate) {
	if a.Limit == Unknown {
		a.Limit = b.Limit
	}
	if a.Remaining == Unknown {
		a.Remaining = b.Remaining
	}
	if !a.HasReset {
		a.Reset, a.HasReset, a.ResetAt, a.ResetRaw, a.ResetForm = b.Reset, b.HasReset, b.ResetAt, b.ResetRaw, b.ResetForm
	}
	if a.Length == 0 {
		a.Length = b.Length
	}
	if a.Name == "" {
		a.Name = b.Name
	}
	b.gone = true
}

// before orders windows by how soon they bind: calls before other units, the lowest Remaining, then the longest; what
// does not tell how much remains comes last. Of equals, the family that is believed first.
func (a *candidate) before(b *candidate) bool {
	if x, y := a.Unit == UnitRequests, b.Unit == UnitRequests; x != y {
		return x
	}
	if x, y := a.Remaining != Unknown, b.Remaining != Unknown; x != y {
		return x
	}
	if a.Remaining != b.Remaining {
		return a.Remaining < b.Remaining
	}
	if a.Length != b.Length {
		return a.Length > b.Length
	}
	return a.rank < b.rank
}
