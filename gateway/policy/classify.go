package policy

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

// Rule is one line of a classifier: which attempts it is about, and what they mean.
type Rule struct {
	Statuses StatusSet // of responses
	Classes  ClassSet  // of attempts without one
	With     Signal    // what a response must say besides; empty: nothing
	Outcome  Outcome
	// Disable says that the endpoint is to get nothing more until somebody enables it again, as with 410 (RFC 9110
	// section 15.5.11). With Failed only.
	Disable bool
}

// Signal is something that rate-limit headers say. With Policy.RateHeaders off, they say nothing.
type Signal string

// The signals that a rule may ask for.
const (
	SaysWhen      Signal = "retry-after"    // a usable Retry-After
	NoneRemaining Signal = "none-remaining" // rate-limit headers by which nothing remains
)

func (r *Rule) matches(a *Attempt) bool {
	if a.Class != "" {
		return r.With == "" && r.Classes.Has(a.Class)
	}
	switch {
	case !r.Statuses.Has(a.Status):
		return false
	case r.With == SaysWhen:
		return a.HasRetryAfter
	case r.With == NoneRemaining:
		return a.RemainingZero
	}
	return true
}

// Classify says what an attempt means: what the first rule says that matches it, else Otherwise. Two are never asked
// about: an address that must not be called has failed, and what was broken off here is tried again.
func (p *Policy) Classify(a Attempt) Outcome {
	switch a.Class {
	case ClassBlocked:
		return Failed
	case ClassCanceled:
		return Retry
	}
	if r := p.rule(&a); r != nil {
		return r.Outcome
	}
	return p.Otherwise
}

// Disables reports whether an attempt has its endpoint disabled at once, whatever came before.
func (p *Policy) Disables(a Attempt) bool {
	if a.Class == ClassBlocked || a.Class == ClassCanceled {
		return false
	}
	r := p.rule(&a)
	return r != nil && r.Disable
}

func (p *Policy) rule(a *Attempt) *Rule {
	if !p.RateHeaders {
		a.HasRetryAfter, a.RemainingZero = false, false
	}
	for i := range p.Classifier {
		if r := &p.Classifier[i]; r.matches(a) {
			return r
		}
	}
	return nil
}
