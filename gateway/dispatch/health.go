package dispatch

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
)

// health is what an attempt says about its host. A kept connection that broke is ambiguous: it does not count. Nor
// does a call that could not begin for want of files.
func (d *Dispatcher) health(host string, resp *egress.Response, outcome policy.Outcome) circuit.Result {
	switch {
	case resp.Elsewhere: // it answered, and sent us on
		return circuit.Success
	case wantsFiles(resp.Err):
		d.wanting.say(d.set.Log, time.Now(), resp.Err)
		return circuit.Neutral
	case resp.Class == policy.ClassReset && resp.Reused:
		return circuit.Neutral
	}
	return Health(resp.Class, outcome == policy.Throttled, d.set.Fails(host, resp.Status, outcome == policy.Throttled))
}

// Health is what an attempt says about its host: that it could not be reached, that it fails, that it is well, or, where it
// was never called or only deferred the call, nothing. fails: its status counts against the host.
func Health(class policy.ErrorClass, deferred, fails bool) circuit.Result {
	switch {
	case class == policy.ClassBlocked, class == policy.ClassCanceled:
		return circuit.Neutral
	case class.Unreachable():
		return circuit.Unreachable
	case class != "" || fails:
		return circuit.Failure
	case deferred:
		return circuit.Neutral
	}
	return circuit.Success
}

// FailsByClass counts 5xx against a host, whichever it is, but not what it deferred.
func FailsByClass(_ string, status int, deferred bool) bool { return status >= 500 && !deferred }
