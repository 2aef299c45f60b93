package limiter

import "time"

// pause holds a lane after a refusal, and then lets a single call, the probe, find out whether it is over. From the
// first refusal to the probe that is accepted is one episode: refusals of calls that were on their way when it began
// are part of it, and teach nothing new.
type pause struct {
	until    tick
	probeAt  tick // when the probe began
	cutAt    tick // refusals of calls sent at or before it belong to an episode that was counted
	total    time.Duration
	cause    string
	attempts int32 // refusals counted in the episode
	probing  bool  // an episode is under way
	probeOut bool  // its probe is in flight
	asked    bool  // the destination said how long
}

// minPause is the least that a Retry-After is taken for: some servers send 0 with a refusal.
const minPause = 50 * time.Millisecond

// began notes that a call begins.
func (p *pause) began(now tick) {
	if p.probing {
		p.probeOut, p.probeAt = true, now
	}
}

// isNews reports whether a refusal of a call sent at an instant counts: as the beginning of an episode, or as its
// probe's refusal.
func (p *pause) isNews(sent tick) bool {
	if p.probing {
		return p.probeOut && sent >= p.probeAt
	}
	return sent > p.cutAt
}

// count takes in a refusal: it begins an episode, or goes on with one.
func (p *pause) count(now tick) {
	if !p.probing {
		*p = pause{until: p.until, probing: true}
	}
	p.attempts++
	p.probeOut, p.cutAt = false, now
}

// hold pauses until an instant; it never shortens a pause.
func (p *pause) hold(now, until tick, asked bool, cause string) {
	if until <= p.until {
		return
	}
	p.total += until - max(now, p.until)
	p.until, p.asked, p.cause = until, p.asked || asked, cause
}

// answered takes in the answer, other than a refusal, to a call sent at an instant. It reports whether that was the
// probe: the episode is over.
func (p *pause) answered(sent tick) bool {
	if !p.probing || !p.probeOut || sent < p.probeAt {
		return false
	}
	p.probing, p.probeOut, p.cutAt = false, false, p.probeAt
	return true
}

// lost takes in that a call got no answer at all, or that none is in flight: the next call is the probe then.
func (p *pause) lost(sent tick, inFlight int32) {
	if p.probeOut && (sent >= p.probeAt || inFlight == 0) {
		p.probeOut = false
	}
}

// heldCause is why a lane is held that is held by Observation.Held, in the word shown to people.
const heldCause = "credential"

// holdForCredential pauses the lane, and lets one call try afterwards. Of several calls that end so together the first counts.
func (b *Budget) holdForCredential(now tick, o *Observation) {
	sent := now
	if !o.Sent.IsZero() {
		sent = min(b.since(o.Sent), now)
	}
	if !b.pause.isNews(sent) {
		return
	}
	b.revision++
	b.pause.count(now)
	b.pause.hold(now, now+min(o.Held, b.cfg.MaxPause), false, heldCause)
}
