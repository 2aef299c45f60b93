package limiter

import (
	"math"
)

// curve is the pace around a level: it rises to it steeply, is flat around it, and steepens again above it, ever more.
type curve struct {
	level  float64 // calls per second that the curve is flat around; 0: never refused, there is none
	origin tick    // when the curve began, at (1-depth)*level
	rise   float64 // seconds it takes to come back to level
	depth  float64 // how far below level the curve begins, as a part of it
	double float64 // seconds in which the pace doubles once the level is far behind
	capped bool    // the level was set where the destination tells its limit
}

const (
	// How many calls a curve takes back to its level, for each refusal that the last one cost. The next refusal comes
	// later than that: their share stays below a third of a percent. It is lower where the destination tells its limit.
	callsUntold, callsToldShort, callsTold = 310, 520, 2000
	// callsSettled is callsUntold of a level that was put right several times: another refusal teaches little.
	callsSettled = 520
	// settledSure is how sure such a level is at the least where pauses are what limits how often it is tried.
	settledSure = 0.5
	// leastDepth (less where the limit is told) and mostDepth bound the curve's depth.
	leastDepth, leastDepthTold, mostDepth = 0.01, 0.002, 0.1
	// minRise and maxRise bound, in seconds, how soon the curve is back at level.
	minRise, maxRise = 3, 3600
	// firstMinRise is that of the first curve where the pace is limited, after enough calls: refusals cost no more than the time
	// of a call there.
	firstMinRise = 1.5
	// firstRise is how many calls the first curve takes: its level is little more than a guess.
	firstRise = 4
	// pauseShare: the time between episodes is at least this many times an episode's pauses.
	pauseShare = 60
	// doubleShare is the part of rise in which the pace doubles once it has gone a rise beyond the level, and leastDouble
	// the least time for that, in seconds.
	doubleShare, leastDouble = 0.6, 60
	// doubleCalls is the least for it in calls: how far a pace was too high shows by calls, and a slow lane makes few in a minute.
	doubleCalls = 40
	// againDouble is the least of that after refusals in a row, in seconds: a quarter.
	againDouble = leastDouble / 4

	// windowDepth bounds the depth of the first curve after a pause that is no bucket's.
	windowDepth = 0.05
	// The first curve after a window of a likely length is no deeper than lengthDepth, and takes lengthSure of the calls that a
	// refusal is worth, but at most as long as lengthCurve windows: it is a good guess, but a guess.
	lengthDepth, lengthSure, lengthCurve = 0.03, 0.5, 3
	// mostTold bounds how far beyond the level a lane goes that is told its limit.
	mostTold = 1.25
)

// exploring reports whether a refusal was seen.
func (c *curve) exploring() bool { return c.level > 0 }

// at is the pace at an instant.
func (c *curve) at(now tick) float64 {
	x := (now-c.origin).Seconds()/c.rise - 1
	if x <= 1 {
		return c.level * (1 + c.depth*x*x*x)
	}
	doublings := (x - 1) * c.rise / c.double
	share := (1 + c.depth) * math.Exp2(min(doublings*doublings, 60))
	if c.capped {
		share = min(share, mostTold)
	}
	return c.level * share
}

// shape shapes the next curve by how far off the level was: the less is known, the sooner another refusal is worth what
// it costs.
func (e *explorer) shape(l *lesson, calls float64) {
	p := &e.past
	told, first := l.told > 0, p.episodes == 1 && l.told == 0
	gap := math.Abs(max(l.best, e.level)/max(l.was, slowest) - 1)
	least := leastDepth
	switch {
	case told: // a refusal that comes early says little
		least, calls = min(leastDepthTold, l.step), min(max(10*l.calls, 100), calls)
	case first:
		gap, p.pause = 1, 0 // its pauses were a window's rest
	case l.exact:
		gap = leastDepth
	}
	sure := p.sureness(gap, l.calls)
	e.depth = min(max(e.depth/2, gap, least), mostDepth)
	if !told && p.episodes >= settled {
		calls = max(calls, callsSettled)
	}
	e.rise = calls * sure * p.refusals / e.level
	soonest := float64(minRise)
	if first {
		soonest = e.shapeFirst(l, calls)
	} else if l.length > 0 {
		e.shapeByLength(l, calls)
	}
	if p.episodes >= settled {
		sure = max(sure, settledSure)
	}
	e.rise = min(max(e.rise, soonest, pauseShare*sure*p.pause.Seconds()), maxRise)
	e.double = max(doubleShare*e.rise, p.longest.Seconds(), leastDouble*sure)
	if !first || l.length > 0 {
		e.double = max(e.double, doubleCalls/e.level) // a first level that is but a guess had better be left soon
	}
	if !first && !l.asked && l.calls < enough {
		// A few calls between two refusals tell little of a level, and not that much more than the last one is allowed: where
		// a window slides, what was too much weighs on for its length.
		e.double = max(e.double, againDouble)
	}
}

// sureness is how sure a level is, up to 1, that was off by a gap, as a part of it, after so many calls. Who is far off again and again
// goes too fast: each time it takes twice as long.
func (p *past) sureness(gap, calls float64) float64 {
	switch {
	case gap <= 5*leastDepth:
		p.far /= 2
	case calls >= enough:
		p.far = min(p.far+1, 8)
	}
	return min(max(leastDepth/gap, 0.05*math.Exp2(float64(p.far))), 1)
}

// shapeFirst shapes the first curve, by what kind of limit the episode looks like. It returns in how many seconds the curve is back at
// its level at the soonest.
func (e *explorer) shapeFirst(l *lesson, calls float64) (soonest float64) {
	e.rise = firstRise / e.level
	switch {
	case !l.asked && e.episode.probes == 0 && l.calls >= enough:
		return firstMinRise
	case l.length > 0:
		e.shapeByLength(l, calls)
	case !l.asked && l.pause.Seconds()*e.level > windowCalls:
		// What was accepted until then, over the time to the window's end, is a good guess. Too high costs another window.
		e.depth, e.rise = min(e.depth, windowDepth), max(e.rise, l.pause.Seconds())
	}
	return minRise
}

// shapeByLength shapes the curve after a window of a likely length.
func (e *explorer) shapeByLength(l *lesson, calls float64) {
	e.depth, e.rise = lengthDepth, min(lengthSure*calls/e.level, lengthCurve*l.length.Seconds())
}
