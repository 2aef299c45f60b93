package schedule

import (
	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Distress is what of a host may call for a person.
type Distress struct {
	Host    string
	Breaker circuit.State
	Oldest  record.ID // the first accepted of those next in its queues; zero: none waits
}

// Distressed calls back for every host whose breaker is not closed, or that something waits for.
func (s *Schedule) Distressed(each func(Distress)) {
	for _, h := range s.hosts {
		d := Distress{Host: h.name, Breaker: circuit.Closed}
		if h.breaker != nil {
			d.Breaker = h.breaker.State()
		}
		for _, l := range h.lanes.all {
			for q := range l.queues() {
				if q.window.len() == 0 {
					continue
				}
				if id := q.window.first().ID; d.Oldest == (record.ID{}) || id.Compare(d.Oldest) < 0 {
					d.Oldest = id
				}
			}
		}
		if d.Breaker != circuit.Closed || d.Oldest != (record.ID{}) {
			each(d)
		}
	}
}
