package limiter

import (
	"testing"
	"time"
)

// crowded is a limit of calls at once that was just shown: of so many in flight one was refused, which asked for a second.
func crowded(inFlight int32) *concurrency {
	c := &concurrency{}
	c.configure(inFlight, 64)
	c.note(0, inFlight, true, false)
	c.recovered(0)
	c.askedFor = time.Second
	return c
}

// raisedAfter is how long it takes until another call at once is tried, while all places are taken.
func (c *concurrency) raisedAfter(from tick) time.Duration {
	was := c.limit
	for now := from; now < from+time.Hour; now += 10 * time.Millisecond {
		c.began(c.limit)
		if c.accept(now, 10*time.Millisecond); c.limit > was {
			return now - from
		}
	}
	return time.Hour
}

func TestTheFirstGuessOfCallsAtOnceIsRaisedSoon(t *testing.T) {
	c := crowded(10)
	if after := c.raisedAfter(0); after > raiseShare*time.Second/8+time.Second {
		t.Errorf("another place was tried after %v, want an eighth of %d pauses of a second", after, raiseShare)
	}
	c.note(time.Minute, c.limit, true, false)
	if !c.recovered(time.Minute) {
		t.Fatal("a refusal among ten is no limit of calls at once")
	}
	if after := c.raisedAfter(time.Minute); after < raiseShare*time.Second {
		t.Errorf("after a place that was tried and refused, another was tried after %v, want %d pauses of a second", after,
			raiseShare)
	}
}

func TestAPlaceThatCameFreeMeanwhileDoesNotHideALimitOfCallsAtOnce(t *testing.T) {
	c := crowded(leastCrowd)
	c.note(time.Minute, leastCrowd-1, true, false)
	if !c.recovered(time.Minute) {
		t.Errorf("a refusal among %d is taken for a limit per time, though one of calls at once is known", leastCrowd-1)
	}
}

// Far away a round trip's calls are under way before the first refusal is heard. Where many of them are refused, a fortieth less would
// be refused as well for seconds.
func TestARoundTripFullOfRefusalsLowersTheLevelByWhatWasTooMany(t *testing.T) {
	c := crowded(17)
	c.far = true
	c.setLevel(16)
	ms := func(n int) tick { return tick(n) * time.Millisecond }
	c.again(ms(1000), ms(920), 16)
	for i := range 6 {
		c.again(ms(1005+5*i), ms(925+5*i), 15)
	}
	if c.level < 15 {
		t.Fatalf("a level of %.1f before the round trip is over, want a fortieth less than 16", c.level)
	}
	if !c.again(ms(1090), ms(1010), 15) || c.level < 9 || c.level > 11 {
		t.Errorf("a level of %.1f after 6 of 16 were refused and then one more, want some 10", c.level)
	}
}
