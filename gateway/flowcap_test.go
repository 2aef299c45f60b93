package gateway

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

func TestTenThousandFlowsWaitInALaneAndTheNextIsOneTooMany(t *testing.T) {
	c := newFlowCap(func() int { return 10_000 })
	lane, other := record.Lane{Host: "a.example"}, record.Lane{Host: "b.example"}
	flow := func(n int) string { return fmt.Sprintf("f%d", n) }
	for n := range 10_000 {
		if _, ok := c.Claim(&lane, "default", flow(n)); !ok {
			t.Fatalf("flow %d was refused", n)
		}
	}
	claim := func(of *record.Lane, tenant, flow string, want bool) {
		t.Helper()
		if most, ok := c.Claim(of, tenant, flow); ok != want || !ok && most != 10_000 {
			t.Errorf("%s of %s to %s: %v, at most %d", flow, tenant, of.Host, ok, most)
		}
	}
	claim(&lane, "default", "new", false)
	claim(&lane, "eu", flow(1), false) // another tenant's is another flow
	claim(&lane, "default", flow(1), true)
	claim(&other, "default", "new", true)

	c.Unclaim(&lane, "default", flow(0)) // it was not stored
	claim(&lane, "default", "new", true)
	claim(&lane, "default", flow(0), false)

	name := schedule.FlowName{Tenant: "default", Flow: flow(2)}
	c.heard(&schedule.FlowWaits{Lane: lane, Flow: name, Waits: true})
	c.Unclaim(&lane, "default", flow(2)) // the dispatcher's word counts
	claim(&lane, "default", "newer", false)
	c.heard(&schedule.FlowWaits{Lane: lane, Flow: name})
	claim(&lane, "default", "newer", true)
	claim(&lane, "default", flow(2), false)
}

// TestTheAccountOfFlowsIsEmptyWhenNothingWaits mixes claims that are stored with such as are not, and the dispatcher's words.
func TestTheAccountOfFlowsIsEmptyWhenNothingWaits(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		c := newFlowCap(func() int { return 4 })
		lane := record.Lane{Host: "a.example"}
		waits := map[schedule.FlowName]int{}
		for range 500 {
			name := schedule.FlowName{Tenant: "default", Flow: fmt.Sprint(rnd.IntN(8))}
			switch _, ok := c.Claim(&lane, name.Tenant, name.Flow); {
			case !ok:
			case rnd.IntN(3) == 0:
				c.Unclaim(&lane, name.Tenant, name.Flow)
			case waits[name] == 0 || rnd.IntN(4) == 0 && waits[name] < 3:
				waits[name]++
				c.heard(&schedule.FlowWaits{Lane: lane, Flow: name, Waits: true})
			}
			if len(waits) > 4 {
				t.Fatalf("seed %d: %d flows wait, the cap is 4", seed, len(waits))
			}
			for name, n := range waits {
				if rnd.IntN(6) > 0 {
					continue
				}
				c.heard(&schedule.FlowWaits{Lane: lane, Flow: name})
				if waits[name] = n - 1; n == 1 {
					delete(waits, name)
				}
			}
		}
		for name, n := range waits {
			for range n {
				c.heard(&schedule.FlowWaits{Lane: lane, Flow: name})
			}
		}
		for i := range c.shards {
			if s := &c.shards[i]; len(s.flows)+len(s.lanes) > 0 {
				t.Fatalf("seed %d: left are %v and %v", seed, s.flows, s.lanes)
			}
		}
	}
}
