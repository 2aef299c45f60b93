package limiter

import (
	"math"
	"time"
)

const (
	// few accepted calls say nothing of a rate; trusted are worth as much as the level that they contradict, but for the first
	// one, which is a guess; enough stand for themselves, while fewer, between refusals in a row, are counted together.
	few, trusted, enough = 4, 4, 20
	// The best goodput is over mostBest calls at the least, so that nothing that was saved up is in it; and over fewer, down to
	// leastBest, where the destination was seen to save up little: over bestBursts times what it accepted before it first refused.
	mostBest, leastBest, bestBursts = 10, 3, 2
	// firstBold, leastBold and mostBold are where boldness begins, and bound it.
	firstBold, leastBold, mostBold = 0.6, 0.25, 0.9
	// boldStep is how much an episode makes bolder or more careful.
	boldStep = 0.15
	// toldStep is how far below a told pace that was refused the next one is, at first; it doubles with each refusal in a
	// row, and after tellDowns of them what is told is not believed any more.
	toldStep, tellDowns = 0.004, 6
	// settled is after how many episodes a level is worth defending; stood is how many calls without a refusal make it so.
	settled, stood = 5, 50
	// windowCalls: a pause that lasts for more calls than that is no bucket's.
	windowCalls = 3
	// lateShare is how far from the last accepted probe towards the last refused one a window's end is put.
	lateShare = 0.2
	// lifeShare of what was accepted in the long run is allowed in any case; less with each refusal in a row below that.
	lifeShare, lifeFade = 0.6, 0.7
	// windowPause is the least pause that only a window asks for, seconds being rounded up.
	windowPause = 2 * time.Second
)

// lesson is what an ended episode has to teach.
type lesson struct {
	was   float64 // the level before; 0: there was none
	told  float64 // the pace that the destination tells; 0: none
	good  float64 // accepted calls per second since the allowance was used up the last time
	best  float64 // the most of it over any time that is long enough to mean something
	calls float64 // how many accepted calls that is from
	step  float64 // how far below a told pace that was refused the next one is, as a part of it
	pause time.Duration
	asked bool // the destination said how long to pause
	exact bool // it said when its tokens come

	length time.Duration // of the window that ended with the episode, if that is likely; 0: none
}

// recovered ends an episode: the probe was accepted. asked: the destination said how long to pause; calls is how many a
// refusal is worth; step is how far below a told pace that was refused the next one is, as a part of it.
func (e *explorer) recovered(now tick, asked bool, told, step, calls, ceiling float64) {
	l := lesson{
		was: e.level, told: told, step: step, calls: float64(e.good.n),
		best:  e.best(now),
		pause: now - e.episode.from, asked: asked,
	}
	l.good = e.good.mean(now)
	if !asked && l.calls < enough {
		l.good = min(l.good, e.filled())
	}
	l.good = min(max(l.good, slowest), ceiling)
	e.remember()
	if told > 0 && (l.was == 0 || l.was > told) {
		l.was, e.past.bold = told, firstBold
	}
	level := e.firstLevel(now, &l)
	switch {
	case l.was == 0:
	case told == 0 && e.usedUpAgain():
		level = e.againLevel(now, &l)
	default:
		level, l.length = e.nextLevel(now, &l), 0
	}
	if e.drip.pace > 0 && told == 0 {
		level, l.exact = float64(e.drip.pace), true
	}
	if told == 0 {
		level = max(level, lifeShare*math.Pow(lifeFade, float64(max(0, e.past.downs-1)))*e.life.mean(now))
	}
	e.level, e.capped = min(max(level, slowest), ceiling), told > 0

	e.past.episodes++
	if e.past.episodes == 1 {
		e.past.first = int32(min(e.good.n, maxLimit)) //nolint:gosec // bounded
		e.past.refusals = float64(e.episode.refusals - e.episode.probes)
		e.past.window = told == 0 && !asked && !e.partial && e.episode.probes > 0
	}
	e.past.refusals += (float64(e.episode.refusals) - e.past.refusals) / 2
	e.drip.pace = 0
	e.shape(&l, calls)
	if e.past.episodes == 1 || e.episode.pace > l.was || l.calls >= enough {
		e.recount(now)
		e.empty = max(e.episode.from, e.episode.failed)
	}
	e.origin = now
	e.endEpisode()
	e.newSecond(now)
}

// filled is the rate at which a bucket is filled that was found empty when calls before the count were refused, and again when
// this episode began: what it saved up while a pause was longer than it needed is not its pace.
func (e *explorer) filled() float64 {
	return float64(e.good.n) / max(e.episode.from-e.empty, time.Millisecond).Seconds()
}

