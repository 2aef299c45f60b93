package main

import (
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/gateway/simulate"
)

type breakerCmd struct {
	Rate    int           `default:"50" help:"Calls a second that the host allows (${default})."`
	Outage  time.Duration `default:"10m" help:"How long it is out (${default})."`
	Latency time.Duration `default:"80ms" help:"How long a call takes (${default})."`
}

// Run plays outages in virtual time: a host with a backlog goes out and comes back. It prints what was sent into the
// outage, and how the host was taken up again.
func (c *breakerCmd) Run() error {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "outage\ttold\tcalls into it\tallowed\thalf-openings\tnoticed after\t90 % then after\tbusiest second\tbefore\trefused in 10 s\t")
	var faults []error
	for _, answer := range []struct {
		name string
		is   simulate.Answer
	}{{"503", 503}, {"no connection", simulate.Refuse}, {"no answer", simulate.Silence}} {
		for _, told := range []destination.Dialect{destination.Draft8, destination.NoHeaders} {
			o, err := c.play(answer.is, told)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%d\t%d\t%d\t\n", answer.name, told, o.into, o.allowed, o.halfOpen,
				o.noticed.Round(time.Second), o.back, o.busiest, o.known, o.refused)
			if fault := o.judge(); fault != nil {
				faults = append(faults, fmt.Errorf("%s, %s: %w", answer.name, told, fault))
			}
		}
	}
	return errors.Join(append([]error{out.Flush()}, faults...)...)
}

// outage is what was seen of one.
type outage struct {
	into, allowed int // calls begun while it lasted
	halfOpen      int
	noticed       time.Duration // from its end until the breaker closed
	back          time.Duration // from then to the first of ten seconds at 90 % of the rate
	busiest       int           // calls in a second, within returning after it closed
	known         int           // the same within knowing before the outage
	refused       int           // the most calls answered 429 in any ten seconds, after it
}

func (o *outage) judge() error {
	var errs []error
	if o.into > o.allowed {
		errs = append(errs, fmt.Errorf("%d calls into the outage, allowed are %d", o.into, o.allowed))
	}
	if o.back > 30*time.Second {
		errs = append(errs, fmt.Errorf("90 %% of the rate only %s after the breaker closed, wanted within 30s", o.back))
	}
	if o.busiest > o.known {
		errs = append(errs, fmt.Errorf("%d calls in a second after it, wanted no more than the %d before it", o.busiest, o.known))
	}
	if o.refused > 5 {
		errs = append(errs, fmt.Errorf("%d calls refused within ten seconds after it", o.refused))
	}
	return errors.Join(errs...)
}

const (
	outageAt = 10 * time.Minute // by then the rate is known
	watched  = 15 * time.Minute // from the outage's end on
	// knowing is how long before the outage the rate is taken that is known, the search for more included that there always is, and
	// returning is how long no second may have more calls than that.
	knowing, returning = 2 * time.Minute, time.Minute
)

func (c *breakerCmd) play(answer simulate.Answer, told destination.Dialect) (*outage, error) {
	const host = "api.example.com"
	over := outageAt + c.Outage
	end := over + watched
	sc := &simulate.Scenario{
		Start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC), Length: end, Seed: 1,
		Hosts: []simulate.Host{{
			Name: host, Latency: c.Latency, Jitter: 4 * time.Millisecond, Dialect: told,
			Limits:  []destination.Spec{{Algorithm: destination.GCRA, Limit: c.Rate, Per: time.Second, Burst: max(1, c.Rate/10)}},
			Outages: []simulate.Outage{{At: outageAt, For: c.Outage, Answer: answer}},
		}},
		Campaigns: []simulate.Campaign{{
			Flow: "backlog", Tenant: "default", Host: host, Policy: "default", Count: 2 * c.Rate * int(end.Seconds()),
		}},
	}
	conf := configs.Default()
	o := &outage{}
	perSecond := map[int]int{}
	flying := 0
	closed := time.Duration(0)
	refused := map[int]int{}
	_, err := gateway.Play(&conf, sc, func(set *simulate.Settings) {
		set.Called = func(_ string, at time.Duration) {
			perSecond[int(at/time.Second)]++
			if at >= outageAt && at < over {
				o.into++
			}
			if at >= outageAt-c.Latency && at < outageAt {
				flying++
			}
		}
		set.Refused = func(_ string, at time.Duration) { refused[int(at/time.Second)]++ }
		set.Changed = func(_ string, at time.Duration, t circuit.Transition) {
			if at >= outageAt && at < over && t.From == circuit.HalfOpen && t.To == circuit.Open {
				o.halfOpen++
			}
			if at >= over && t.To == circuit.Closed {
				closed = at
			}
		}
	})
	if err != nil {
		return nil, err
	}
	// What is under way while nobody knows: a round trip's calls at the rate, and as many as the breaker must see.
	o.allowed = conf.Breaker.Probes*(o.halfOpen+1) + flying + conf.Breaker.MinRequests
	if closed == 0 {
		closed = over // it never opened
	}
	o.noticed, o.back = closed-over, watched
	first, last := int(closed/time.Second), int(end/time.Second)
	for s := last - 10; s >= first; s-- {
		calls, refusals := 0, 0
		for i := range 10 {
			calls += perSecond[s+i]
			refusals += refused[s+i]
		}
		if calls >= 9*c.Rate {
			o.back = time.Duration(s-first) * time.Second
		}
		o.refused = max(o.refused, refusals)
	}
	for s := first; s < first+int(returning/time.Second); s++ {
		o.busiest = max(o.busiest, perSecond[s])
	}
	for s := int((outageAt - knowing) / time.Second); s < int(outageAt/time.Second); s++ {
		o.known = max(o.known, perSecond[s])
	}
	return o, nil
}
