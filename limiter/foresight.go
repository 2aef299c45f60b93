package limiter

import (
	"math"
	"time"
)

// foreseen is by how much a destination may raise what it tells of its limit and still be no surprise.
const foreseen = 2

// Foresee returns how many calls a second the lane may come to be allowed at most, and how many at once before that, as far as can
// be foreseen: a fixed pace is that for good; a limit that was configured, or told with its length, may double; everything else
// may grow to the ceiling, +Inf where there is none.
func (b *Budget) Foresee() (perSecond float64, atOnce int64) {
	if b.cfg.Fixed > 0 {
		return b.cfg.Fixed, int64(math.Ceil(b.cfg.Fixed))
	}
	perSecond = b.cfg.Ceiling
	for _, w := range b.windows {
		if w.per < time.Second || w.unsure || !w.configured() && !(w.declared() && w.confirmed()) {
			continue
		}
		if most := foreseen * float64(w.limit) / w.per.Seconds(); most < perSecond {
			perSecond, atOnce = most, foreseen*w.limit
		}
	}
	if atOnce == 0 && !math.IsInf(perSecond, 1) {
		atOnce = int64(math.Ceil(perSecond))
	}
	return perSecond, atOnce
}
