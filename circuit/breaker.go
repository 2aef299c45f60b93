package circuit

import "time"

// Breaker is the breaker of one host. Instants that go back are taken for the latest seen.
//
// Every change of state begins a new generation: reports of calls that began in an earlier one say nothing of the
// host as it is now, and do not count.
type Breaker struct {
	cfg        Config
	state      State
	generation uint64
	last       time.Time // the latest instant seen

	window window // while closed

	calls, failures int // in the window when it last opened

	until    time.Time     // while open: when the cool-down is over
	coolDown time.Duration // of the last opening; 0: the next is the first
	closedAt time.Time     // zero: it never opened

	probes    []probe // while half-open: those out
	succeeded int     // while half-open
	issued    uint64  // permits, ever
}

// probe is a permit out while half-open.
type probe struct {
	number  uint64
	expires time.Time
}

// New returns a closed breaker.
func New(cfg Config) *Breaker {
	return &Breaker{cfg: cfg.normal(), state: Closed}
}

// Reconfigure changes the configuration and keeps the state; a cool-down under way lasts as long as it was to. Calls are
// counted anew when Window is another. Where fewer probes are now asked for than have succeeded, one more decides.
func (b *Breaker) Reconfigure(cfg Config) {
	was := b.cfg.Window
	b.cfg = cfg.normal()
	if b.cfg.Window != was {
		b.window = window{}
	}
	b.succeeded = min(b.succeeded, b.cfg.Probes-1)
}

// State returns the state as of the last call of another method.
func (b *Breaker) State() State { return b.state }

// ReadyAt returns when Acquire will succeed: now if it would at once, otherwise an instant after now at which to look
// again. A report may make that earlier.
func (b *Breaker) ReadyAt(now time.Time) time.Time {
	now = b.see(now)
	switch b.state {
	case Open:
		if b.until.After(now) {
			return b.until
		}
	case HalfOpen:
		if len(b.probes)+b.succeeded < b.cfg.Probes {
			return now
		}
		first := b.probes[0].expires
		for _, p := range b.probes {
			if p.expires.Before(first) {
				first = p.expires
			}
		}
		if first.After(now) {
			return first
		}
	}
	return now
}

// Acquire asks for a call to pass. The first one after a cool-down begins the half-open state, of which Report's
// transitions speak later; View shows it at once.
func (b *Breaker) Acquire(now time.Time) (Permit, bool) {
	now = b.see(now)
	if b.state == Open {
		if b.until.After(now) {
			return Permit{}, false
		}
		b.enter(HalfOpen)
	}
	b.issued++
	p := Permit{generation: b.generation, number: b.issued}
	if b.state == Closed {
		return p, true
	}
	b.expire(now)
	if len(b.probes)+b.succeeded >= b.cfg.Probes {
		return Permit{}, false
	}
	p.probe = true
	b.probes = append(b.probes, probe{number: p.number, expires: now.Add(b.cfg.ProbeExpiry)})
	return p, true
}

// Report takes in how a call ended, and returns the change of state that followed, if one did.
func (b *Breaker) Report(now time.Time, p Permit, r Result) Transition {
	now = b.see(now)
	if p.generation != b.generation {
		return Transition{}
	}
	if p.probe {
		return b.reportProbe(now, p, r)
	}
	if b.state != Closed || r == Neutral {
		return Transition{}
	}
	b.window.add(now, b.cfg.Window, r == Failure)
	calls, failures := b.window.sum(now, b.cfg.Window)
	if calls < b.cfg.MinRequests || float64(failures) < b.cfg.FailureRatio*float64(calls) {
		return Transition{}
	}
	b.calls, b.failures = calls, failures
	return b.open(now)
}

func (b *Breaker) reportProbe(now time.Time, p Permit, r Result) Transition {
	if !b.drop(p.number) {
		return Transition{} // it had expired; another took its place
	}
	switch r {
	case Failure:
		return b.open(now)
	case Neutral:
		return Transition{} // another may try
	}
	if b.succeeded++; b.succeeded < b.cfg.Probes {
		return Transition{}
	}
	b.closedAt = now
	b.window = window{}
	return b.enter(Closed)
}

// Cancel gives back the permit of a call that was never made.
func (b *Breaker) Cancel(p Permit) {
	if p.probe && p.generation == b.generation {
		b.drop(p.number)
	}
}

// open begins a cool-down: twice the last one, unless the breaker has been closed long enough to be trusted again.
func (b *Breaker) open(now time.Time) Transition {
	switch trusted := b.state == Closed && now.Sub(b.closedAt) >= b.cfg.CoolDownMax; {
	case b.coolDown == 0 || trusted:
		b.coolDown = b.cfg.CoolDown
	default:
		b.coolDown = min(2*b.coolDown, b.cfg.CoolDownMax)
	}
	b.until = now.Add(b.coolDown)
	return b.enter(Open)
}

// enter begins a generation.
func (b *Breaker) enter(s State) Transition {
	t := Transition{From: b.state, To: s}
	b.state = s
	b.generation++
	b.probes, b.succeeded = b.probes[:0], 0
	return t
}

// drop takes a probe out of those that are out.
func (b *Breaker) drop(number uint64) bool {
	for i, p := range b.probes {
		if p.number == number {
			b.probes = append(b.probes[:i], b.probes[i+1:]...)
			return true
		}
	}
	return false
}

// expire gives up probes that were never reported.
func (b *Breaker) expire(now time.Time) {
	kept := b.probes[:0]
	for _, p := range b.probes {
		if p.expires.After(now) {
			kept = append(kept, p)
		}
	}
	b.probes = kept
}

func (b *Breaker) see(now time.Time) time.Time {
	if b.last.Before(now) {
		b.last = now
	}
	return b.last
}
