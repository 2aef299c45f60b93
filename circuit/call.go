package circuit

import "time"

// Part names what shares fate below a host. The zero Part is a host whose limit is by host, for the tenant "".
type Part struct {
	Key    [16]byte // the lane's: a digest of the credential, path or key that the limit is by; zero: the whole host
	Tenant string
}

// Result is how a call ended, as far as the host's health goes.
type Result uint8

// The results of a call.
const (
	Success     Result = iota // the host answered
	Failure                   // it answered with a status that counts, broke off, or took too long
	Unreachable               // its name, the connection or TLS failed
	Neutral                   // says nothing: 429, a dropped connection that had been idle, a call never made
)

// Permit lets one call pass. Every permit must be given back once, by Report or by Cancel; one that is lost costs a
// probe's place until it expires, and nothing else.
type Permit struct {
	unit       *unit
	part       *part // nil: no part of several
	whole, own ticket
	began      time.Time
}

// Probe reports whether the permit is for a call that finds out whether the host, or a part of it, is back.
func (p Permit) Probe() bool { return p.whole.probe || p.own.probe }

// ticket is a permit of one gate.
type ticket struct {
	generation, number uint32
	probe              bool
}

// State is what a breaker does with calls.
type State uint8

// The states of a breaker. The zero value is none of them, so that a zero Transition means none.
const (
	Closed   State = iota + 1 // all pass
	Open                      // none pass until the cool-down is over
	HalfOpen                  // probes pass
)

// String returns the word shown to people.
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case HalfOpen:
		return "half-open"
	}
	return "none"
}

// Transition is a change of state; the zero value is none.
type Transition struct {
	From, To State
	// Partial: not of the host but of a part of it, Of; under the scope HostTenant of all that a tenant sends there, and
	// then Of has no key.
	Partial bool
	Of      Part
	Cause   string // for people: "31 of 40 calls failed within 1m0s"
}
