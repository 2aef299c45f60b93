package schedule

import "github.com/sluice-gateway/sluice/persist/record"

// How many flows a lane may have is decided at the door, which has to know which of them have something waiting. A share says so
// when its first queue gets something to do, and when its last one has nothing left: of what is in memory, on disk or under way
// alike, for a queue on disk stands among its share's queues too. Nothing is said while a share is busy.

// FlowWaits is that a flow has something waiting in a lane, at one priority, or has not any more.
type FlowWaits struct {
	Lane  record.Lane
	Flow  FlowName
	Waits bool
}

// FlowsWaiting calls back for each change since the last call, in their order. Nothing is kept where Settings.TellFlows is not
// set.
func (s *Schedule) FlowsWaiting(each func(*FlowWaits)) {
	for i := range s.flowWaits {
		each(&s.flowWaits[i])
	}
	if cap(s.flowWaits) > keepTold {
		s.flowWaits = nil // after a start there were as many as queues
		return
	}
	clear(s.flowWaits)
	s.flowWaits = s.flowWaits[:0]
}

// keepTold is for how many changes memory is kept.
const keepTold = 1024

// busy notes that a queue of the store has something to do.
func (s *Schedule) busy(q *queue) {
	if q.busy || q.callers {
		return
	}
	q.busy = true
	if q.share.busy++; q.share.busy == 1 {
		s.tellFlow(q.share, true)
	}
}

// idleNow notes that a queue has nothing left to do.
func (s *Schedule) idleNow(q *queue) {
	if !q.busy {
		return
	}
	q.busy = false
	if q.share.busy--; q.share.busy == 0 {
		s.tellFlow(q.share, false)
	}
}

func (s *Schedule) tellFlow(sh *share, waits bool) {
	if s.set.TellFlows {
		s.flowWaits = append(s.flowWaits, FlowWaits{sh.lane.id, sh.flow.name, waits})
	}
}
