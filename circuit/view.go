package circuit

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// View is a breaker as it is shown to people.
type View struct {
	State     State
	Forced    bool      // an operator has it so
	OpenUntil time.Time // while open, unless that is forced; zero otherwise
	CoolDown  time.Duration
	Probes    int // out, while half-open
	Succeeded int // probes, while half-open
	// Calls ended in the window, and Failures of those failed; of an open or half-open breaker, when it opened.
	Calls, Failures int
	Cause           string // of the last opening, as far as this process saw it; empty: there was none
	// Share is the part of its known rate that is used while it comes back, until RampedBy; 1 and zero otherwise.
	Share    float64
	RampedBy time.Time

	Changes []Change   // the latest ones, in order
	Parts   []PartView // those that are told apart, by tenant and key; none while there is one
}

// PartView is a part of a host, or, where the part has no key and the scope is HostTenant, all that a tenant sends there.
type PartView struct {
	Part
	State           State
	OpenUntil       time.Time
	Calls, Failures int
	Share           float64
}

// View returns the breaker as it stands.
func (b *Breaker) View(now time.Time) View {
	now = b.see(now)
	v := b.shown(&b.rest.gate, now)
	v.Changes = slices.Clone(b.history)
	b.each(func(u *unit) {
		if u.tenant != nil {
			v.Parts = append(v.Parts, b.shownPart(&u.gate, Part{Tenant: *u.tenant}, now))
		}
		for _, p := range u.parts {
			v.Parts = append(v.Parts, b.shownPart(&p.gate, p.name, now))
		}
	})
	slices.SortFunc(v.Parts, func(x, y PartView) int {
		if c := strings.Compare(x.Tenant, y.Tenant); c != 0 {
			return c
		}
		return bytes.Compare(x.Key[:], y.Key[:])
	})
	return v
}

// Holding returns what a part's calls meet: the host as it stands, or the part where that alone is held or comes back;
// partial says which. It has neither Changes nor Parts.
func (b *Breaker) Holding(now time.Time, of Part) (v View, partial bool) {
	now = b.see(now)
	u := b.find(of)
	if p := u.parts[of]; p != nil && u.state == Closed && b.forced == 0 &&
		(p.state != Closed || p.share(now, &b.cfg) < u.share(now, &b.cfg)) {
		return b.shown(&p.gate, now), true
	}
	return b.shown(&u.gate, now), u.tenant != nil && b.forced == 0
}

func (b *Breaker) shown(g *gate, now time.Time) View {
	v := View{
		State: g.state, CoolDown: g.coolDown, Probes: len(g.probes), Succeeded: g.succeeded,
		Calls: g.calls, Failures: g.failures, Cause: g.cause,
		Share: g.share(now, &b.cfg),
	}
	switch g.state {
	case Open:
		v.OpenUntil = g.until
	case Closed:
		sum := g.window.sum(now, b.cfg.Window)
		v.Calls, v.Failures = int(sum.calls), int(sum.failures)
	}
	if v.Share < 1 {
		v.RampedBy = g.closedAt.Add(b.cfg.Ramp)
	}
	if b.forced != 0 {
		v.State, v.Forced, v.OpenUntil = b.forced, true, time.Time{}
	}
	return v
}

func (b *Breaker) shownPart(g *gate, of Part, now time.Time) PartView {
	v := b.shown(g, now)
	return PartView{
		Part: of, State: v.State, OpenUntil: v.OpenUntil, Calls: v.Calls, Failures: v.Failures, Share: v.Share,
	}
}
