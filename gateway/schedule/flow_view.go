package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// FlowView is a flow as it stands, on all hosts together.
type FlowView struct {
	Name FlowName
	Held bool // by an operator
	// Suspended: by its rule.
	Suspended bool
	// HeldSince is since when; zero: it is not held, or nobody knows.
	HeldSince time.Time
	// Cancelling: a CancelFlow is not done. Cancelled is how many it ended so far, or the last one did; it is forgotten
	// with the flow, a minute after nothing of that waits.
	Cancelling bool
	Cancelled  int
	Ending     int // of the cancellation: taken, and not yet durably ended
	InFlight   int
	// Over: nothing of it waits, is under way, or is on its way to the store.
	Over    bool
	Waiting int       // in memory, and what was counted on disk
	More    bool      // the disk may hold more than that
	Oldest  record.ID // the first accepted of those next in their queues; zero: none
}

// FlowNames calls back with every flow that has something waiting or in flight, or that is held or being cancelled, in no
// order.
func (s *Schedule) FlowNames(each func(FlowName)) {
	for name := range s.flows {
		each(name)
	}
}

// Flow returns one flow as it stands, by what is in memory; false when nothing is known of it.
func (s *Schedule) Flow(name FlowName) (FlowView, bool) { return s.FlowCounted(name, nil) }

// FlowCounted is Flow, by what was counted on disk, too.
func (s *Schedule) FlowCounted(name FlowName, counted Counts) (FlowView, bool) {
	f := s.flows[name]
	if f == nil {
		return FlowView{}, false
	}
	return f.view(counted), true
}

func (f *flow) view(counted Counts) FlowView {
	v := FlowView{
		Name: f.name, Held: f.held, HeldSince: f.heldSince, Suspended: f.suspended, Over: !f.cancel.running(),
		Cancelling: f.cancel.running(), Cancelled: f.cancel.done, Ending: f.cancel.found, InFlight: f.gate.inFlight,
	}
	for _, sh := range f.shares {
		for _, q := range sh.queues {
			n, more := counted.waiting(q)
			v.Waiting += n
			v.Over = v.Over && q.done()
			v.More = v.More || more
			if q.window.len() == 0 {
				continue
			}
			if id := q.window.first().ID; v.Oldest == (record.ID{}) || id.Compare(v.Oldest) < 0 {
				v.Oldest = id
			}
		}
	}
	return v
}
