package limiter

import (
	"math"
	"time"
)

// Where a refusal does not say for how long, a probe goes soon, for the pace may be what is limited; then, ever later, when a window may
// be over.

const (
	// firstBackoff is what the third pause of a destination is reckoned from that refuses for the first time and does not
	// say how long. The first one is short, the time of soonCalls calls and of soonTrips round trips: where the pace is
	// limited it is over by then, and all that was under way is answered.
	firstBackoff = 2 * time.Second
	// secondBackoff is its second pause, after which windows of a second are over, and sliding ones have some room.
	secondBackoff        = 1050 * time.Millisecond
	soonCalls, soonTrips = 1.5, 1.5
	// maxBackoff bounds pauses that nobody asked for.
	maxBackoff = time.Minute

	// leastLate and mostLate bound how long after a window's end it is tried, as a part of it; mostLatePartial where the count of calls
	// began amid a window, so that its end is not known as well.
	leastLate, mostLate, mostLatePartial = 0.01, 0.25, 0.1
	// mostOver is how many eighths of its length a window may be over for that to be a little ago: mostLate, and one for the way.
	mostOver = 3
	// leastTwice is the shortest length that is tried a second time, mostUsed the part of it in which it may have been used up, and
	// leastLater how much later that is to be, as a part of it: the chance that what was tried first was too early.
	leastTwice, mostUsed, leastLater = 5 * time.Second, 0.8, 1.0 / 16
)

// backoff is how long to pause after the attempt'th refusal in a row, of a call made at a pace, if the destination does not say: the
// time of one call, or a part of what it took the last times, doubled each time that the probe after it is refused. told is the pace
// that the destination tells, 0 if none; trip is a usual round trip.
func (e *explorer) backoff(now tick, attempt int, pace, told float64, trip time.Duration) time.Duration {
	attempt = max(attempt, int(e.episode.probes)+1)
	var unit float64
	switch {
	case e.level > 0:
		unit = 1 / e.level
	case told > 0:
		unit = 1 / told
	case attempt == 1: // soon, to tell a limit of the pace from one of a window
		return min(max(time.Duration(soonCalls/pace*float64(time.Second)), time.Duration(soonTrips*float64(trip)), minPause), maxBackoff)
	case attempt == 2:
		return secondBackoff
	default:
		attempt -= 1 + int(e.episode.again)
		unit = firstBackoff.Seconds()
	}
	seconds := math.Exp2(float64(min(attempt, 20)-1)) * max(unit, e.past.pause.Seconds()/4)
	wait := min(time.Duration(seconds*float64(time.Second)), maxBackoff)
	if told == 0 && e.usedUpAgain() {
		return e.againEnd(now, wait, trip)
	}
	if e.level > 0 || told > 0 {
		return e.good.soonerEnd(now, wait, trip)
	}
	if e.partial {
		return e.good.untilEnd(now, e.episode.refusals, mostLatePartial, wait, trip)
	}
	if left := e.good.endAgain(now, e.episode.from, e.episode.refusals, trip); left > 0 {
		e.episode.again++
		return left
	}
	return e.good.untilEnd(now, e.episode.refusals, mostLate, wait, trip)
}

// untilEnd fits the wait for the next probe so that it ends when a window does that began when g did and is as long as people
// choose: the first of those whose end is at least a quarter as far and at most twice. None that is likely is passed over: what a window
// allows is reckoned by its length, and by one of twice that it is half. Calls were refused so many times;
// edge is what the way may take longer.
//
// Where a window slides by an estimate, the calls of the one before fade as if they had come evenly, refused ones too if
// they count. So the probe is as late, as a part of the length, as it takes those that are too many to fade; and a
// hundredth at the least, for clocks that do not run alike.
func (g *goodput) untilEnd(now tick, refused int32, most float64, wait, edge time.Duration) time.Duration {
	if g.n == 0 || wait < lengths[0] {
		return wait
	}
	late := g.late(refused, most)
	for _, length := range lengths {
		if left := g.from + length + time.Duration(late*float64(length)) + edge - now; left >= wait/4 {
			if left <= 2*wait {
				return left
			}
			break
		}
	}
	return wait
}

// endAgain is until a window is over, at the latest, whose end was tried in vain: one that goes by the clock may have begun later than g,
// but before calls were refused first. 0: there is none.
func (g *goodput) endAgain(now, first tick, refused int32, edge time.Duration) time.Duration {
	tried := g.late(refused-1, mostLate) // as the probe had it that was refused now
	for _, length := range lengths {
		of := func(part float64) time.Duration { return time.Duration(part * float64(length)) }
		if length < leastTwice || first-g.from > of(mostUsed) || now < g.from+length+of(tried) {
			continue
		}
		if left := first + length + of(leastLate) + edge - now; left >= of(leastLater) {
			return left
		}
	}
	return 0
}

// late is how long after a window's end a probe goes, as a part of its length.
func (g *goodput) late(refused int32, most float64) float64 {
	return min(max((float64(refused)+1.5)/float64(g.n+int(refused)), leastLate), most)
}

// usedUpAgain reports whether the second episode came after as many calls as the first, whose pause was a window's rest, as it seemed: then
// both used up the same window. A bucket has given back some meanwhile; if it is taken for a window by chance, that costs it one pause.
func (e *explorer) usedUpAgain() bool {
	return e.experience != nil && e.past.episodes == 1 && e.past.window && e.good.n >= few && e.good.n == int(e.past.first)
}

// againEnd is until the end of a window that was used up again. It was whole when the first episode ended, or a little before, and is as
// long as the level has it. Where that is over it goes by the clock, and had begun before the lane's first call: then it is longer, and as
// long as people choose. Lengths that are but a little longer are passed over: a level that is a third too low costs less than a refusal.
func (e *explorer) againEnd(now tick, wait, edge time.Duration) time.Duration {
	over := now - e.good.from
	thought := float64(e.past.first) / e.level // seconds
	if left := tick((1+leastLate)*thought*float64(time.Second)) + edge - over; left > 0 {
		return min(left, maxBackoff)
	}
	for _, length := range lengths {
		if length >= over*3/2 {
			return min(length+length/100+edge-over, maxBackoff)
		}
	}
	return wait
}

// soonerEnd shortens a wait, to a quarter at the least, so that it ends when a window does that began when g did and is as long
// as people choose; edge is what the way may take longer.
func (g *goodput) soonerEnd(now tick, wait, edge time.Duration) time.Duration {
	if g.n == 0 || wait < lengths[0] {
		return wait
	}
	for _, length := range lengths {
		if left := g.from + length + length/100 + edge - now; left >= wait/4 {
			return min(wait, left)
		}
	}
	return wait
}

// lengthEnded is how long a window is, of those that people choose, that began when g did and ended a little ago, as untilEnd
// would have it; 0: none.
func (g *goodput) lengthEnded(now tick) time.Duration {
	for _, length := range lengths {
		if over := now - g.from - length; over >= 0 && over < mostOver*length/8 {
			return length
		}
	}
	return 0
}
