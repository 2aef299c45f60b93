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
	RetryIn       time.Duration // the same, told finer than whole seconds; 0: it is not
	// Concurrency: the response says that calls at once, not calls per time, are limited.
	Concurrency bool
	// Rate is a limit told as calls per second (Amazon's x-amzn-RateLimit-Limit); 0: not told.
	Rate float64
	// Windows are the limits as told, each a gate of its own; the first N are set. The first is the one that binds:
	// the lowest Remaining, at a tie the longest.
	Windows [MaxWindows]Window
	N       int
	// Date is the destination's own clock when it answered, to the second it told (RFC 9110 section 6.6.1). It is read
	// only where an instant in the response needs it; zero otherwise.
	Date time.Time
}

// Empty reports whether the response said nothing of limits.
func (h *Hint) Empty() bool { return h.N == 0 && !h.HasRetryAfter && !h.Concurrency && h.Rate == 0 }

// Binding returns the window that holds calls back first: the lowest Remaining, at a tie the longest. It is nil when
// the response told of none that counts requests; windows of tokens, bytes or percent never bind.
func (h *Hint) Binding() *Window {
	if h.N == 0 || h.Windows[0].Unit != UnitRequests {
		return nil
	}
	return &h.Windows[0]
}

// UnitRequests is the unit of a window that counts calls, as RFC drafts name it ("qu" of RateLimit-Policy).
const UnitRequests = "requests"

// MaxWindows is how many windows one response may describe; further ones are dropped, those that bind least first.
const MaxWindows = 4

// Window is one limit as told: n calls per some time.
type Window struct {
	Limit     int64 // calls per window, 0 to 1e15; Unknown when not told
	Remaining int64 // calls left in it; Unknown when not told
	// Quota is how many calls its policy allows in Length, where that is more than Limit: a bucket that holds one call at
	// a time may be filled 600 times a minute. 0: as many as Limit.
	Quota int64
	// Reset is when the window ends (or, for buckets, when it is full again): somewhere between Lo and Hi, because
	// servers round. HasReset is false when it was not told.
	Reset    Interval
	HasReset bool
	// ResetAt is that instant as told, on the receiver's clock, with nothing allowed for rounding; never before the
	// response's receipt and at most MaxReset after it.
	ResetAt time.Time
	// ResetRaw is the value as it stood in the header (a date: Unix seconds), and ResetForm how it was read: what a
	// Dialect needs to reread it.
	ResetRaw  float64
	ResetForm ResetForm
	// Unsure: the reset was read as seconds, but may be milliseconds, which the next responses will show.
	Unsure bool
	// Falls: it was read as seconds, but fell the last time as milliseconds do.
	Falls bool
	// unitTold: the configuration, or its name, says in what the reset is told.
	unitTold bool
	Length   time.Duration // of the window; 0 when not told
	Unit     string        // what is counted; "requests" unless the destination says otherwise
	Name     string        // the policy's name; empty when it has none
	Source   string        // the header family it was read from, as in "X-RateLimit-*"
}

// Interval is a pair of instants between which something happens, Lo not after Hi.
type Interval struct{ Lo, Hi time.Time }