// best is the rate at which the destination accepts calls at least, by the best that it did since the allowance was used
// up the last time. A pause that it asked for may have been longer than it needed, and is left out; but what was
// accepted faster than for as long as the pause may have been a window's worth.
func (e *explorer) best(now tick) float64 {
	calls := float64(mostBest)
	if e.past.episodes > 0 {
		calls = min(mostBest, max(leastBest, bestBursts*float64(e.past.first)))
	}
	least := max(now-e.episode.from, tick(calls/e.episode.pace*float64(time.Second)))
	return min(e.good.best(e.episode.from, least), e.episode.pace)
}

// firstLevel is the level after the first episode.
func (e *explorer) firstLevel(now tick, l *lesson) float64 {
	e.past.bold = firstBold
	switch {
	case l.calls < few:
		return math.Sqrt(l.good * e.episode.pace)
	case e.episode.sudden && e.episode.probes == 0 && !(l.asked && l.pause >= windowPause):
		// What is refused at once where half of the pace was accepted for a second came too close to the call before it: a bucket
		// would have been emptied first.
		e.past.spaced = true
		return max(l.good, e.episode.pace/2)
	case l.asked && l.pause < windowPause && e.partial:
		return math.Sqrt(l.good * e.episode.pace)
	case l.asked && l.pause < windowPause:
		// The least that whole seconds can tell, so that it is the pace that is limited, or a window of a second. The mean since
		// the first call, when the pace was far less, is too low for both: half of the pace was accepted for a second, though
		// that may have been saved up.
		return max(l.good, math.Sqrt(l.good*e.episode.pace/2))
	case l.asked:
		return l.good
	case e.episode.probes == 0:
		// The pace is limited. Half of it was accepted for a second, though that may have been saved up; the pause was long
		// enough for a call, so that many times as fast is not likely.
		return max(l.good, min(math.Sqrt(l.good*e.episode.pace/2), few/l.pause.Seconds()))
	case e.episode.probes > 1 && !e.partial:
		if l.length = e.good.lengthEnded(now); l.length > 0 {
			return l.calls / l.length.Seconds()
		}
	}
	// It was over somewhere between the last probe that was refused and the one that was not. After a pause of a second it
	// may be one of a second: what was used in the last one is the most that such a window allows then.
	most := e.episode.last
	if e.episode.probes > 1 {
		most = l.calls / (e.episode.failed - e.good.from).Seconds()
	}
	return l.good * math.Pow(max(1, most/l.good), lateShare)
}

// againLevel is the level after a second episode that used up the same window as the first.
func (e *explorer) againLevel(now tick, l *lesson) float64 {
	if l.length = e.good.lengthEnded(now); l.length == 0 {
		return l.good
	}
	return l.calls / l.length.Seconds()
}

// nextLevel is the level after another episode. The allowance was used up when the last episode ended and when this one
// began, so the goodput in between is what a bucket allows. Of a window, what is not used is lost: it allows more, the
// best that was seen. Boldness learns which it is: a level that was too high is refused before the curve is back at it.
func (e *explorer) nextLevel(now tick, l *lesson) float64 {
	p := &e.past
	p.again(e.episode.pace > l.was)
	if l.told > 0 && p.downs <= tellDowns {
		return min(e.episode.pace, l.was) * (1 - l.step*math.Exp2(float64(min(max(p.downs, 1), 5)-1)))
	}
	low := max(l.good, l.was/4)
	if right := p.downs == 0 || p.downs == 1 && e.episode.pace > 0.97*l.was; right && p.spaced || l.window(right) {
		low = max(low, 0.95*l.best)
	}
	// The first level is a guess, unless it is half of what was refused, or the mean until the end of a long pause.
	guess := p.episodes == 1 && !p.spaced && !(l.asked && l.pause >= windowPause)
	if p.downs < 2 && !guess {
		low = l.was + (low-l.was)*l.calls/(l.calls+trusted)
	}
	level := low + (max(low, l.best)-low)*p.bold
	if guess && l.told == 0 && l.calls < few { // no more is known than after the first
		level = max(level, math.Sqrt(low*e.episode.pace))
	}
	e.descent.refusals++
	if l.told == 0 {
		level = e.descent.bound(now, level)
	}
	if e.descent.step == 0 && p.episodes >= settled || l.calls >= stood {
		e.descent.begin(now, level)
	}
	return level
}

// again takes in that the pace was refused once more, above its level or below.
func (p *past) again(above bool) {
	switch {
	case above:
		p.bold, p.downs = min(p.bold+boldStep, mostBold), 0
	case p.downs == 0:
		p.bold, p.downs = max(p.bold-boldStep, leastBold), 1
	default:
		p.bold, p.downs = leastBold, p.downs+1
	}
}

// window reports whether the pause shows that it is a window that is limited, given that the level was about right: a
// bucket asks for no more than the time of a call.
func (l *lesson) window(right bool) bool {
	return l.asked && right && l.pause >= windowPause && l.pause.Seconds()*l.was > windowCalls
}
