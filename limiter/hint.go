package limiter

import "time"

// Unknown marks a Limit or Remaining that the destination did not say.
const Unknown int64 = -1

// Hint is what one response says about its destination's limits. The zero Hint says nothing.
type Hint struct {
	// RetryAfter is how long the destination asks to be left alone, counted from the response's receipt; meaningful
	// only when HasRetryAfter. It is not clamped here: how long a wait is believed is the budget's decision.
	RetryAfter    time.Duration
	HasRetryAfter bool
	// Concurrency: the response says that calls at once, not calls per time, are limited.
	Concurrency bool
	// Rate is a limit told as calls per second (Amazon's x-amzn-RateLimit-Limit); 0: not told.
	Rate float64
	// Windows are the limits as told, each a gate of its own; the first N are set. The first is the one that binds:
	// the lowest Remaining, at a tie the longest.
	Windows [MaxWindows]Window
	N       int
}

// MaxWindows is how many windows one response may describe; further ones are dropped, those that bind least first.
const MaxWindows = 4

// Window is one limit as told: n calls per some time.
type Window struct {
	Limit     int64 // calls per window; Unknown when not told
	Remaining int64 // calls left in it; Unknown when not told
	// Reset is when the window ends (or, for buckets, when it is full again): somewhere between Lo and Hi, because
	// servers round. HasReset is false when it was not told.
	Reset    Interval
	HasReset bool
	Length   time.Duration // of the window; 0 when not told
	Unit     string        // what is counted; "requests" unless the destination says otherwise
	Name     string        // the policy's name; empty when it has none
	Source   string        // the header family it was read from, as in "X-RateLimit-*"
}

// Interval is a pair of instants between which something happens, Lo not after Hi.
type Interval struct{ Lo, Hi time.Time }
