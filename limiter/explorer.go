package limiter

import (
	"math"
	"time"
)

// explorer finds the pace of a destination that says nothing but yes and no. Before the first refusal it doubles its
// rate each second in which the rate was used. From then on it circles the measured goodput on a cubic curve (after
// CUBIC, RFC 9438), so slowly that refusals stay within a budget: steep away from what was refused, flat around it.
type explorer struct {
	rate float64 // calls per second before the first refusal

	level  float64 // goodput that the curve is flat around, calls per second; 0: never refused
	origin tick    // when the curve began, at floor*level
	rise   float64 // seconds it takes to come back to level

	// The second under way, by which growth is judged.
	second tick
	sent   int  // calls begun in it
	ok     int  // of those that ended in it, accepted
	bad    bool // something in it forbids growth

	// Since mark, for the goodput.
	mark     tick
	accepted int
	ordered  time.Duration // pauses that the destination asked for

	episodes  int
	refusedAt float64       // the pace at which the last one began
	refused   int           // refusals in the episode under way, those on their way included; 0: none is under way
	meanPause time.Duration // moving mean of an episode's pauses
}

const (
	// refusedShare is the budget: this share of calls may be spent on finding out.
	refusedShare = 0.012
	// floorShare is where the curve begins after a refusal, and capShare where it ends, as parts of level. In the
	// first episodes, when the level is little more than a guess, it has no end.
	floorShare, capShare = 0.9, 1.25
	// minRise and maxRise bound, in seconds, how soon the curve is back at level.
	minRise, maxRise = 3, 600
	// settlingRise is rise, in seconds, in the first episodes.
	settlingRise = 1.5
	// pauseShare: the time between episodes is at least this many times an episode's pauses.
	pauseShare = 40
	// patience is how long, in seconds, after three rises without a refusal the level itself is raised.
	patience = 30
	// used is the part of its rate that a lane must use for the rate to grow.
	used = 0.8
	// slowest is the least rate explored, calls per second.
	slowest = 1.0 / 60
	// firstEpisodes is how many of them measure the goodput with the pauses in, less what rounding up may have added:
	// a window's own rest is no lost time.
	firstEpisodes = 3
	// retryUnit is the unit of Retry-After (RFC 9110 section 10.2.3).
	retryUnit = time.Second
	// maxBackoff bounds pauses that nobody asked for.
	maxBackoff = time.Minute
)

// exploring reports whether a refusal was seen.
func (e *explorer) exploring() bool { return e.level > 0 }

// settling reports whether too few episodes were seen to know the level well.
func (e *explorer) settling() bool { return e.episodes < firstEpisodes }

// pace is the rate at an instant.
func (e *explorer) pace(now tick) float64 {
	if e.level == 0 {
		return e.rate
	}
	x := (now-e.origin).Seconds()/e.rise - 1
	share := 1 + (1-floorShare)*x*x*x
	if !e.settling() {
		share = min(share, capShare)
	}
	return e.level * share
}

// began counts a call that begins. It reports whether what was found out has changed.
func (e *explorer) began(now tick, ceiling float64) bool {
	rate, level := e.rate, e.level
	if now-e.second >= time.Second && e.refused == 0 {
		e.judge(now, ceiling)
	}
	e.sent++
	return e.rate != rate || e.level != level
}

// judge ends a second: the rate grows if it was used and nothing spoke against it.
func (e *explorer) judge(now tick, ceiling float64) {
	span := now - e.second
	expected := e.pace(e.second) * span.Seconds()
	if !e.bad && expected < 2 && span < time.Minute {
		return // a slow lane takes longer to show that it uses its rate
	}
	grow := !e.bad && float64(e.sent) >= math.Floor(used*expected)
	switch {
	case e.level == 0:
		if grow {
			e.rate = min(2*e.rate, ceiling)
		}
		e.mark, e.accepted = e.second, e.ok // goodput is that of the last second and of this one
	case !grow:
		e.origin += span // the curve waits
	case grow && (now-e.origin).Seconds() > 3*e.rise+patience:
		e.level = min(capShare*e.level, ceiling)
		e.origin = now - tick(e.rise*float64(time.Second))
	}
	e.second, e.sent, e.ok, e.bad = now, 0, 0, false
}

// accept counts a call that was accepted.
func (e *explorer) accept() {
	e.ok++
	e.accepted++
}

// refuse counts a refusal of a call made at a pace. It returns how long to pause if nobody asked for a pause: the time
// of one call, or a part of what it took the last times, doubled each time that the probe after it is refused.
func (e *explorer) refuse(now tick, attempt int, pace, ceiling float64) time.Duration {
	e.bad = true
	if e.refused++; e.refused == 1 {
		e.refusedAt = pace
	}
	level := e.level
	if level == 0 {
		level = e.goodput(now, ceiling)
	}
	backoff := math.Exp2(float64(min(attempt, 20)-1)) * max(1/level, e.meanPause.Seconds()/4)
	return min(time.Duration(backoff*float64(time.Second)), maxBackoff)
}

// goodput is the rate of accepted calls since the mark.
func (e *explorer) goodput(now tick, ceiling float64) float64 {
	span := now - e.mark - e.ordered
	g := float64(e.accepted) / max(span, time.Millisecond).Seconds()
	return min(max(g, slowest), ceiling)
}

// paused takes in how long the pauses of an episode were.
func (e *explorer) paused(total time.Duration) {
	if e.meanPause == 0 {
		e.meanPause = total
	}
	e.meanPause += (total - e.meanPause) / 4
}

// recovered ends an episode: the probe was accepted, after pauses of so long in all.
func (e *explorer) recovered(now tick, paused time.Duration, asked bool, ceiling float64) {
	switch {
	case asked && e.settling():
		e.ordered += min(paused, retryUnit) // a whole second is what rounding up may have added
	case asked:
		e.ordered += paused
	}
	g := e.goodput(now, ceiling)
	switch {
	case e.level == 0:
		e.level = g
	case e.refusedAt <= e.level:
		// Refused on the way back to the level: it is too high.
		e.level = min(e.refusedAt, (e.level+max(g, e.level/2))/2)
	case e.settling():
		e.level = (e.level + e.refusedAt) / 2
	default:
		e.level += (e.refusedAt - e.level) * 0.8
	}
	e.level = min(max(e.level, slowest), ceiling)
	e.episodes++
	e.rise = settlingRise
	if !e.settling() {
		e.rise = 0.7 * float64(e.refused+1) / (refusedShare * e.level)
		e.rise = min(max(e.rise, minRise, pauseShare*e.meanPause.Seconds()), maxRise)
	}
	e.origin, e.mark = now, now
	e.accepted, e.ordered, e.refused = 0, 0, 0
	e.second, e.sent, e.ok, e.bad = now, 0, 0, false
}
