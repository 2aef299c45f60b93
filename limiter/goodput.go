package limiter

import "time"

// goodput counts the calls of a lane that were accepted since its allowance was last used up. With slots it remembers,
// coarsely, when: enough to tell the greatest rate at which a destination accepted calls over any time up to now.
type goodput struct {
	from  tick
	n     int    // accepted in all
	slots *slots // nil: only n is counted
}

// slots are the numbers of calls accepted in times of equal length, one after the other.
type slots struct {
	each  time.Duration // how long one is
	last  int           // the one that the latest call was counted in
	count [goodputSlots]uint32
}

const (
	goodputSlots = 32
	// firstSlot is how finely it is remembered at first; slots are doubled in length as time goes on.
	firstSlot = 50 * time.Millisecond
)

// restart forgets all.
func (g *goodput) restart(now tick) {
	g.from, g.n = now, 0
	if g.slots != nil {
		*g.slots = slots{each: firstSlot}
	}
}

// accept counts a call.
func (g *goodput) accept(now tick) {
	g.n++
	if g.slots != nil {
		g.slots.accept(now - g.from)
	}
}

// accept counts a call that was accepted so long after the first slot began.
func (s *slots) accept(after tick) {
	i := int(after / s.each)
	for i >= goodputSlots {
		for j := range goodputSlots / 2 {
			s.count[j] = s.count[2*j] + s.count[2*j+1]
		}
		clear(s.count[goodputSlots/2:])
		s.each *= 2
		i /= 2
	}
	s.last = i
	s.count[i]++
}

// mean is the rate since the start.
func (g *goodput) mean(now tick) float64 {
	return float64(g.n) / max(now-g.from, time.Millisecond).Seconds()
}

// best is the greatest rate over any time that ended at an instant and was no shorter than least.
func (g *goodput) best(end tick, least time.Duration) float64 {
	if g.slots == nil {
		return 0
	}
	rate, sum := 0.0, 0
	for i := g.slots.last; i >= 0; i-- {
		sum += int(g.slots.count[i])
		if span := end - g.from - tick(i)*g.slots.each; span >= least {
			rate = max(rate, float64(sum)/max(span, time.Millisecond).Seconds())
		}
	}
	return rate
}

// lifetime counts the calls that were accepted over the last minute or two, pauses included: what a lane got in the long
// run, whatever single episodes say.
type lifetime struct {
	from tick
	n    float32
}

const (
	// lifeSpan is after how long half of a lifetime is forgotten, lifeLeast the least over which its rate means something:
	// a bucket that was full gives much at first.
	lifeSpan, lifeLeast = time.Minute, 10 * time.Second
)

func (l *lifetime) accept(now tick) {
	if l.n == 0 {
		l.from = now
	}
	l.n++
	if now-l.from > lifeSpan {
		l.from, l.n = now-(now-l.from)/2, l.n/2
	}
}

func (l *lifetime) mean(now tick) float64 { return float64(l.n) / max(now-l.from, lifeLeast).Seconds() }
