package matrix

import (
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// Sender decides when calls are sent. It has as many as it likes; they are numbered from 0 as they begin.
type Sender interface {
	// Next says how many calls begin now, and when to ask again unless something ends before: zero for never.
	Next(now time.Time) (begin int, wake time.Time)
	// Ended tells how a call ended. Next is asked again after it.
	Ended(now time.Time, r *Response)
}

// Response is the end of a call. It is valid until Ended returns.
type Response struct {
	Call           int
	Sent, Received time.Time
	Status         int
	Fields         []destination.Header
}

// Refused reports whether the destination had no room for the call.
func (r *Response) Refused() bool { return r.Status == statusTooManyRequests }

const (
	statusOK              = 200
	statusTooManyRequests = 429 // RFC 6585 section 4
)

// Kind is a way of sending.
type Kind struct {
	Name string
	// New returns a sender for a cell of which it knows nothing but Workers, its own cap; only what stands for an
	// operator's knowledge looks at the limits.
	New func(c *Cell, begin time.Time) Sender
}

// Baselines returns the ways of sending that are in use today.
func Baselines() []*Kind { return []*Kind{Guess, Naive, AIMD, AWS} }

// paced is a sender that can say how it stands.
type paced interface {
	// Pace is the rate it goes at, in calls per second, and what that comes from.
	Pace(now time.Time) (perSecond float64, from string)
}
