package limiter

// Where calls at once are limited, refusals come with many in flight and never alone, and some of the calls that are sent after a
// refused one are accepted, for those that end make room for them. Where time is limited, they are refused as well.

// jam is what the refusals of an episode show of that.
type jam struct {
	crowd         int32 // calls in flight at the episode's first refusal; 0: none is under way
	heap          int32 // calls in flight when a place was taken away the last time
	refusedAfter  int32 // of the calls sent after the one that was refused first, and before that was heard
	acceptedAfter int32 // of the same
	first         tick  // when the call was sent that was refused first
	alone         bool  // a call was refused while it was the only one
}

// jammed is what refusals show, from now on if there was none.
func (c *concurrency) jammed() *jam {
	if c.jam == nil {
		c.jam = new(jam)
	}
	return c.jam
}

// note takes in how many were in flight at a refusal of a call sent at an instant, itself included. news: it begins an
// episode; again: it was the probe.
func (c *concurrency) note(sent tick, inFlight int32, news, again bool) {
	c.reached = false
	j := c.jammed()
	j.alone = j.alone || inFlight <= 1
	switch {
	case !news && sent > j.first:
		j.refusedAfter++
	case news && !again && j.crowd == 0:
		j.crowd, j.first, j.refusedAfter, j.acceptedAfter = inFlight, sent, 0, 0
	}
}

// accepted notes an accepted call, sent at an instant, while an episode is under way.
func (c *concurrency) accepted(sent tick) {
	if j := c.jammed(); sent > j.first {
		j.acceptedAfter++
	}
}

// again takes in a refusal where calls at once are known to be limited: one place less, and no pause, for places come
// free all the time. It reports false when that does not explain it any more.
func (c *concurrency) again(now, sent tick, inFlight int32) bool {
	c.reached = false
	j := c.jammed()
	if sent <= c.cutAt {
		j.refusedAfter++
	} else {
		crowded := c.far && c.clean < j.heap && j.refusedAfter > 1 // it was far too many in the last round trip, too
		excess := float32(j.refusedAfter-1) / float32(max(1, j.heap))
		j.refusedAfter, j.heap = 0, inFlight
		if c.lower(now); crowded {
			c.setLevel(c.level * (1 - excess))
		}
		c.clean, c.tried, c.cutAt = 0, now, now
	}
	if inFlight > 1 && j.refusedAfter <= max(3, j.heap*3/4) && c.atOnce() >= max(fewestCrowd, c.base/3) {
		return true
	}
	c.time(now)
	return false
}

// limited lowers the limit where the destination says that it is calls at once which it limits.
func (c *concurrency) limited(now tick, inFlight int32) {
	if c.base == 0 {
		c.shown(max(1, min(c.limit, inFlight)-1))
	} else {
		c.lower(now)
	}
	c.clean, c.tried = 0, now
}

// shown begins with a limit, now that calls at once were shown to be what is limited.
func (c *concurrency) shown(limit int32) {
	c.base, c.limit, c.every = limit, limit, leastEvery
	c.sound, c.far, c.found, c.raised = 0, false, false, false
}

// lower takes places away if refusals come too often.
func (c *concurrency) lower(now tick) {
	often := c.clean < c.needed() || c.far && now-c.tried < raiseShare*c.askedFor
	if c.raised && c.clean < c.limit && !c.far {
		c.every = min(2*c.every, mostEvery)
		often = true
	}
	switch {
	case often && c.far:
		c.setLevel(c.level * (1 - farStep))
	case often:
		c.limit = max(1, c.limit-max(1, c.limit/20))
	}
	c.found = c.found || c.raised
	c.streak, c.raised, c.sound = 0, false, 0
}

// recovered ends an episode of refusals. It reports whether calls at once explain the episode; then the limit was set,
// and the pace has no part in it.
func (c *concurrency) recovered(now tick) bool {
	j := c.jammed()
	crowd, alone := j.crowd, j.alone
	flood := j.refusedAfter >= 2 && j.refusedAfter > 3*j.acceptedAfter
	j.crowd, j.alone = 0, false
	if c.rated && now-c.rateAt < rateFor {
		c.rateAt = now
		return false
	}
	least := int32(leastCrowd)
	if c.base > 0 { // it was shown before, and a place may have come free while a refusal was on its way
		least = fewestCrowd
	}
	if alone || flood || crowd < least {
		c.time(now) // refused alone, or among few, or all
		return false
	}
	c.rated = false
	if c.base == 0 {
		c.shown(max(1, crowd-1))
	} else {
		c.lower(now)
	}
	c.clean, c.tried = 0, now
	return true
}
