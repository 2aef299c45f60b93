package gateway_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/gateway/simulate"
)

// TestAnOutageCostsProbesOnlyAndTheRateComesBackWithoutABurst plays outages of ten minutes at a host with a backlog, of all
// kinds, and judges every call by what the host could have borne.
func TestAnOutageCostsProbesOnlyAndTheRateComesBackWithoutABurst(t *testing.T) {
	for _, rate := range []int{5, 50} {
		for name, answer := range map[string]simulate.Answer{"503": 503, "500": 500, "refused": simulate.Refuse, "silence": simulate.Silence} {
			for seed := range uint64(2) {
				t.Run(fmt.Sprintf("%d a second, %s, seed %d", rate, name, seed), func(t *testing.T) {
					t.Parallel()
					playOutage(t, rate, answer, destination.Draft8, seed)
				})
			}
		}
	}
}

// TestAHostThatTellsNothingGetsNoMoreThanBeforeItsOutage: what it accepted while it was spared says nothing of a higher pace.
func TestAHostThatTellsNothingGetsNoMoreThanBeforeItsOutage(t *testing.T) {
	for _, rate := range []int{20, 50} {
		for name, answer := range map[string]simulate.Answer{"503": 503, "refused": simulate.Refuse} {
			t.Run(fmt.Sprintf("%d a second, %s", rate, name), func(t *testing.T) {
				t.Parallel()
				playOutage(t, rate, answer, destination.NoHeaders, 1)
			})
		}
	}
}

func playOutage(t *testing.T, rate int, answer simulate.Answer, told destination.Dialect, seed uint64) {
	t.Helper()
	const (
		host    = "api.example.com"
		begins  = 5 * time.Minute // by then the rate is known
		lasts   = 10 * time.Minute
		over    = begins + lasts
		watched = over + 15*time.Minute
		latency = 80 * time.Millisecond
		jitter  = 4 * time.Millisecond
	)
	conf := configs.Default()
	sc := &simulate.Scenario{
		Start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), Length: watched, Seed: seed,
		Hosts: []simulate.Host{{
			Name: host, Latency: latency, Jitter: jitter, Dialect: told,
			Limits:  []destination.Spec{{Algorithm: destination.GCRA, Limit: rate, Per: time.Second, Burst: max(1, rate/10)}},
			Outages: []simulate.Outage{{At: begins, For: lasts, Answer: answer}},
		}},
		Campaigns: []simulate.Campaign{{
			Flow: "backlog", Tenant: "default", Host: host, Policy: "default", Count: 2 * rate * int(watched.Seconds()),
		}},
	}
	perSecond := make([]int, int(watched/time.Second)+1)
	into, halfOpenings, refused := 0, 0, 0
	flying := 1 + int(float64(rate)*(latency+jitter).Seconds()+1) // at once, at the rate
	var opened, closed time.Duration
	_, err := gateway.Play(&conf, sc, func(set *simulate.Settings) {
		set.Called = func(_ string, at time.Duration) {
			perSecond[int(at/time.Second)]++
			if at >= begins && at < over {
				into++
			}
		}
		set.Refused = func(_ string, at time.Duration) {
			if at >= over {
				refused++
			}
		}
		set.Changed = func(_ string, at time.Duration, tr circuit.Transition) {
			switch {
			case tr.To == circuit.Open && tr.From == circuit.HalfOpen && at < over:
				halfOpenings++
			case tr.To == circuit.Open && opened == 0:
				opened = at
			case tr.To == circuit.Closed && at >= over:
				closed = at
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	// What nobody could have spared the host: the calls until the breaker has seen enough of them, those under way then, and
	// the probes.
	if most := conf.Breaker.MinRequests + 2*flying + conf.Breaker.Probes*(halfOpenings+1); into > most {
		t.Errorf("%d calls into the outage, allowed are %d with %d half-openings", into, most, halfOpenings)
	}
	if opened == 0 || closed == 0 {
		t.Fatalf("the breaker opened after %v and closed after %v", opened, closed)
	}
	first, judged := int(closed/time.Second), len(perSecond)-1
	most := rate + rate/10 + 1
	if told == destination.NoHeaders { // then it goes on looking for more, as it did before
		judged = first + 60
		most = slices.Max(perSecond[int((begins-2*time.Minute)/time.Second):int(begins/time.Second)])
	}
	for s := first; s < judged; s++ {
		if perSecond[s] > most {
			t.Errorf("%d calls in second %d after it closed, want %d at most", perSecond[s], s-first, most)
		}
		// At most a share of the rate that rises evenly, and a call for the second's edges.
		share := 0.1 + 0.9*float64(s+1-first)/time.Duration(conf.Breaker.Ramp).Seconds()
		if most := float64(rate)*share + float64(conf.Breaker.Probes) + 1; share < 1 && float64(perSecond[s]) > most {
			t.Errorf("%d calls in second %d of the ramp, want at most %.0f", perSecond[s], s-first, most)
		}
	}
	back := 0
	for _, n := range perSecond[first+30 : first+40] {
		back += n
	}
	if back < 9*rate {
		t.Errorf("%d calls in the ten seconds after the ramp, want nine tenths of %d", back, 10*rate)
	}
	if told != destination.NoHeaders && refused > 5 {
		t.Errorf("%d calls were refused after the outage", refused)
	}
}
