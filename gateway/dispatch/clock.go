package dispatch

import (
	"time"

	"github.com/sluice-gateway/sluice/gateway/schedule"
)

// Leap returns by how much the clock was set forward, where that is not believed yet: see schedule.ClockSet.
func (d *Dispatcher) Leap() schedule.ClockSet {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.schedule.Leap()
}

// Ahead returns by how much the clock is ahead of what is believed.
func (d *Dispatcher) Ahead() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.tellSleep(now)
	return d.schedule.Ahead(now)
}

// tellSleep tells the schedule how long the machine slept, where it asks for that.
func (d *Dispatcher) tellSleep(now time.Time) {
	if d.set.Slept != nil && d.schedule.AsksForSleep(now) {
		d.schedule.MachineSlept(d.set.Slept())
	}
}

// logClock logs that the clock was set, and what that holds.
func (d *Dispatcher) logClock() {
	set := d.clockSet // the loop's own
	if set.By == 0 {
		return
	}
	d.clockSet = schedule.ClockSet{}
	line := d.set.Log.Warn().Stringer("by", set.By.Round(time.Second))
	switch {
	case set.By < 0 && set.Until.IsZero():
		line.Msg("the clock was set back: what has an instant of its own, the next try of what failed too, waits for that")
	case set.By < 0:
		line.Time("until", set.Until).Msg("the clock was set back, by less than it was set forward before")
	case set.Until.IsZero():
		line.Msg("the clock that was set forward is believed: what that made due is sent, and what it put past its deadline expires")
	default:
		line.Time("until", set.Until).Msg("the clock was set forward: what that alone makes due or lets expire is held, unless it is set back")
	}
}
