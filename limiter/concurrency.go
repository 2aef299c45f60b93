package limiter

import "time"

// concurrency bounds the calls at once. It grows by one a round trip while it is reached and nothing speaks against
// it, and falls by a tenth at most once a round trip (additive increase, multiplicative decrease). A destination that
// limits calls at once, not calls per time, is known by where it refuses: with many in flight, and never alone.
type concurrency struct {
	limit, most int
	start       int

	reached bool // the limit was met since turn
	turn    tick // the round trip under way began
	cutAt   tick // the last fall

	base  int // calls at once that the destination took, where it limits them; 0: it does not, as far as is known
	clean int // accepted since the last refusal or raise
	tried tick

	crowd  int  // the fewest calls in flight at a first refusal of the episode under way; 0: none
	alone  bool // a call was refused while it was the only one
	rateAt tick // when it was shown that time, not calls at once, is limited
	rated  bool
}

const (
	// cleanPerCall is how many accepted calls, per call at once, earn another: one refusal each keeps their share
	// below 2 % at a limit of two.
	cleanPerCall = 30
	// leastCrowd is the fewest in flight at a refusal that hints at a limit of calls at once.
	leastCrowd = 3
	// rateFor is how long it is believed that time is what is limited.
	rateFor = 10 * time.Minute
)

func (c *concurrency) configure(start, most int) {
	c.start, c.most = start, most
	if c.limit == 0 {
		c.limit = start
	}
	c.limit = min(c.limit, most)
	c.base = min(c.base, most)
}

// began notes that a call begins, with so many in flight after it.
func (c *concurrency) began(inFlight int) {
	if inFlight >= c.limit {
		c.reached = true
	}
}

// accept may raise the limit after an accepted call.
func (c *concurrency) accept(now tick, roundTrip, meanPause time.Duration) {
	c.clean++
	if now-c.turn < roundTrip {
		return
	}
	if !c.reached || c.limit >= c.most {
		c.turn = now
		return
	}
	if c.base > 0 {
		if c.clean < cleanPerCall*c.limit || now-c.tried < pauseShare*meanPause {
			return
		}
		c.base = c.limit
	}
	c.limit++
	c.reached, c.turn, c.tried, c.clean = false, now, now, 0
}

// strained lowers the limit after a call that the destination could not answer well, with so many in flight.
func (c *concurrency) strained(now tick, inFlight int, roundTrip time.Duration) {
	c.reached, c.turn = false, now
	if now-c.cutAt < roundTrip || 2*inFlight <= c.limit {
		return
	}
	c.limit, c.cutAt = max(1, c.limit*9/10), now
}

// refused notes how many were in flight at a refusal, itself included; again: it was the probe.
func (c *concurrency) refused(inFlight int, again bool) {
	c.reached, c.clean = false, 0
	c.alone = c.alone || inFlight <= 1
	if !again && (c.crowd == 0 || inFlight < c.crowd) {
		c.crowd = inFlight
	}
}

// limited lowers the limit where the destination says that it is calls at once which it limits.
func (c *concurrency) limited(now tick, inFlight int) {
	c.base = max(1, min(c.limit, inFlight)*9/10)
	c.limit, c.clean, c.tried = c.base, 0, now
}

// recovered ends an episode of refusals. It reports whether calls at once explain the episode; then the limit was set,
// and the pace has no part in it.
func (c *concurrency) recovered(now tick) bool {
	crowd, alone := c.crowd, c.alone
	c.crowd, c.alone = 0, false
	if c.rated && now-c.rateAt < rateFor {
		return false
	}
	if alone || c.base == 0 && crowd < leastCrowd || c.base > 0 && crowd <= c.base && c.limit == c.base {
		// Refused alone, or among as few as were known to be taken: it is time that counts.
		if c.base > 0 {
			c.limit = max(c.limit, c.start)
		}
		c.rated, c.rateAt, c.base = true, now, 0
		return false
	}
	if c.base == 0 || crowd-1 < c.base {
		c.base = max(1, crowd-1)
	}
	c.limit, c.clean, c.tried = c.base, 0, now
	return true
}
