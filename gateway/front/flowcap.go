package front

import (
	"fmt"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// FlowCap bounds how many flows with something waiting a lane has.
type FlowCap interface {
	// Claim counts a flow for a webhook that is about to be stored. False: its lane has as many as it may, which is most, and
	// this is none of them.
	Claim(lane *record.Lane, tenant, flow string) (most int, ok bool)
	// Unclaim takes a claim back: nothing new was stored.
	Unclaim(lane *record.Lane, tenant, flow string)
}

// claim counts a webhook's flow in its lane; a problem where that is one too many.
func (f *Front) claim(w *record.Webhook) *problem {
	if f.set.FlowCap == nil {
		return nil
	}
	lane := w.Queue().Lane
	most, ok := f.set.FlowCap.Claim(&lane, w.Tenant, w.Flow)
	if ok {
		return nil
	}
	fault := fault{
		Pointer: "/flow", Value: w.Flow, Problem: fmt.Sprintf("is one too many: %d other flows wait for %s, the most there may be", most, w.Host),
		Want: "one of those, or later, when some have nothing waiting; limits.default.max_flows raises the cap",
	}
	p := newProblem(400, "too-many-flows", "Too many flows wait for one destination",
		fmt.Sprintf("%s: %q %s; want %s", fault.Pointer, fault.Value, fault.Problem, fault.Want))
	p.Errors = append(p.Errors, fault)
	return p
}

// unclaim takes back what was claimed for jobs of which nothing new was stored; receipts is empty where none was stored.
func (f *Front) unclaim(jobs []persist.Job, receipts []persist.Receipt) {
	if f.set.FlowCap == nil {
		return
	}
	for i := range jobs {
		if i >= len(receipts) || receipts[i].Verdict != persist.New {
			q := &jobs[i].Queue
			f.set.FlowCap.Unclaim(&q.Lane, q.Tenant, q.Flow)
		}
	}
}
