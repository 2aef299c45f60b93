package circuit

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// SnapshotVersion is the version of Snapshot that is written. Restore reads those from 1 on and ignores others: a breaker
// then starts closed.
const SnapshotVersion = 2

// Snapshot is what a breaker remembers over a restart. Instants are Unix ms, 0: none. The counts of the windows are not
// kept: a host that is still ill opens the breaker again within MinRequests calls.
type Snapshot struct {
	Version int `json:"v"`
	SavedGate
	// Since version 2:
	Forced  State         `json:"forced,omitempty"`
	Tenants []SavedPart   `json:"tenants,omitempty"` // under the scope HostTenant
	Parts   []SavedPart   `json:"parts,omitempty"`
	Changes []SavedChange `json:"changes,omitempty"`
}

// SavedGate is a host's or a part's state in a Snapshot.
type SavedGate struct {
	State      State `json:"state"`
	Until      int64 `json:"until,omitempty"`
	CoolDownMs int64 `json:"cool_down_ms,omitempty"`
	ClosedAt   int64 `json:"closed_at,omitempty"`
	Calls      int   `json:"calls,omitempty"`    // when it last opened; since version 2
	Failures   int   `json:"failures,omitempty"` // of those
}

// SavedPart is a part in a Snapshot that has something worth remembering.
type SavedPart struct {
	Key    string `json:"key,omitempty"` // hexadecimal; empty: the whole host
	Tenant string `json:"tenant"`
	SavedGate
}

// SavedChange is a Change in a Snapshot.
type SavedChange struct {
	At      int64  `json:"at"`
	From    State  `json:"from"`
	To      State  `json:"to"`
	Partial bool   `json:"partial,omitempty"`
	Key     string `json:"key,omitempty"`
	Tenant  string `json:"tenant,omitempty"`
	Cause   string `json:"cause"`
}

// Snapshot returns what is worth remembering.
func (b *Breaker) Snapshot() Snapshot {
	s := Snapshot{Version: SnapshotVersion, SavedGate: b.rest.saved(), Forced: b.forced}
	b.each(func(u *unit) {
		if u.tenant != nil && u.worthSaving() {
			s.Tenants = append(s.Tenants, SavedPart{Tenant: *u.tenant, SavedGate: u.saved()})
		}
		for name, p := range u.parts {
			if p.worthSaving() {
				s.Parts = append(s.Parts, SavedPart{Key: keyText(name.Key), Tenant: name.Tenant, SavedGate: p.saved()})
			}
		}
	})
	byName := func(x, y SavedPart) int { return strings.Compare(x.Tenant+" "+x.Key, y.Tenant+" "+y.Key) }
	slices.SortFunc(s.Tenants, byName)
	slices.SortFunc(s.Parts, byName)
	for _, c := range b.history {
		s.Changes = append(s.Changes, SavedChange{
			At: c.At.UnixMilli(), From: c.From, To: c.To, Partial: c.Partial, Key: keyText(c.Of.Key), Tenant: c.Of.Tenant,
			Cause: c.Cause,
		})
	}
	return s
}

func (g *gate) worthSaving() bool { return g.state != Closed || g.coolDown > 0 }

func (g *gate) saved() SavedGate {
	s := SavedGate{State: g.state, CoolDownMs: g.coolDown.Milliseconds(), Calls: g.calls, Failures: g.failures}
	if g.state == Open {
		s.Until = g.until.UnixMilli()
	}
	if !g.closedAt.IsZero() {
		s.ClosedAt = g.closedAt.UnixMilli()
	}
	return s
}

// Restore takes up what a snapshot remembers, under the breaker's own configuration; the breaker must be new. Probes that
// were out are forgotten: what was half-open is open, with its cool-down over.
func (b *Breaker) Restore(s Snapshot, now time.Time) {
	now = b.see(now)
	if s.Version < 1 || s.Version > SnapshotVersion {
		return
	}
	b.rest.restore(&s.SavedGate, now, &b.cfg)
	if s.Forced == Open || s.Forced == Closed {
		b.forced = s.Forced
	}
	if b.cfg.Scope == HostTenant {
		b.rest.enter(Closed)
		b.tenants = map[string]*unit{}
		for i := range s.Tenants[:min(len(s.Tenants), maxTenants)] {
			b.newTenant(s.Tenants[i].Tenant).restore(&s.Tenants[i].SavedGate, now, &b.cfg)
		}
	}
	for i := range s.Parts {
		saved := &s.Parts[i]
		key, ok := parseKey(saved.Key)
		u := b.find(Part{Tenant: saved.Tenant})
		if !ok || len(u.parts) >= maxParts || b.cfg.Scope == HostTenant && u.tenant == nil {
			continue
		}
		if u.parts == nil {
			u.parts = map[Part]*part{}
		}
		u.newPart(Part{key, saved.Tenant}).restore(&saved.SavedGate, now, &b.cfg)
	}
	b.each(func(u *unit) {
		b.back = later(b.back, u.closedAt)
		for _, p := range u.parts {
			b.back = later(b.back, p.closedAt)
		}
	})
	for _, c := range s.Changes[max(0, len(s.Changes)-keptChanges):] {
		key, _ := parseKey(c.Key)
		b.remember(time.UnixMilli(c.At), Transition{
			From: c.From, To: c.To, Partial: c.Partial, Of: Part{key, c.Tenant}, Cause: c.Cause,
		})
	}
}

func (g *gate) restore(s *SavedGate, now time.Time, c *Config) {
	g.coolDown = min(max(0, time.Duration(s.CoolDownMs)*time.Millisecond), c.CoolDownMax)
	g.calls, g.failures = s.Calls, s.Failures
	if s.ClosedAt != 0 {
		g.closedAt = time.UnixMilli(s.ClosedAt)
	}
	if s.State != Open && s.State != HalfOpen {
		return
	}
	g.until = now
	if s.State == Open {
		g.until = time.UnixMilli(s.Until)
		if latest := now.Add(c.CoolDownMax); g.until.After(latest) {
			g.until = latest // the clock went back meanwhile
		}
	}
	g.enter(Open)
}

func keyText(key [16]byte) string {
	if key == ([16]byte{}) {
		return ""
	}
	return hex.EncodeToString(key[:])
}

func parseKey(text string) (key [16]byte, ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 0 && len(b) != len(key) {
		return key, false
	}
	copy(key[:], b)
	return key, true
}
