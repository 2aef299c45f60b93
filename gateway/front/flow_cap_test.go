package front

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/sluice-gateway/sluice/persist/record"
)

func TestTenThousandFlowsWaitInALaneAndTheNextIsOneTooMany(t *testing.T) {
	c := NewFlowCap(func() int { return 10_000 })
	lane, other := record.Lane{Host: "a.example"}, record.Lane{Host: "b.example"}
	flow := func(n int) string { return fmt.Sprintf("f%d", n) }
	for n := range 10_000 {
		if _, ok := c.claim(&lane, "default", flow(n)); !ok {
			t.Fatalf("flow %d was refused", n)
		}
	}
	claim := func(of *record.Lane, tenant, flow string, want bool) {
		t.Helper()
		if most, ok := c.claim(of, tenant, flow); ok != want || !ok && most != 10_000 {
			t.Errorf("%s of %s to %s: %v, at most %d", flow, tenant, of.Host, ok, most)
		}
	}
	claim(&lane, "default", "new", false)
	claim(&lane, "eu", flow(1), false) // another tenant's is another flow
	claim(&lane, "default", flow(1), true)
	claim(&other, "default", "new", true)

	c.unclaim(&lane, "default", flow(0)) // it was not stored
	claim(&lane, "default", "new", true)
	claim(&lane, "default", flow(0), false)

	c.Heard(&lane, "default", flow(2), true)
	c.unclaim(&lane, "default", flow(2)) // the dispatcher's word counts
	claim(&lane, "default", "newer", false)
	c.Heard(&lane, "default", flow(2), false)
	claim(&lane, "default", "newer", true)
	claim(&lane, "default", flow(2), false)
}

// TestTheAccountOfFlowsIsEmptyWhenNothingWaits mixes claims that are stored with such as are not, and the dispatcher's words.
func TestTheAccountOfFlowsIsEmptyWhenNothingWaits(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		c := NewFlowCap(func() int { return 4 })
		lane := record.Lane{Host: "a.example"}
		waits := map[string]int{}
		for range 500 {
			flow := fmt.Sprint(rnd.IntN(8))
			switch _, ok := c.claim(&lane, "default", flow); {
			case !ok:
			case rnd.IntN(3) == 0:
				c.unclaim(&lane, "default", flow)
			case waits[flow] == 0 || rnd.IntN(4) == 0 && waits[flow] < 3:
				waits[flow]++
				c.Heard(&lane, "default", flow, true)
			}
			if len(waits) > 4 {
				t.Fatalf("seed %d: %d flows wait, the cap is 4", seed, len(waits))
			}
			for flow, n := range waits {
				if rnd.IntN(6) > 0 {
					continue
				}
				c.Heard(&lane, "default", flow, false)
				if waits[flow] = n - 1; n == 1 {
					delete(waits, flow)
				}
			}
		}
		for flow, n := range waits {
			for range n {
				c.Heard(&lane, "default", flow, false)
			}
		}
		for i := range c.shards {
			if s := &c.shards[i]; len(s.flows)+len(s.lanes) > 0 {
				t.Fatalf("seed %d: left are %v and %v", seed, s.flows, s.lanes)
			}
		}
	}
}
