package dispatch

import "github.com/sluice-gateway/sluice/persist/record"

// fate is what a worker is to do with a webhook that the schedule gave out.
type fate uint8

const (
	send   fate = iota
	expire      // its deadline passed
	cancel      // its flow was cancelled
)

// tooFarBack is why a webhook expires early.
const tooFarBack = "it could not be sent before expires_at: too much goes before it"

// end is the state and the reason of a webhook that ends without an attempt.
func (f fate) end() (record.State, string) {
	if f == cancel {
		return record.Cancelled, "its flow was cancelled"
	}
	return record.Expired, "expires_at passed before it could be sent"
}
