package destination

import "time"

// gcra keeps one instant, the theoretical arrival time of the next call (ITU-T I.371, the virtual scheduling form): a
// call may come before it by as much as burst-1 intervals, and moves it on by one. With a burst of 1 it is leaky.
type gcra struct {
	quota    int
	per      int64
	interval int64 // ns between calls at the full rate
	burst    int
	expected int64 // the theoretical arrival time
	started  bool  // expected means something
}

func newGCRA(spec Spec) *gcra {
	return &gcra{quota: spec.Limit, per: int64(spec.Per), interval: spec.interval(), burst: spec.burst()}
}

func (g *gcra) standing(t int64) Verdict {
	ahead := g.ahead(t)
	room := int64(g.burst)*g.interval - ahead // less than one interval: no call fits; below zero after a lowered limit
	return Verdict{
		OK:         room >= g.interval,
		Limit:      g.burst,
		Remaining:  int(max(0, room/g.interval)),
		ResetAfter: time.Duration(ahead),
		RetryAfter: time.Duration(max(0, g.interval-room)),
		Quota:      g.quota,
		Window:     time.Duration(g.per),
	}
}

func (g *gcra) take(t int64) {
	g.expected = t + g.ahead(t) + g.interval
	g.started = true
}

func (g *gcra) refuse(int64) {}
func (g *gcra) done()        {}

// setLimit leaves the expected instant where it is, as servers do that keep nothing else of a caller: what was used
// ahead of time is still paid in time.
func (g *gcra) setLimit(_ int64, spec Spec) {
	g.quota, g.per, g.interval, g.burst = spec.Limit, int64(spec.Per), spec.interval(), spec.burst()
}

func (g *gcra) clone() model {
	same := *g
	return &same
}

// ahead is by how much the calls so far are ahead of the rate.
func (g *gcra) ahead(t int64) int64 {
	if !g.started {
		return 0
	}
	return max(0, g.expected-t)
}
