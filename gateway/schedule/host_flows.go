package schedule

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/sluice-gateway/sluice/persist/record"
)

// HostFlow is what waits of a flow at one host.
type HostFlow struct {
	Name    FlowName
	Held    bool
	Waiting int       // in memory, and what was counted on disk
	More    bool      // the disk holds more than that
	Oldest  record.ID // the first accepted of those next in its queues; zero: none
}

// FlowsAt returns the flows that have something waiting at a host, those with the most of it first, at most so many, and how
// many there are.
func (s *Schedule) FlowsAt(name string, most int, counted Counts) (flows []HostFlow, all int) {
	h := s.hosts[name]
	if h == nil {
		return nil, 0
	}
	sums := map[*flow]*HostFlow{}
	for _, l := range h.lanes.all {
		for q := range l.queues() {
			if q.window.len() == 0 && !q.more {
				continue
			}
			f := q.share.flow
			v := sums[f]
			if v == nil {
				v = &HostFlow{Name: f.name, Held: f.stopped()}
				sums[f] = v
			}
			n, more := counted.waiting(q)
			v.Waiting += n
			v.More = v.More || more
			if q.window.len() > 0 {
				if id := q.window.first().ID; v.Oldest == (record.ID{}) || id.Compare(v.Oldest) < 0 {
					v.Oldest = id
				}
			}
		}
	}
	for _, v := range sums {
		flows = append(flows, *v)
	}
	slices.SortFunc(flows, func(a, b HostFlow) int {
		return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), bytes.Compare(a.Oldest[:], b.Oldest[:]),
			cmp.Compare(a.Name.Tenant, b.Name.Tenant), cmp.Compare(a.Name.Flow, b.Name.Flow))
	})
	return flows[:min(most, len(flows))], len(flows)
}
