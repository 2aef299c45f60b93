package gateway

import (
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/rules"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/gateway/simulate"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Simulate plays a scenario under a configuration, both valid, with nothing sent and nothing kept.
func Simulate(conf *configs.Config, of *configs.Scenario) (*Simulation, error) {
	sc := scenario(of)
	report, err := Play(conf, sc, nil)
	if err != nil {
		return nil, err
	}
	return &Simulation{sc, report}, nil
}

// Play is Simulate for a scenario that is no file; also changes the settings it is played with, unless it is nil.
func Play(conf *configs.Config, sc *simulate.Scenario, also func(*simulate.Settings)) (*simulate.Report, error) {
	var in rules.InForce
	in.Put(rules.New(conf, rules.Read{}, nil))
	spares := rules.NewSpares(&in)
	set := simulate.Settings{
		Schedule: schedule.Settings{
			MaxInFlight: conf.Egress.MaxInFlight, Budget: spares.NewBudget, Breaker: spares.NewBreaker,
			SpareBudget: spares.SpareBudget, SpareBreaker: spares.SpareBreaker,
			Flow: in.Flow, Tenant: in.Tenant, Floor: conf.Priorities.Floor,
		},
		Policies: in.Policies(), Health: func(host string, status int, class policy.ErrorClass, deferred bool) circuit.Result {
			return dispatch.Health(class, deferred, in.Fails(host, status, deferred))
		},
	}
	if also != nil {
		also(&set)
	}
	return simulate.Run(sc, set)
}

// Simulation is a scenario that was played.
type Simulation struct {
	scenario *simulate.Scenario
	Report   *simulate.Report
}

// Picture is its timeline as an SVG.
func (s *Simulation) Picture() []byte { return simulate.Draw(s.scenario, s.Report) }

func scenario(sc *configs.Scenario) *simulate.Scenario {
	s := &simulate.Scenario{
		Start: time.Time(sc.Start), Length: time.Duration(sc.Length), Seed: uint64(sc.Seed), //nolint:gosec // any bits will do
	}
	for i := range sc.Hosts {
		h := &sc.Hosts[i]
		to := simulate.Host{
			Name: h.Host, Limits: h.Specs(), Dialect: destination.Dialect(h.Headers), Latency: time.Duration(h.Latency),
			Jitter: time.Duration(h.Jitter), Others: h.Others.PerSecond(),
		}
		for _, o := range h.Outages {
			out := simulate.Outage{At: time.Duration(o.At), For: time.Duration(o.For), Answer: simulate.Answer(o.Answer.Status)}
			switch o.Answer.Word {
			case configs.AnswerRefuse:
				out.Answer = simulate.Refuse
			case configs.AnswerSilence:
				out.Answer = simulate.Silence
			}
			to.Outages = append(to.Outages, out)
		}
		s.Hosts = append(s.Hosts, to)
	}
	for i := range sc.Campaigns {
		c := &sc.Campaigns[i]
		priority, _ := record.ParsePriority(c.Priority)
		s.Campaigns = append(s.Campaigns, simulate.Campaign{
			Flow: c.Flow, Tenant: c.Tenant, Host: c.Host, Priority: priority, Policy: c.Policy, Count: c.Count,
			At: time.Duration(c.At), Over: time.Duration(c.Over), Expires: time.Duration(c.Expires),
			DoneBy: time.Duration(c.DoneBy), Within: time.Duration(c.Within),
		})
	}
	return s
}
