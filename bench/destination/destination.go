// Package destination models how the APIs on the far side limit their callers, and how they tell them so.
//
// A Limiter decides call by call, as one of ten algorithms in use; a Dialect turns where it stands into the header
// fields that real servers send. Tests, studies and the sink command put the gateway in front of these models, so
// they are written to be exact and plain rather than fast or clever.
//
// It is pure: it never reads the clock, draws no randomness, starts nothing and locks nothing. It never answers a
// request (bench/destination/server does), and it never limits anything the gateway sends (package limiter does).
package destination

import "time"

// Limiter decides which calls a destination accepts. It is not safe for concurrent use.
//
// Instants must lie between the years 1678 and 2262 and are resolved to the nanosecond. One that is earlier than an
// instant seen before is taken for that one: a limiter's time never runs backwards.
type Limiter struct {
	spec    Spec
	model   model
	latest  int64 // Unix ns of the latest instant seen; meaningful once started
	started bool
}

// Verdict is what a destination decided on a call, and where the caller stands with it after that decision.
type Verdict struct {
	OK bool // the call is accepted
	// Limit is the most calls that can ever be accepted at once: what a destination tells as its limit. That is N for
	// windows and for calls at once, the burst for bucket, gcra and leaky-queue, 1 for leaky.
	Limit int
	// Remaining is how many calls would be accepted right now, 0 to Limit.
	Remaining int
	// ResetAfter is the time until a window ends, until the oldest call leaves a sliding log, or until a bucket is
	// full again. 0 when that is now, and always for calls at once, whose end nobody knows.
	ResetAfter time.Duration
	// RetryAfter is the least time after which one more call would be accepted if none came before it; 0 when it
	// would be now, and always for calls at once.
	RetryAfter time.Duration
	// Delay is how long the destination keeps an accepted call waiting before it does anything about it: 0, but for
	// leaky-queue.
	Delay time.Duration
	// Quota and Window are the limit as it was set: Quota calls per Window. Window is 0 for calls at once.
	Quota  int
	Window time.Duration
}

// model is one algorithm. Instants are Unix ns and never go back. standing is the verdict on a call at that instant
// with nothing counted; take counts the call as accepted, refuse as refused.
type model interface {
	standing(t int64) Verdict
	take(t int64)
	refuse(t int64)
	done()
	setLimit(t int64, spec Spec)
	clone() model
}

// New returns a limiter that has seen no call, or an error that names what is wrong with the spec.
func New(spec Spec) (*Limiter, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	return &Limiter{spec: spec, model: newModel(spec)}, nil
}

func newModel(spec Spec) model {
	limit, per := spec.Limit, int64(spec.Per)
	switch spec.Algorithm {
	case Fixed:
		return &fixedWindow{limit: limit, per: per}
	case FixedFirst:
		return &firstWindow{limit: limit, per: per}
	case SlidingLog:
		return &slidingLog{limit: limit, per: per}
	case SlidingCounter:
		return &slidingCounter{limit: limit, per: per}
	case Counting:
		return &slidingCounter{limit: limit, per: per, countRefused: true}
	case Bucket:
		return newBucket(spec)
	case GCRA, Leaky:
		return newGCRA(spec)
	case LeakyQueue:
		return leakyQueue{newGCRA(spec)}
	case Concurrency:
		return &concurrency{limit: limit}
	}
	panic("destination: no model for algorithm " + string(spec.Algorithm)) // Validate lets none through
}

// Allow decides on a call at now and counts it. A call accepted must be ended with Done once it has been answered.
func (l *Limiter) Allow(now time.Time) Verdict {
	t := l.at(now)
	call := l.model.standing(t)
	if call.OK {
		l.model.take(t)
	} else {
		l.model.refuse(t)
	}
	v := l.model.standing(t)
	v.OK, v.Delay = call.OK, call.Delay
	return v
}

// Peek returns what Allow would decide at now, and counts nothing: Remaining still has the call in it. It serves
// servers that answer without spending allowance, and models of several limits that must all agree before any counts.
func (l *Limiter) Peek(now time.Time) Verdict { return l.model.standing(l.at(now)) }

// Done ends a call that Allow accepted. Only a limit of calls at once takes notice.
func (l *Limiter) Done(now time.Time) {
	l.at(now)
	l.model.done()
}

// SetLimit changes the limit at now to limit calls per period per, as when a vendor changes a plan. What was counted
// stays counted, except that windows which change their length start anew. A burst that the spec named stays; one
// that it left out follows the limit. It returns an error, and changes nothing, where Spec.Validate would.
func (l *Limiter) SetLimit(now time.Time, limit int, per time.Duration) error {
	spec := l.spec
	spec.Limit, spec.Per = limit, per
	if err := spec.Validate(); err != nil {
		return err
	}
	l.spec = spec
	l.model.setLimit(l.at(now), spec)
	return nil
}

// Clone returns a limiter that stands where this one does and goes its own way from here.
func (l *Limiter) Clone() *Limiter {
	c := *l
	c.model = l.model.clone()
	return &c
}

func (l *Limiter) at(now time.Time) int64 {
	t := now.UnixNano()
	if l.started {
		t = max(t, l.latest)
	}
	l.latest, l.started = t, true
	return t
}
