package limiter

import (
	"math"
	"time"
)

// explorer finds the pace of a destination that says nothing but yes and no, and the pace below a told one that is
// refused nonetheless. Before the first refusal it doubles its rate each second in which the rate was used. From then
// on it circles the level, the pace at which refusals begin, on a cubic curve (after CUBIC, RFC 9438): steep away from
// what was refused, flat around it, and as deep as the level is uncertain. The curve is as long as its refusals are
// few: they are a budget. How a level is found is in explorer_level.go.
type explorer struct {
	rate  float64 // calls per second before the first refusal
	curve         // from the first refusal on

	// The second under way, by which growth is judged.
	bad     bool  // something in it forbids growth
	partial bool  // what the goodput counts began amid a window, for all that is known
	sent    int32 // calls begun in it
	second  tick

	good        goodput // since the allowance was used up, or the lane began to use its rate
	*experience         // nil before the first refusal
}

// experience is what only refusals teach, and what it takes to learn from them. Most lanes are never refused.
type experience struct {
	learned
	life    lifetime
	relapse relapse
	drip    drip
}

// learned is what the episodes so far have taught, and all that a relapse goes back to beside the curve.
type learned struct {
	episode episode
	past    past
	descent descent
	slots   slots // of the explorer's goodput
	empty   tick  // when the last refusal was heard before the explorer's goodput is counted: nothing was left then
}

// episode is what is known of the refusals under way: from the first one to the probe that is accepted.
type episode struct {
	refusals int32   // those of calls on their way included; 0: none is under way
	probes   int32   // refused ones
	pace     float64 // at which it began
	from     tick    // when the first refusal was heard
	failed   tick    // the last refused probe
	last     float64 // about how many calls began in the second before it
	sudden   bool    // it began with the first calls of a pace that had just been raised
	again    uint8   // probes that tried a window's end a second time
}

// past is what the episodes so far have taught, besides the level.
type past struct {
	episodes int32
	first    int32         // calls accepted before the first episode: the destination holds no more of them saved up
	far      int32         // episodes in a row that found the level far off
	downs    int32         // episodes in a row that began at or below the level
	window   bool          // the first one's pause was a window's rest, as it seems
	spaced   bool          // calls must keep a distance, as it seems: nothing is saved up
	bold     float64       // how far from the goodput to the best the level is put
	refusals float64       // moving mean of an episode's refusals
	pause    time.Duration // moving mean of an episode's pauses
	longest  time.Duration // of an episode's pauses, fading: an idea of how long the destination's window is
}

const (
	// usedShare is the part of its rate that a lane must use for the rate to grow.
	usedShare = 0.8
	// slowest is the least rate explored, calls per second.
	slowest = 1.0 / 60
	// stall is how far back calls count that were accepted before a second in which the rate was not used.
	stall = 10 * time.Second
	// tryOutShare is the first pace, as a part of a told one that is known to be too low.
	tryOutShare = 1.5
)

// inEpisode reports whether an episode of refusals is under way.
func (e *explorer) inEpisode() bool { return e.experience != nil && e.episode.refusals > 0 }

// learn makes room for experience.
func (e *explorer) learn() {
	if e.experience == nil {
		e.experience = &experience{
			learned: learned{slots: slots{each: firstSlot}, empty: e.good.from},
			life:    lifetime{e.good.from, float32(e.good.n)},
		}
		e.good.slots = &e.slots
	}
}

// pace is the rate at an instant.
func (e *explorer) pace(now tick) float64 {
	if e.level == 0 {
		return e.rate
	}
	return e.at(now)
}

// began counts a call that begins, at a pace. It reports whether what was found out has changed.
func (e *explorer) began(now tick, pace, ceiling float64, trip *rtt) bool {
	rate := e.rate
	if now-e.second >= time.Second && !e.inEpisode() {
		e.judge(now, pace, ceiling, trip)
	}
	e.sent++
	return e.rate != rate
}

// judge ends a second: the rate grows if it was used and nothing spoke against it.
func (e *explorer) judge(now tick, pace, ceiling float64, trip *rtt) {
	span := (now - e.second).Seconds()
	if !e.bad && pace*span < 2 && span < 60 {
		return // a slow lane takes longer to show that it uses its rate
	}
	e.bad = trip.doubled() || e.bad
	sent := float64(e.sent)
	unused := sent < math.Floor(usedShare*pace*span)
	switch {
	case e.level > 0 && (e.bad || unused):
		e.origin += now - e.second // the curve waits
	case e.level == 0 && !e.bad && sent >= math.Floor(usedShare*e.rate*span):
		e.rate = min(2*e.rate, ceiling)
	}
	if e.level == 0 && unused && now-e.good.from > stall {
		// It had little to send. In a young lane the sender may have been slow, and what is as fast as ever takes nothing away.
		e.recount(now)
	}
	e.newSecond(now)
}

// spare has nothing be tried for a second: the rate does not grow, and the curve goes back to its level if it was beyond.
func (e *explorer) spare(now tick) {
	e.bad = true
	if e.level > 0 {
		e.origin = max(e.origin, now-tick(e.rise*float64(time.Second)))
	}
}

func (e *explorer) newSecond(now tick) { e.second, e.sent, e.bad = now, 0, false }

// tryOut begins to look for the pace anew, above that of a window of n calls that is known to allow more.
func (e *explorer) tryOut(now tick, n int64, per time.Duration) {
	e.rate = min(e.rate, tryOutShare*float64(n)/per.Seconds())
	e.anew(now)
}

// forget forgets what refusals taught of the pace, and keeps the rate: something else explains them, or they are long ago.
func (e *explorer) forget(now tick) {
	*e = explorer{rate: e.rate, good: goodput{from: now}, second: now}
}

// anew begins to look for the pace anew, at the rate that there is.
func (e *explorer) anew(now tick) {
	e.partial = true
	e.recount(now)
	e.newSecond(now)
}

// recount begins to count the goodput anew.
func (e *explorer) recount(now tick) {
	e.good.restart(now)
	if e.experience != nil {
		e.empty = now
	}
}

// accept counts a call that was accepted.
func (e *explorer) accept(now tick) {
	e.good.accept(now)
	if e.experience != nil {
		e.descent.accepted++
		e.relapse.since++
		e.life.accept(now)
		e.drip.n++
	}
}

// refuse counts a refusal of a call made at a pace, the attempt'th in a row; told is the pace that the destination tells, 0 if
// none; asked: it says how long to pause.
func (e *explorer) refuse(now tick, attempt int, pace, told float64, asked bool) {
	e.bad = true
	e.learn()
	again := attempt > 1 || e.episode.refusals == 0 && told == 0 && e.relapsed(asked)
	if e.episode.refusals++; e.episode.refusals == 1 {
		e.episode.pace, e.episode.from = pace, now
		e.episode.sudden = e.level == 0 && e.sent <= few
		e.episode.last = float64(e.sent) + max(0, 1-(now-e.second).Seconds())*pace/2 // which doubled
	}
	if again {
		e.episode.probes++
		e.episode.failed = now
	}
}

// endEpisode forgets the refusals under way; the pace had a part in them or not.
func (e *explorer) endEpisode() {
	if e.experience != nil {
		e.episode = episode{}
	}
}

// paused takes in how long the pauses of an episode were. One that was asked for and is shorter than those before shows
// what the next one will cost: where a window asks for its rest, that is the less the nearer the pace is to the limit.
func (p *past) paused(total time.Duration, asked bool) {
	if p.pause == 0 || asked && total < p.pause {
		p.pause = total
	}
	p.pause += (total - p.pause) / 4
	p.longest = max(total, p.longest*9/10)
}
