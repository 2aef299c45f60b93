package limiter

import (
	"math"
	"time"
)

// concurrency bounds the calls at once. It grows by one a round trip while it is reached and nothing speaks against
// it, and falls by a tenth at most once a round trip (additive increase, multiplicative decrease). A destination that
// limits calls at once, not calls per time, is known by where it refuses: with many in flight, and never alone.
type concurrency struct {
	limit, most, start int32

	// Far from a destination that limits calls at once, most of those in flight are on the way, and its places are kept
	// by how evenly calls come. There the pace is made for level, and limit only stands in for it where answers are late.
	level float32

	// Where calls at once are limited, as far as is known.
	base  int32 // the most calls at once that were refused, less one; 0: they are not limited
	every int32 // accepted calls that earn another place
	sound int32 // the limit before strain took places away, which come back a round trip each; 0: none are missing
	clean int32 // accepted since the last refusal or raise

	reached bool  // the limit was met since turn
	streak  uint8 // raises in a row that were not refused
	raised  bool  // the last change was a raise
	found   bool  // a raise was refused since base was set: until then the limit is a guess
	far     bool  // from the destination
	rated   bool  // it was shown that time, not calls at once, is limited

	turn     tick          // the round trip under way began
	cutAt    tick          // the last fall
	tried    tick          // the last raise or refusal
	askedFor time.Duration // how long the destination asked to be left alone the last time
	rateAt   tick          // when rated was shown

	jam *jam // nil: no call was ever refused
}

const (
	// leastEvery and mostEvery bound how many accepted calls earn another place: about one refusal each keeps their share
	// near a percent. Where the next place is refused at once, it takes twice as many.
	leastEvery, mostEvery = 300, 1500
	// raiseShare: the time between raises is at least this many times an episode's pauses.
	raiseShare = 45
	// mostHaste is how often that is halved at most.
	mostHaste = 3
	// farEvery is how many accepted calls earn a higher level where calls are spread: it is raised by so little, a
	// farStep of itself, that a refusal lowers it by no more.
	farEvery = 200
	farStep  = 1. / 40
	// farShare is the part of a round trip that the way takes, from which on a destination is far.
	farShare = 0.25
	// farRoom is how many calls at once a level is given for what varies, as a multiple of it.
	farRoom = 1.25
	// leastCrowd is the fewest in flight at a refusal that hints at a limit of calls at once, fewestCrowd where one is known.
	leastCrowd, fewestCrowd = 5, 3
	// rateFor is how long it is believed that time is what is limited.
	rateFor = 10 * time.Minute
)

func (c *concurrency) configure(start, most int32) {
	c.start, c.most = start, most
	if c.limit == 0 {
		c.limit = start
	}
	c.limit = min(c.limit, most)
	c.base = min(c.base, most)
}

// began notes that a call begins, with so many in flight after it.
func (c *concurrency) began(inFlight int32) {
	if inFlight >= c.limit || c.far && float32(inFlight) >= usedShare*c.level {
		c.reached = true
	}
}

// accept may raise the limit after an accepted call.
func (c *concurrency) accept(now tick, roundTrip time.Duration) {
	c.clean = min(c.clean+1, math.MaxInt32-1)
	if now-c.turn < roundTrip {
		return
	}
	if !c.reached || c.limit >= c.most {
		c.turn = now
		return
	}
	if c.limit < c.sound {
		c.limit++
		c.reached, c.turn = false, now
		return
	}
	c.sound = 0
	if c.base > 0 {
		if c.clean < c.needed() || now-c.tried < raiseShare*c.askedFor>>c.haste() {
			return
		}
		c.every = max(c.every*3/4, leastEvery)
		c.streak++
	}
	if c.far {
		c.setLevel(c.level * (1 + farStep))
	} else {
		c.limit++
	}
	c.reached, c.turn, c.tried, c.clean, c.raised = false, now, now, 0, true
}

// haste is how often the time between raises is halved: with each raise in a row that was not refused, and at once where
// limit is what was under way when calls were refused in a heap: most likely far too little.
func (c *concurrency) haste() uint8 {
	if !c.found {
		return mostHaste
	}
	return min(c.streak, mostHaste)
}

// spare has the calls accepted so far earn nothing: they were fewer than might have been.
func (c *concurrency) spare() { c.reached, c.clean = false, 0 }

// strained lowers the limit after a call that the destination could not answer well, with so many in flight.
func (c *concurrency) strained(now tick, inFlight int32, roundTrip time.Duration) {
	c.reached, c.turn = false, now
	if now-c.cutAt < roundTrip || 2*inFlight <= c.limit {
		return
	}
	c.sound = max(c.sound, c.limit)
	c.limit, c.cutAt = max(1, c.limit*9/10), now
}

// time takes it that time is limited, not calls at once.
func (c *concurrency) time(now tick) {
	if c.base > 0 {
		c.limit, c.far = max(c.atOnce(), c.start), false
	}
	c.rated, c.rateAt, c.base = true, now, 0
}

// distance takes in how long the way is, to go by the shortest round trip, which a refused call has, and how long a
// round trip usually takes.
func (c *concurrency) distance(least, typical time.Duration) {
	switch far := c.base > 0 && float64(least) > farShare*float64(typical); {
	case far && !c.far:
		c.far = true
		c.setLevel(float32(c.limit))
	case !far && c.far:
		c.limit, c.far = c.atOnce(), false
	}
}

// atOnce is the limit that is believed to be right, without what it is given for what varies.
func (c *concurrency) atOnce() int32 {
	if c.far {
		return int32(c.level)
	}
	return c.limit
}

func (c *concurrency) setLevel(level float32) {
	c.level = min(max(1, level), float32(c.most))
	c.limit = min(int32(farRoom*c.level)+1, c.most)
}

// needed is how many accepted calls earn more.
func (c *concurrency) needed() int32 {
	if c.far {
		return farEvery
	}
	return c.every
}

// pace is how many calls may begin in a round trip. Far away they go evenly: what comes in a heap is more at once at the
// destination than what comes evenly. Nearby it does not matter how they come.
func (c *concurrency) pace() float64 {
	if c.far {
		return float64(c.level)
	}
	return 2 * float64(c.limit)
}
