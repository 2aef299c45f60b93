package schedule

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/limiter"
)

// Reconfigure puts hosts and lanes under another configuration and keeps what they learned, as far as that allows it. limit
// tells what the lanes of a host are under from now on, breaker the same of its breaker; each answers false where nothing
// is new, and such a host is left alone. What is made later, of hosts that were not called of late too, is made by
// Settings, as ever.
func (s *Schedule) Reconfigure(
	now time.Time, limit func(host string) (limiter.Config, bool), breaker func(host string) (circuit.Config, bool),
) {
	for name, h := range s.hosts {
		limits, limited := limit(name)
		breaks, broken := breaker(name)
		if broken && h.breaker != nil {
			h.breaker.Reconfigure(breaks)
		}
		for _, l := range h.lanes.all {
			if limited && l.budget != nil {
				l.budget.Reconfigure(limits, now)
			}
			if limited || broken {
				s.changed(l)
			}
		}
	}
}
