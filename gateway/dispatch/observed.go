package dispatch

import "github.com/sluice-gateway/sluice/limiter"

// observation is what a lane's budget learns of the exchange. Where a redirect led elsewhere, it is what the lane's own
// host said: that it answered, and with which status.
func (x *exchange) observation() limiter.Observation {
	seen := limiter.Observation{
		Sent: x.resp.Sent, Received: x.ended, Status: x.resp.Status,
		Failed: x.resp.Class != "", TimedOut: x.resp.TimedOut, Hint: x.said(),
	}
	if x.resp.Elsewhere {
		seen.Status, seen.Failed, seen.TimedOut = x.resp.Answered, false, false
	}
	return seen
}
