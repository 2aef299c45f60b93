package gateway_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/gateway/simulate"
)

// TestWhatWasDeferredComesBackOneByOneAtThePace plays what holds a host back while much waits for it: however it ends, the
// calls that follow are as far apart as the host's ten a second are, and none of what waited goes as a herd. The oracle is the
// list of all calls: what any time of theirs may hold.
func TestWhatWasDeferredComesBackOneByOneAtThePace(t *testing.T) {
	const (
		rate    = 10
		latency = 80 * time.Millisecond
	)
	tenAtMost := "limits: {default: {ceiling: 10/s}}"
	window := []destination.Spec{{Algorithm: destination.Fixed, Limit: 100, Per: 10 * time.Second}}
	for name, c := range map[string]struct {
		yaml string
		host simulate.Host
	}{
		"a pause that was asked for": {tenAtMost, simulate.Host{Limits: window, Dialect: destination.RetryAfterOnly, Others: 4}},
		"a window that is told":      {"{}", simulate.Host{Limits: window, Dialect: destination.Draft8, Others: 2}},
		"a breaker, after failures": {tenAtMost, simulate.Host{
			Outages: []simulate.Outage{{At: 20 * time.Second, For: 2 * time.Minute, Answer: 503}},
		}},
		"a breaker, after silence": {tenAtMost, simulate.Host{
			Outages: []simulate.Outage{{At: 20 * time.Second, For: 5 * time.Minute, Answer: simulate.Silence}},
		}},
	} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s, seed %d", name, seed), func(t *testing.T) {
				conf, err := configs.Parse("sluice.yaml", []byte(c.yaml))
				if err != nil {
					t.Fatal(err)
				}
				c.host.Name, c.host.Latency, c.host.Jitter = "api.example.com", latency, latency/2
				sc := &simulate.Scenario{
					Start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), Length: time.Hour, Seed: seed, Hosts: []simulate.Host{c.host},
				}
				const each = 500
				for _, flow := range []string{"a", "b", "c"} {
					sc.Campaigns = append(sc.Campaigns, simulate.Campaign{
						Flow: flow, Tenant: "default", Host: c.host.Name, Policy: "default", Count: each,
					})
				}
				var calls []time.Duration
				report, err := gateway.Play(conf, sc, func(set *simulate.Settings) {
					set.Called = func(_ string, at time.Duration) { calls = append(calls, at) }
				})
				if err != nil {
					t.Fatal(err)
				}
				deferred := time.Duration(0)
				for i := range calls {
					if i > 0 {
						deferred = max(deferred, calls[i]-calls[i-1])
					}
					for _, within := range []time.Duration{100 * time.Millisecond, time.Second, 10 * time.Second} {
						n := 0
						for j := i; j >= 0 && calls[j] > calls[i]-within; j-- {
							n++
						}
						if most := int(rate*within.Seconds()*1.1) + 1; n > most {
							t.Fatalf("%d calls within the %s before %s, want %d at most", n, within, calls[i], most)
						}
					}
				}
				if deferred < time.Second {
					t.Errorf("nothing was deferred for longer than %s: that proves nothing", deferred)
				}
				for _, f := range report.Flows {
					if f.Delivered != each {
						t.Errorf("%d of %d of flow %s were delivered", f.Delivered, each, f.Flow)
					}
				}
			})
		}
	}
}
