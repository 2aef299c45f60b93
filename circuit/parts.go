package circuit

import "time"

// Bounds on what is told apart at one host. A part beyond them is judged with the others that are not told apart.
const (
	maxParts   = 64  // of a unit
	maxTenants = 256 // under the scope HostTenant
)

// unit returns what a part's calls open, and makes it where there is room.
func (b *Breaker) unit(now time.Time, of Part) *unit {
	u := b.find(of)
	if b.cfg.Scope == Host || u.tenant != nil {
		return u
	}
	if len(b.tenants) >= maxTenants {
		if now.Before(b.sweepAt) {
			return u
		}
		b.sweepAt = now.Add(b.cfg.Window / buckets)
		for name, other := range b.tenants {
			if other.forgettable(now) {
				delete(b.tenants, name)
			}
		}
		if len(b.tenants) >= maxTenants {
			return u
		}
	}
	if b.tenants == nil {
		b.tenants = map[string]*unit{}
	}
	return b.newTenant(of.Tenant)
}

func (b *Breaker) newTenant(name string) *unit {
	u := &unit{of: b, tenant: &name, gate: gate{state: Closed}}
	b.tenants[name] = u
	return u
}

// find returns what a part's calls open: of a tenant without a unit of its own, the one of those that have none.
func (b *Breaker) find(of Part) *unit {
	if b.cfg.Scope == HostTenant {
		if u := b.tenants[of.Tenant]; u != nil {
			return u
		}
	}
	return &b.rest
}

// each calls back for every unit.
func (b *Breaker) each(do func(*unit)) {
	do(&b.rest)
	for _, u := range b.tenants {
		do(u)
	}
}

func (u *unit) forgettable(now time.Time) bool {
	for _, p := range u.parts {
		if !p.idle(now, &u.of.cfg) {
			return false
		}
	}
	return u.idle(now, &u.of.cfg)
}

// part returns the gate of a part, nil where it has none: it is the only one, or there are too many.
func (u *unit) part(now time.Time, of Part) *part {
	if u.parts == nil {
		switch {
		case !u.seen:
			u.sole, u.seen = of, true
			return nil
		case u.sole == of:
			return nil
		}
		u.parts = map[Part]*part{}
		u.newPart(u.sole)
		u.parts[u.sole].window = u.window
	}
	if !now.Before(u.sweepAt) {
		u.sweep(now)
		if u.parts == nil {
			return u.part(now, of)
		}
	}
	p := u.parts[of]
	if p == nil && len(u.parts) < maxParts {
		p = u.newPart(of)
	}
	return p
}

func (u *unit) newPart(of Part) *part {
	p := &part{name: of, gate: gate{state: Closed}}
	u.parts[of] = p
	return p
}

// sweep forgets idle parts, once in a window; where there is no room for others, those without failures too, and sooner.
// Of a healthy part nothing is lost but that it is told from the rest.
func (u *unit) sweep(now time.Time) {
	c := &u.of.cfg
	full := len(u.parts) >= maxParts
	u.sweepAt = now.Add(c.Window)
	if full {
		u.sweepAt = now.Add(c.Window / buckets)
	}
	var left *part
	for name, p := range u.parts {
		if p.idle(now, c) || full && p.state == Closed && p.coolDown == 0 && p.window.sum(now, c.Window).failures == 0 {
			delete(u.parts, name)
			continue
		}
		left = p
	}
	switch {
	case len(u.parts) == 0:
		u.parts, u.seen = nil, false
	case len(u.parts) == 1 && !full && left.state == Closed && left.coolDown == 0:
		u.parts, u.sole = nil, left.name
	}
}
