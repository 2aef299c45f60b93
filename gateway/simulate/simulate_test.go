package simulate_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/simulate"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

const host = "api.example.com"

func settings(tb testing.TB) simulate.Settings {
	tb.Helper()
	set := simulate.Settings{Policies: policies(tb), Health: func(_ string, status int, class policy.ErrorClass, deferred bool) circuit.Result {
		return dispatch.Health(class, deferred, dispatch.FailsByClass("", status, deferred))
	}}
	set.Schedule.Budget = func(_ record.Lane, now time.Time) *limiter.Budget {
		return limiter.New(limiter.DefaultConfig(), now)
	}
	set.Schedule.Breaker = func(string) *circuit.Breaker { return circuit.New(circuit.DefaultConfig()) }
	return set
}

func scenario(h simulate.Host, campaigns ...simulate.Campaign) *simulate.Scenario {
	h.Name = host
	if h.Latency == 0 {
		h.Latency = 80 * time.Millisecond
	}
	for i := range campaigns {
		c := &campaigns[i]
		c.Host, c.Tenant, c.Policy = host, "default", "braze"
	}
	return &simulate.Scenario{
		Start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), Seed: 1, Hosts: []simulate.Host{h}, Campaigns: campaigns,
	}
}

func played(t *testing.T, sc *simulate.Scenario) *simulate.Report {
	t.Helper()
	r, err := simulate.Run(sc, settings(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func limit(n int, per time.Duration) []destination.Spec {
	return []destination.Spec{{Algorithm: destination.Fixed, Limit: n, Per: per}}
}

func TestACampaignTakesAsLongAsItsHostsLimitMakesIt(t *testing.T) {
	sc := scenario(simulate.Host{Limits: limit(100, 10*time.Second), Dialect: destination.XRateLimitEpoch},
		simulate.Campaign{Flow: "sale", Count: 6000})
	r := played(t, sc)
	f := &r.Flows[0]
	if f.Delivered != 6000 || f.Waits != 0 {
		t.Fatalf("delivered %d of 6000, %d wait", f.Delivered, f.Waits)
	}
	if least, most := 590*time.Second, 640*time.Second; f.DoneAt < least || f.DoneAt > most {
		t.Errorf("6000 calls at 100 per 10 s took %s, want %s to %s", f.DoneAt, least, most)
	}
	if f.Refused > 6 {
		t.Errorf("%d calls were refused by a host that tells its limit", f.Refused)
	}
}

func TestAScenarioHasOneAnswer(t *testing.T) {
	sc := scenario(simulate.Host{
		Limits: limit(20, time.Second), Jitter: 50 * time.Millisecond, Others: 3,
		Outages: []simulate.Outage{{At: 10 * time.Second, For: 20 * time.Second, Answer: 503}},
	}, simulate.Campaign{Flow: "a", Count: 2000, Over: time.Minute}, simulate.Campaign{Flow: "b", Count: 100, At: 30 * time.Second})
	if a, b := played(t, sc), played(t, sc); !reflect.DeepEqual(a, b) {
		t.Errorf("played twice:\n%+v\n%+v", a.Flows, b.Flows)
	}
}

func TestNothingIsLostInAnOutage(t *testing.T) {
	for name, answer := range map[string]simulate.Answer{"503": 503, "refuse": simulate.Refuse, "silence": simulate.Silence} {
		t.Run(name, func(t *testing.T) {
			r := played(t, scenario(simulate.Host{
				Limits:  limit(50, time.Second),
				Outages: []simulate.Outage{{At: 20 * time.Second, For: 5 * time.Minute, Answer: answer}},
			}, simulate.Campaign{Flow: "sale", Count: 3000, Over: 10 * time.Minute}))
			f := &r.Flows[0]
			if sum := f.Delivered + f.Failed; f.Accepted != 3000 || sum != 3000 {
				t.Errorf("of 3000, %d were accepted, %d delivered and %d given up", f.Accepted, f.Delivered, f.Failed)
			}
			// As many failures as there were successes in the 20 s before, what is under way, and probes: 3 at a time.
			if most := 20*5 + 16 + 3*5; r.Hosts[0].Failing > most {
				t.Errorf("%d calls were made into the outage, want at most %d", r.Hosts[0].Failing, most)
			}
		})
	}
}

func TestABacklogBeyondTheWindowComesInTheOrderOfAcceptance(t *testing.T) {
	set := settings(t)
	set.Schedule.Window = 16
	r, err := simulate.Run(scenario(simulate.Host{}, simulate.Campaign{Flow: "sale", Count: 5000}), set)
	if err != nil {
		t.Fatal(err)
	}
	if f := &r.Flows[0]; f.Delivered != 5000 || f.Longest > f.DoneAt+time.Second {
		t.Errorf("delivered %d of 5000, the longest after %s, the last at %s", f.Delivered, f.Longest, f.DoneAt)
	}
}

func TestWhatIsOfNoUseAnyMoreExpires(t *testing.T) {
	r := played(t, scenario(simulate.Host{Limits: limit(10, time.Second), Dialect: destination.XRateLimitEpoch},
		simulate.Campaign{Flow: "sale", Count: 1000, Expires: 30 * time.Second}))
	f := &r.Flows[0]
	if f.Delivered+f.Expired != 1000 || f.Delivered < 280 || f.Delivered > 320 {
		t.Errorf("%d delivered and %d expired of 1000 with 30 s at 10 a second", f.Delivered, f.Expired)
	}
}

func TestGoalsAreJudged(t *testing.T) {
	sc := scenario(simulate.Host{Limits: limit(10, time.Second), Dialect: destination.XRateLimitEpoch},
		simulate.Campaign{Flow: "sale", Count: 600, DoneBy: 70 * time.Second},
		simulate.Campaign{Flow: "late", Count: 600, DoneBy: 70 * time.Second, Within: time.Second})
	r := played(t, sc)
	if r.Held {
		t.Error("1200 calls at 10 a second are done in 70 s, it says")
	}
	if goals := r.Flows[1].Goals; len(goals) != 2 || goals[1].Held || goals[0].Asked != "all delivered by 1m10s" {
		t.Errorf("goals of the second: %+v", goals)
	}
}

func TestAGoalSaysByHowMuch(t *testing.T) {
	for by, want := range map[time.Duration]string{2 * time.Minute: " to spare", 30 * time.Second: " late", 0: ""} {
		sc := scenario(simulate.Host{Limits: limit(10, time.Second), Dialect: destination.XRateLimitEpoch},
			simulate.Campaign{Flow: "sale", Count: 600, DoneBy: by, Within: time.Second})
		goals := played(t, sc).Flows[0].Goals
		if by > 0 && !strings.HasSuffix(goals[0].Found, want) {
			t.Errorf("done by %s: %q, want …%q", by, goals[0].Found, want)
		}
		if within := goals[len(goals)-1].Found; !strings.HasPrefix(within, "within 1m") {
			t.Errorf("99 %% within a second: %q, want about a minute", within)
		}
	}
}

// TestThePictureIsReadByTheClock: its instants are those that people name, and what all must be delivered by is drawn.
func TestThePictureIsReadByTheClock(t *testing.T) {
	sc := scenario(simulate.Host{Limits: limit(10, time.Second), Dialect: destination.XRateLimitEpoch},
		simulate.Campaign{Flow: "sale", Count: 6000, DoneBy: 5 * time.Minute})
	r := played(t, sc)
	svg := string(simulate.Draw(sc, r))
	for _, at := range []time.Duration{2 * time.Minute, 4 * time.Minute} {
		if want := fmt.Sprintf(">%s +%dm<", r.Start.Add(at).UTC().Format("15:04"), at/time.Minute); !strings.Contains(svg, want) {
			t.Errorf("no %s in the picture", want)
		}
	}
	if !strings.Contains(svg, `class="by"`) {
		t.Error("nothing shows when all must be delivered")
	}
}

func TestWhatIsAskedIsRepeatedAsItWasWritten(t *testing.T) {
	sc := scenario(simulate.Host{Limits: limit(10, time.Second), Dialect: destination.XRateLimitEpoch},
		simulate.Campaign{Flow: "sale", Count: 1, DoneBy: 2 * time.Hour, Within: 10 * time.Minute})
	goals := played(t, sc).Flows[0].Goals
	if len(goals) != 2 || goals[0].Asked != "all delivered by 2h" || goals[1].Asked != "99 % within 10m" {
		t.Errorf("%+v", goals)
	}
}

func TestALengthEndsWhatHasNotEnded(t *testing.T) {
	sc := scenario(simulate.Host{Limits: limit(1, time.Second), Dialect: destination.XRateLimitEpoch},
		simulate.Campaign{Flow: "sale", Count: 1000})
	sc.Length = time.Minute
	r := played(t, sc)
	if f := &r.Flows[0]; f.Waits < 900 || f.Waits != r.Unsettled {
		t.Errorf("after a minute at 1 a second %d of 1000 wait; %d unsettled", f.Waits, r.Unsettled)
	}
}

func TestWhatMakesNoSenseIsNamed(t *testing.T) {
	sc := scenario(simulate.Host{}, simulate.Campaign{Flow: "a", Count: 1})
	sc.Campaigns[0].Host, sc.Campaigns[0].Policy = "nowhere.example", "none"
	_, err := simulate.Run(sc, settings(t))
	for _, want := range []string{`campaigns[0].host "nowhere.example"`, `campaigns[0].policy "none"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want it to name %s", err, want)
		}
	}
}

func TestThePictureIsWellFormed(t *testing.T) {
	sc := scenario(simulate.Host{
		Limits: limit(5, time.Second), Outages: []simulate.Outage{{At: time.Second, For: time.Second, Answer: 503}},
	}, simulate.Campaign{Flow: `<&"'>`, Count: 100})
	picture := simulate.Draw(sc, played(t, sc))
	dec := xml.NewDecoder(bytes.NewReader(picture))
	for {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, picture)
		}
	}
}

func policies(tb testing.TB) policy.Set {
	tb.Helper()
	return configs.DefaultPolicies()
}

func BenchmarkAMillionWebhooks(b *testing.B) {
	for b.Loop() {
		sc := scenario(simulate.Host{Limits: limit(1000, time.Second), Dialect: destination.XRateLimitEpoch},
			simulate.Campaign{Flow: "sale", Count: 1_000_000})
		set := settings(b)
		cfg := limiter.DefaultConfig()
		cfg.Ceiling = 2000
		set.Schedule.Budget = func(_ record.Lane, now time.Time) *limiter.Budget { return limiter.New(cfg, now) }
		if _, err := simulate.Run(sc, set); err != nil {
			b.Fatal(err)
		}
	}
}
