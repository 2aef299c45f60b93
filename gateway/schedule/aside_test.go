package schedule_test

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// TestAPartThatFailsDoesNotHoldTheOthersOfItsLane has one tenant's calls fail for two minutes, in the lane of another's.
func TestAPartThatFailsDoesNotHoldTheOthersOfItsLane(t *testing.T) {
	s := paced(100, schedule.Settings{})
	now := epoch
	n := 0
	waits := map[string]int{}
	sent := map[string][]time.Time{}
	for now.Before(epoch.Add(5 * time.Minute)) {
		for _, tenant := range []string{"sick", "well"} {
			for ; waits[tenant] < 20; waits[tenant]++ {
				n++
				q := record.Queue{Lane: record.Lane{Host: "a.example"}, Tenant: tenant, Flow: "f"}
				s.Committed(now, fresh(q, n, now))
			}
		}
		for _, st := range append([]schedule.Start(nil), s.Next(now).Start...) {
			tenant := "well"
			if st.Queue == (&record.Queue{Lane: record.Lane{Host: "a.example"}, Tenant: "sick", Flow: "f"}).ID() {
				tenant = "sick"
			}
			waits[tenant]--
			sent[tenant] = append(sent[tenant], now)
			end := schedule.End{ID: st.Entry.ID, Permit: st.Permit, Seen: limiter.Observation{Sent: now, Received: now, Status: 200}}
			if tenant == "sick" && now.Before(epoch.Add(2*time.Minute)) {
				end.Health, end.Seen.Status = circuit.Failure, 500
			}
			s.Ended(now, &end)
			s.Settled(now, st.Entry.ID, nil)
		}
		now = now.Add(10 * time.Millisecond)
	}
	in := func(tenant string, from, to time.Duration) (calls int) {
		for _, at := range sent[tenant] {
			if since := at.Sub(epoch); since >= from && since < to {
				calls++
			}
		}
		return calls
	}
	if got := in("sick", 5*time.Second, 2*time.Minute); got > 3*circuit.DefaultProbes {
		t.Errorf("the part that fails made %d calls while it was open, want no more than probes", got)
	}
	for from := 10 * time.Second; from < 100*time.Second; from += 10 * time.Second {
		if got := in("well", from, from+10*time.Second); got < 800 {
			t.Errorf("from %v on the other made %d calls in ten seconds, of the 1000 that the lane may", from, got)
		}
	}
	if got := in("sick", 4*time.Minute+30*time.Second, 5*time.Minute); got < 1200 {
		t.Errorf("when it was well again it made %d calls in half a minute, want its half of 3000", got)
	}
}
