package gateway_test

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/gateway/simulate"
)

// TestAHostThatNeverAnswersCostsTwentyCallsAndThenProbes plays six hours of a host that takes connections, never answers and
// tells no limit: whatever the time-out and however much waits or comes, its breaker opens, and what it holds of slots is
// bounded before and little after.
func TestAHostThatNeverAnswersCostsTwentyCallsAndThenProbes(t *testing.T) {
	for name, c := range map[string]struct {
		yaml   string
		count  int
		over   time.Duration // in which they are accepted
		atOnce int           // calls that may be under way
		opens  time.Duration // by then
	}{
		"braze's 90 s, 2,000 waiting":      {"{}", 2000, 0, 16, 8 * time.Minute},
		"braze's 90 s, one a minute":       {"{}", 360, 6 * time.Hour, 16, 10 * time.Minute},
		"20 s, 2,000 waiting":              {"policies: {default: {extends: braze, timeout: 20s}}", 2000, 0, 16, 2 * time.Minute},
		"10 min, 2,000 waiting":            {"policies: {default: {extends: braze, timeout: 10m}}", 2000, 0, 16, 51 * time.Minute},
		"90 s, one call at once":           {"limits: {default: {concurrency: {start: 1, max: 1}}}", 2000, 0, 1, 31 * time.Minute},
		"90 s, begins with a hundred more": {"limits: {default: {start: 1000/s, concurrency: {start: 100}}}", 2000, 0, 100, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			conf, err := configs.Parse("sluice.yaml", []byte(c.yaml))
			if err != nil {
				t.Fatal(err)
			}
			const host = "hole.example"
			sc := &simulate.Scenario{
				Start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), Length: 6 * time.Hour, Seed: 1,
				Hosts: []simulate.Host{{
					Name: host, Latency: 50 * time.Millisecond,
					Outages: []simulate.Outage{{For: 7 * time.Hour, Answer: simulate.Silence}},
				}},
				Campaigns: []simulate.Campaign{{
					Flow: "f", Tenant: "default", Host: host, Policy: "default", Count: c.count, Over: c.over,
				}},
			}
			var calls []time.Duration
			var opened time.Duration
			halfOpenings := 0
			_, err = gateway.Play(conf, sc, func(set *simulate.Settings) {
				set.Called = func(_ string, at time.Duration) { calls = append(calls, at) }
				set.Changed = func(_ string, at time.Duration, tr circuit.Transition) {
					switch {
					case tr.To == circuit.Closed:
						t.Errorf("the breaker closed after %v", at)
					case opened == 0:
						opened = at
					default:
						halfOpenings++
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if opened == 0 || opened > c.opens {
				t.Errorf("its breaker opened after %v, want within %v", opened, c.opens)
			}
			if most := conf.Breaker.MinRequests + c.atOnce + conf.Breaker.Probes*(halfOpenings+1); len(calls) > most {
				t.Errorf("%d calls, allowed are %d with %d half-openings", len(calls), most, halfOpenings)
			}
			timeout := conf.PolicySet()["default"].Timeout
			for i, at := range calls {
				under, most := 0, c.atOnce
				if at > opened+timeout {
					most = min(most, conf.Breaker.Probes)
				}
				for j := i; j >= 0 && calls[j]+timeout > at; j-- {
					under++
				}
				if under > most {
					t.Fatalf("%d calls under way after %v, want %d at most", under, at, most)
				}
			}
		})
	}
}
