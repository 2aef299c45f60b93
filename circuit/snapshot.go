package circuit

import "time"

// SnapshotVersion is the version of Snapshot that is written. Restore ignores others: a breaker then starts closed.
const SnapshotVersion = 1

// Snapshot is what a breaker remembers over a restart. Instants are Unix ms, 0: none. The counts of the window are
// not kept: a host that is still ill opens the breaker again within MinRequests calls.
type Snapshot struct {
	Version    int   `json:"v"`
	State      State `json:"state"`
	Until      int64 `json:"until,omitempty"`
	CoolDownMs int64 `json:"cool_down_ms,omitempty"`
	ClosedAt   int64 `json:"closed_at,omitempty"`
}

// Snapshot returns what is worth remembering.
func (b *Breaker) Snapshot() Snapshot {
	s := Snapshot{Version: SnapshotVersion, State: b.state, CoolDownMs: b.coolDown.Milliseconds()}
	if b.state == Open {
		s.Until = b.until.UnixMilli()
	}
	if !b.closedAt.IsZero() {
		s.ClosedAt = b.closedAt.UnixMilli()
	}
	return s
}

// Restore takes up what a snapshot remembers, under the breaker's own configuration; the breaker must be new. Probes
// that were out are forgotten: a breaker that was half-open is open, with its cool-down over.
func (b *Breaker) Restore(s Snapshot, now time.Time) {
	now = b.see(now)
	if s.Version != SnapshotVersion {
		return
	}
	b.coolDown = min(max(0, time.Duration(s.CoolDownMs)*time.Millisecond), b.cfg.CoolDownMax)
	if s.ClosedAt != 0 {
		b.closedAt = time.UnixMilli(s.ClosedAt)
	}
	switch s.State {
	case Open:
		b.until = time.UnixMilli(s.Until)
		if latest := now.Add(b.cfg.CoolDownMax); b.until.After(latest) {
			b.until = latest // the clock went back meanwhile
		}
		b.enter(Open)
	case HalfOpen:
		b.until = now
		b.enter(Open)
	}
}

// View is a breaker as it is shown to people.
type View struct {
	State     State
	OpenUntil time.Time // while open; zero otherwise
	CoolDown  time.Duration
	Probes    int // out, while half-open
	Succeeded int // probes, while half-open
	// Calls ended in the window, and Failures of those failed; of an open or half-open breaker, when it opened.
	Calls, Failures int
}

// View returns the breaker as it stands.
func (b *Breaker) View(now time.Time) View {
	now = b.see(now)
	v := View{
		State: b.state, CoolDown: b.coolDown, Probes: len(b.probes), Succeeded: b.succeeded,
		Calls: b.calls, Failures: b.failures,
	}
	switch b.state {
	case Open:
		v.OpenUntil = b.until
	case Closed:
		v.Calls, v.Failures = b.window.sum(now, b.cfg.Window)
	}
	return v
}
