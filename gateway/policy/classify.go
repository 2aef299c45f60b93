package policy

// ErrorClass is why an attempt got no response. The empty class: it got one.
type ErrorClass string

// The classes of attempts without a response. Only the first three say that the host was not reached: a connect
// time-out is ClassConnect, a time-out during the TLS handshake is ClassTLS.
const (
	ClassDNS      ErrorClass = "dns"      // the name could not be resolved
	ClassConnect  ErrorClass = "connect"  // no connection came about
	ClassTLS      ErrorClass = "tls"      // no handshake, or a certificate that is not the host's
	ClassReset    ErrorClass = "reset"    // the connection broke; whether the request was acted on is unknown
	ClassTimeout  ErrorClass = "timeout"  // the request went out, the response did not come in time
	ClassProtocol ErrorClass = "protocol" // what came was not readable as HTTP
	// ClassBlocked: the address is one that must not be called. Nothing was sent.
	ClassBlocked ErrorClass = "blocked_destination"
	// ClassCanceled: the attempt was broken off here, as at shutdown.
	ClassCanceled ErrorClass = "canceled"
)

// Unreachable reports whether the class says that the host could not be reached.
func (c ErrorClass) Unreachable() bool { return c == ClassDNS || c == ClassConnect || c == ClassTLS }

// Outcome is what an attempt means under a policy. Its words are stored with attempts.
type Outcome string

// The outcomes.
const (
	Delivered Outcome = "delivered" // over: the destination has it
	Retry     Outcome = "retry"     // spends a try; to be made again on the schedule
	Throttled Outcome = "throttled" // deferred by the destination: spends time, no try
	Failed    Outcome = "failed"    // over: trying again would not help
)

// Attempt is what classifying needs to know of one HTTP exchange.
type Attempt struct {
	Status        int        // of the response; 0 when Class says why there is none
	Class         ErrorClass // empty: a response came
	HasRetryAfter bool       // the response carries a usable Retry-After
	RemainingZero bool       // its rate-limit headers say that nothing remains
}

// Classify says what an attempt means.
//
// From Braze's documentation: 20x is received, 30x failed for good, 408, 429 and 5xx are to be tried again, every
// other 4xx failed for good. Where it is silent: all of 2xx counts as received, because RFC 9110 section 15 has
// unknown codes treated as x00 of their class; codes outside 100 to 599 count as 5xx (same section); a 1xx that stands
// as the final answer is a broken one, and so retried like a connection that broke.
//
// Throttled is what says "later", not "no": 429 (RFC 6585 section 4); 503 (RFC 9110 section 15.6.4) and 529 ("host
// overloaded", Braze's code) with Retry-After; and 403 with nothing remaining, GitHub's and others' way to say 429.
func (p *Policy) Classify(a Attempt) Outcome {
	if a.Class != "" {
		if a.Class == ClassBlocked {
			return Failed
		}
		return Retry
	}
	switch s := a.Status; {
	case s == 429, (s == 503 || s == 529) && a.HasRetryAfter, s == 403 && a.RemainingZero:
		return Throttled
	case s >= 200 && s <= 299:
		return Delivered
	case s == 408:
		return Retry
	case s >= 300 && s <= 499:
		return Failed
	default:
		return Retry
	}
}
