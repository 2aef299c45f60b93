package dispatch

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// credentialHold is how long a lane is left alone whose credential does not work; then one call tries. Tokens are mended
// by people or by the next rotation: a shorter one would show more refusals to a destination that may lock accounts.
const credentialHold = 30 * time.Second

// Credentials looks up what webhooks name instead of carrying it: credential.Set. It may be called by many at once.
type Credentials interface {
	// Header returns the field to send to a host, within a time.
	Header(name, tenant, host string, within time.Duration) (record.Header, error)
	// Refused takes note of a 401, and reports whether asking Header again may help.
	Refused(name string, sent record.Header) bool
	// Settled takes note of whether the destination took it in the end.
	Settled(name, host string, taken bool)
}

// withhold ends an attempt whose credential does not work: the lane is held, and the webhook waits without having spent a
// try, for as long as it may.
func (d *Dispatcher) withhold(s *schedule.Start, x *exchange, why error) (schedule.End, *persist.Settlement) {
	a := withheldRecord(x, why, s.Entry.Attempts()+1)
	next := s.Entry
	policy.Withhold(&next, credentialHold)
	end := schedule.End{ID: s.Entry.ID, Permit: s.Permit, Health: circuit.Neutral, Seen: limiter.Observation{
		Sent: x.resp.Sent, Received: x.ended, Status: x.resp.Status, Held: credentialHold,
	}}
	return end, stays(s, a, next, x.ended.Add(credentialHold))
}

// withheldRecord is what is kept and shown of an exchange whose credential does not work.
func withheldRecord(x *exchange, why error, n int) *record.Attempt {
	if x.resp.Status == 0 && x.resp.Err == nil { // nothing was sent
		x.resp.Err, x.resp.Class = why, policy.ClassCredential
	}
	a := recordOf(x, policy.Throttled, n)
	a.ErrorClass, a.Error = string(policy.ClassCredential), shortened(why.Error(), keptError)
	return a
}
