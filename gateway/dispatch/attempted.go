package dispatch

import (
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Attempted is what is told of an attempt that ended to whoever counts them.
type Attempted struct {
	Tenant       string
	Subscription string // empty: it is no delivery of one
	Seen         policy.Seen
}

// Stop is a flow that is to get nothing more.
type Stop struct {
	Flow schedule.FlowName
	// Cancel ends all that was accepted at or before it; zero: what waits, and what comes, is held.
	Cancel record.ID
}

// tellAttempted tells of the attempts among what ended that somebody counts, and stops what is to be stopped, before the
// schedule is asked what may start.
func (d *Dispatcher) tellAttempted(now time.Time, all []ended) {
	if d.set.Attempted == nil {
		return
	}
	told := d.told[:0]
	for i := range all {
		if a := &all[i].attempted; a.Subscription != "" || a.Seen.Outcome != "" && a.Seen.Outcome != policy.Delivered {
			told = append(told, *a)
		}
	}
	if d.told = told; len(told) == 0 {
		return
	}
	for _, stop := range d.set.Attempted(now, told) {
		if stop.Cancel == (record.ID{}) {
			d.schedule.HoldFlow(now, stop.Flow)
		} else {
			d.schedule.CancelFlow(now, stop.Flow, stop.Cancel)
		}
		d.saveNow = true
	}
}
