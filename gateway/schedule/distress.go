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

// distressAtOnce is how many hosts, and queues of theirs, one Distressed looks at; a host is looked at whole.
const distressAtOnce = 1024

// Distressed calls back for hosts whose breaker is not closed, or, if waiting is asked for, that something waits for. It looks at a
// part of them: from is 0 at first, and then the next that it returned, until there are no more. One may be called back for twice;
// which are there all the while are all looked at.
func (s *Schedule) Distressed(from uint64, waiting bool, each func(Distress)) (next uint64, more bool) {
	next = max(from, s.looked) // those before it were looked at lately, and stand at the end again
	seen := 0
	for _, look := range s.looks.from(next - s.looked) {
		if seen >= distressAtOnce {
			return next, true
		}
		next++
		seen++
		h := look.host
		if h.presence == departed {
			continue
		}
		d := Distress{Host: h.name, Breaker: circuit.Closed}
		if h.breaker != nil {
			d.Breaker = h.breaker.State()
		}
		if waiting {
			seen += h.oldest(&d.Oldest)
		}
		if d.Breaker != circuit.Closed || d.Oldest != (record.ID{}) {
			each(d)
		}
	}
	return next, false
}

// oldest finds the first accepted of those next in a host's queues, and returns how many it looked at.
func (h *host) oldest(first *record.ID) (queues int) {
	for _, l := range h.lanes.all {
		for q := range l.queues() {
			queues++
			if q.window.len() == 0 {
				continue
			}
			if id := q.window.first().ID; *first == (record.ID{}) || id.Compare(*first) < 0 {
				*first = id
			}
		}
	}
	return queues
}
