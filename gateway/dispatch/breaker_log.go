package dispatch

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
)

// breakerChange is a breaker's transition, and how it stood then.
type breakerChange struct {
	host string
	circuit.Transition
	view circuit.View
	part bool // of the host only
}

// breakerChanged notes a transition, to be saved and logged.
func (d *Dispatcher) breakerChanged(host string, t circuit.Transition, now time.Time) {
	v, part := d.schedule.Breaker(host).Holding(now, t.Of)
	d.changes = append(d.changes, breakerChange{host, t, v, part})
	d.saveNow = true
}

// logChanges logs the breakers' transitions.
func (d *Dispatcher) logChanges() {
	d.mu.Lock()
	changes := d.changes
	d.changes = nil
	d.mu.Unlock()
	for i := range changes {
		c := &changes[i]
		d.metrics.breaker(d.set.HostLabel(c.host), c.Transition)
		line := d.set.Log.Warn().Str("host", c.host).Stringer("from", c.From).Stringer("to", c.To).Str("cause", c.Cause)
		if c.Partial && c.part {
			line = line.Str("tenant", c.Of.Tenant).Hex("lane", c.Of.Key[:])
		}
		if c.To == circuit.Open {
			line = line.Time("probes_at", c.view.OpenUntil)
		}
		line.Msg("breaker changed")
	}
}
