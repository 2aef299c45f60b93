package operate

import (
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
)

// The reasons of front.CapView that are no schedule.Reason.
const (
	capDemand = "demand" // nothing waits
	capRamp   = "ramp"   // it comes back after an outage
	capSlots  = "slots"  // the gateway's places are taken
)

// capOfLane says what keeps a lane from sending more.
func capOfLane(h *schedule.HostView, l *schedule.LaneView, now time.Time) front.CapView {
	until := front.Instant{Time: l.Until}
	switch {
	case h.Held:
		return front.CapView{Reason: string(schedule.Held), Detail: "an operator holds the host"}
	case h.Breaker.State != circuit.Closed:
		return front.CapView{
			Reason: string(schedule.Breaker), Detail: breakerWords(&h.Breaker, false, h.Breaker.OpenUntil),
			Until: front.Instant{Time: h.Breaker.OpenUntil},
		}
	case l.Waiting == 0 && !l.More:
		return front.CapView{Reason: capDemand, Detail: "nothing waits; " + limitWords(&l.Budget) + " would be allowed"}
	case l.Budget.PausedUntil.After(now) || l.Blocked == schedule.Pause:
		return front.CapView{Reason: string(schedule.Pause), Detail: pauseWords(&l.Budget, l.Budget.PausedUntil), Until: until}
	case h.Breaker.Share < 1:
		return front.CapView{
			Reason: capRamp, Detail: breakerWords(&h.Breaker, false, time.Time{}), Until: front.Instant{Time: h.Breaker.RampedBy},
		}
	case l.Blocked == schedule.Breaker:
		return front.CapView{Reason: string(schedule.Breaker), Detail: "its part of the host fails, see the breaker's parts", Until: until}
	case l.Blocked == schedule.Limit:
		return front.CapView{Reason: string(schedule.Limit), Detail: limitWords(&l.Budget), Until: until}
	case l.Blocked == schedule.Concurrency:
		return front.CapView{Reason: string(schedule.Concurrency), Detail: concurrencyWords(&l.Budget)}
	case l.Blocked == schedule.Due:
		return front.CapView{Reason: string(schedule.Due), Detail: "the next of those that wait is due at " + clock(l.Until), Until: until}
	case l.Blocked == schedule.Idle && l.Gate.Most > 0 && l.Until.IsZero():
		return front.CapView{Reason: string(schedule.Concurrency), Detail: gateWords(&l.Gate, false)}
	case l.Blocked == schedule.Idle && l.Gate.Rate > 0:
		return front.CapView{Reason: string(schedule.Limit), Detail: gateWords(&l.Gate, true), Until: until}
	case l.Blocked == schedule.Idle:
		return front.CapView{Reason: capDemand, Detail: "nothing that waits may go: it is held, or behind another of its ordering key"}
	}
	return front.CapView{Reason: capSlots, Detail: "the gateway's places for calls under way are taken"}
}

// capOfHost is that of the lane with the most waiting.
func capOfHost(h *schedule.HostView, lanes []front.LaneView) front.CapView {
	most := -1
	for i := range lanes {
		if most < 0 || lanes[i].Waiting > lanes[most].Waiting {
			most = i
		}
	}
	switch {
	case most >= 0:
		return lanes[most].Cap
	case h.Held:
		return front.CapView{Reason: string(schedule.Held), Detail: "an operator holds the host"}
	}
	return front.CapView{Reason: capDemand, Detail: "nothing waits"}
}
