package dispatch

import (
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// Attempted is what is told of an attempt that ended to whoever counts them.
type Attempted struct {
	Tenant       string
	Subscription string // empty: it is no delivery of one
	Seen         policy.Seen
}

// tellAttempted tells of the attempts among what ended that somebody counts, and has the flows whose rule that changed
// follow it, before the schedule is asked what may start.
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
	for _, name := range d.set.Attempted(now, told) {
		d.schedule.RuleFlow(now, name)
	}
}
