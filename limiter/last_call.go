package limiter

import "time"

// lastCall is what is known of the call that began last. Where calls must keep a distance it counts from when that call
// arrived: a usual way after it was sent, which is a little after it began; but now and then something stands in the way of
// either. The next call would then come too close, and a refusal would be taken for one of the pace.
type lastCall struct {
	began tick
	late  time.Duration // how long after it began it was sent, and how much longer than usual its answer took; or unanswered
}

// unanswered is the lateness of a call that has no answer yet.
const unanswered time.Duration = -1

// answer takes in an answer, to a call that was sent at an instant.
func (c *lastCall) answer(sent, received tick, usual time.Duration) {
	if sent >= c.began && c.late == unanswered {
		c.late = sent - c.began + max(0, received-sent-usual)
	}
}

// clear returns when the next call may begin at the earliest for the last one to have arrived before it as usual, if
// calls are to be so far apart. What is too far to be heard of in that time says nothing; and no call waits for longer than
// another distance: the answer may be what is late, or lost.
func (c *lastCall) clear(now tick, apart, usual time.Duration) tick {
	due := c.began + apart
	switch {
	case usual > apart:
		return now
	case c.late != unanswered:
		return due + min(c.late, apart)
	case now < due:
		return due
	}
	return due + apart
}
