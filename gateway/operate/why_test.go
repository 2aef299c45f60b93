package operate

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
)

func TestAFlowsOwnRuleIsNamedWhereItIsWhatHoldsCallsBack(t *testing.T) {
	flow := schedule.FlowName{Tenant: "eu", Flow: "spring"}
	at := time.Unix(1e9, 0)
	closed := circuit.View{State: circuit.Closed, Share: 1}
	for _, c := range []struct {
		reason schedule.Reason
		gate   schedule.GateView
		until  time.Time
		want   string
	}{
		{schedule.Limit, schedule.GateView{Flow: flow, Rate: 25. / 3}, at, "flow spring has a rate of its own, 8.333 per second on all hosts together"},
		{schedule.Limit, schedule.GateView{Flow: flow, OfTenant: true, Rate: 50}, at, "tenant eu has a rate of its own, 50 per second on all hosts together"},
		{
			schedule.Concurrency, schedule.GateView{Flow: flow, Most: 5}, time.Time{},
			"flow spring has a concurrency of its own, 5 at once on all hosts together, and as many are under way",
		},
	} {
		w := waiting{Waiting: schedule.Waiting{Reason: c.reason, Gate: c.gate, Position: 7}, flow: flow}
		if got := w.words(); got != c.want+"; position 8 in flow spring (7 before it)" {
			t.Errorf("a webhook: %s", got)
		}
		l := schedule.LaneView{Gate: c.gate, Waiting: 9, Until: c.until}
		got := capOfLane(&schedule.HostView{Breaker: closed}, &l, at)
		if got.Reason != string(c.reason) || got.Detail != c.want || !got.Until.Equal(c.until) {
			t.Errorf("a lane: %+v", got)
		}
	}
	l := schedule.LaneView{Waiting: 9}
	if got := capOfLane(&schedule.HostView{Breaker: closed}, &l, at); got.Reason != capDemand || !strings.Contains(got.Detail, "it is held") {
		t.Errorf("%+v", got)
	}
}

func TestWhatTheHostToldIsNotCalledNothing(t *testing.T) {
	v := limiter.View{Rate: 10, From: "start"}
	if got := limitWords(&v); !strings.Contains(got, "nothing is known of the host yet") {
		t.Error(got)
	}
	v.Windows = []limiter.WindowView{{Limit: 20, Per: time.Second, Guessed: true, Source: "X-Rate-Limit-*"}}
	if got := limitWords(&v); got != "10 per second (the configured start, until the limit that the host told has proved right)" {
		t.Error(got)
	}
}

func TestRatesAreShownInAsManyDigitsAsTheyHave(t *testing.T) {
	for perSecond, want := range map[float64]float64{0: 0, 20.009999999999998: 20.01, 2. / 3: 0.6667, 1234.5678: 1235, 1e6: 1e6, 1. / 3600: 0.0002778} {
		if got := shownRate(perSecond); got != want {
			t.Errorf("%v is shown as %v, want %v", perSecond, got, want)
		}
	}
}
