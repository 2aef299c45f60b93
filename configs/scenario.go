package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// Scenario is a file that `sluice simulate` plays: model destinations, and the campaigns that are to go out to them.
// Lengths of time count from Start.
type Scenario struct {
	// Start is when it begins, which matters to limits whose windows are aligned to the clock.
	Start Time `yaml:"start"`
	// Length is how long to look; not given: until everything has ended.
	Length Duration `yaml:"length"`
	// Seed is what chance comes from: the same seed, the same answer.
	Seed      int64              `yaml:"seed"`
	Hosts     []ScenarioHost     `yaml:"hosts"`
	Campaigns []ScenarioCampaign `yaml:"campaigns"`
}

// ScenarioHost is a model of a destination.
type ScenarioHost struct {
	// Host is its name as URLs have it.
	Host string `yaml:"host"`
	// Limits are what it allows, each n/time; all of them hold. None: it takes everything.
	Limits []Window `yaml:"limits"`
	// Algorithm is how it counts, as in `sluice sink --algorithm`.
	Algorithm string `yaml:"algorithm"`
	// Burst is how many calls a bucket takes at once; 0: as many as the limit.
	Burst int `yaml:"burst"`
	// Headers is how it tells its limits, as in `sluice sink --headers`.
	Headers string `yaml:"headers"`
	// Latency is how long a call takes, from start to end; Jitter is added at random.
	Latency Duration `yaml:"latency"`
	Jitter  Duration `yaml:"jitter"`
	// Others is how often others call it under the same limits, at random.
	Others  Rate             `yaml:"others"`
	Outages []ScenarioOutage `yaml:"outages"`
}

// ScenarioOutage is a time in which a destination does not work.
type ScenarioOutage struct {
	At  Duration `yaml:"at"`
	For Duration `yaml:"for"`
	// Answer is a status from 500 on, or refuse (no connection) or silence (no answer).
	Answer Answer `yaml:"answer"`
}

// ScenarioCampaign is a stream of webhooks.
type ScenarioCampaign struct {
	Flow     string `yaml:"flow"`
	Host     string `yaml:"host"`
	Tenant   string `yaml:"tenant"`
	Priority string `yaml:"priority"`
	Policy   string `yaml:"policy"`
	Count    int    `yaml:"count"`
	// At is when the first is posted, Over the time in which all are; 0: all at once.
	At   Duration `yaml:"at"`
	Over Duration `yaml:"over"`
	// Expires is how long after its acceptance a webhook is of no use any more; 0: never.
	Expires Duration `yaml:"expires"`
	// DoneBy asks that all be delivered by then; Within that 99 of 100 be so soon after they were accepted.
	DoneBy Duration `yaml:"done_by"`
	Within Duration `yaml:"within"`
}

// Answer is what calls get during an outage: a status, or 0 with one of the words.
type Answer struct {
	Status int
	Word   string
}

// The words of an Answer.
const (
	AnswerRefuse  = "refuse"
	AnswerSilence = "silence"
)

// UnmarshalText reads a status or a word.
func (a *Answer) UnmarshalText(text []byte) error {
	s := string(text)
	if s == AnswerRefuse || s == AnswerSilence {
		*a = Answer{Word: s}
		return nil
	}
	status, err := strconv.Atoi(s)
	if err != nil || status < 500 || status > 599 {
		return &valueError{"is no way to fail", "a status from 500 to 599, refuse or silence"}
	}
	*a = Answer{Status: status}
	return nil
}

// Time is an instant in YAML, as RFC 3339 writes it. The zero value was not given.
type Time time.Time

// UnmarshalText reads an instant.
func (t *Time) UnmarshalText(text []byte) error {
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return &valueError{"is no instant", "RFC 3339, as in 2026-01-31T09:30:00Z"}
	}
	*t = Time(at)
	return nil
}

const (
	maxScenarioCount  = 5_000_000
	maxScenarioLength = 31 * day
	maxScenarioItems  = 1000
	defaultLatency    = Duration(80 * time.Millisecond)
)

// scenarioStart is when a scenario begins that does not say: what matters is that it is always the same.
var scenarioStart = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// LoadScenario reads and parses a scenario; its errors are of the file system or Faults.
func LoadScenario(path string) (*Scenario, error) {
	data, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("reading the scenario: %w", err)
	}
	return ParseScenario(path, data)
}

// ParseScenario reads a scenario's YAML; name is the file's, for faults. Its error is Faults, and names everything that
// is wrong.
func ParseScenario(name string, data []byte) (*Scenario, error) {
	sc := Scenario{Seed: 1}
	k, err := parseInto(name, data, &sc)
	if err != nil {
		return nil, err
	}
	if time.Time(sc.Start).IsZero() {
		sc.Start = Time(scenarioStart)
	}
	sc.check(k)
	if err := k.err(); err != nil {
		return nil, err
	}
	return &sc, nil
}

func (sc *Scenario) check(k *checker) {
	if k.given("length", sc.Length == 0) {
		within(k, "length", sc.Length, second, maxScenarioLength)
	}
	listed(k, "hosts", len(sc.Hosts))
	listed(k, "campaigns", len(sc.Campaigns))
	var hosts []string
	for i := range sc.Hosts {
		h, path := &sc.Hosts[i], fmt.Sprintf("hosts[%d]", i)
		h.check(k, path)
		if slices.Contains(hosts, h.Host) {
			k.fail(path+".host", h.Host, "is there twice", "one entry for each host")
		}
		hosts = append(hosts, h.Host)
	}
	total := 0
	for i := range sc.Campaigns {
		sc.Campaigns[i].check(k, fmt.Sprintf("campaigns[%d]", i), hosts)
		total += min(sc.Campaigns[i].Count, maxScenarioCount)
	}
	if total > maxScenarioCount {
		k.fail("campaigns", total, "are too many webhooks in all", fmt.Sprintf("at most %d", maxScenarioCount))
	}
}

// listed checks that a list has entries, and not too many.
func listed(k *checker, path string, n int) {
	switch {
	case n == 0:
		k.fail(path, n, "has no entries", "at least one")
	case n > maxScenarioItems:
		k.fail(path, n, "has too many entries", fmt.Sprintf("at most %d", maxScenarioItems))
	}
}

func (h *ScenarioHost) check(k *checker, path string) {
	if h.Host == "" {
		k.missing(path+".host", "a host as in api.example.com")
	}
	h.Algorithm = cmp.Or(h.Algorithm, string(destination.Fixed))
	h.Headers = cmp.Or(h.Headers, string(destination.NoHeaders))
	oneOf(k, path+".algorithm", h.Algorithm, words(destination.Algorithms())...)
	oneOf(k, path+".headers", h.Headers, words(destination.Dialects())...)
	if !k.given(path+".latency", h.Latency == 0) {
		h.Latency = defaultLatency
	}
	within(k, path+".latency", h.Latency, 0, hour)
	within(k, path+".jitter", h.Jitter, 0, hour)
	if h.Others.IsUnlimited() || h.Others.PerSecond() > maxPerSecond {
		k.fail(path+".others", h.Others, "is too often", "a rate such as 5/s")
	}
	if !k.sound(path+".algorithm", path+".limits", path+".burst") {
		return
	}
	for i, spec := range h.Specs() {
		if err := spec.Validate(); err != nil {
			k.fail(fmt.Sprintf("%s.limits[%d]", path, i), h.Limits[i], "is no limit of "+h.Algorithm, err.Error())
		}
	}
	for i := range h.Outages {
		o, at := &h.Outages[i], fmt.Sprintf("%s.outages[%d]", path, i)
		within(k, at+".for", o.For, Duration(time.Millisecond), maxScenarioLength)
		if o.Answer == (Answer{}) {
			o.Answer.Status = 503
		}
	}
}

// Specs are the limits as models of destinations take them.
func (h *ScenarioHost) Specs() []destination.Spec {
	var specs []destination.Spec
	for _, w := range h.Limits {
		specs = append(specs, destination.Spec{
			Algorithm: destination.Algorithm(h.Algorithm), Limit: int(min(w.N, destination.MaxLimit+1)), Per: w.Per, Burst: h.Burst,
		})
	}
	return specs
}

func (c *ScenarioCampaign) check(k *checker, path string, hosts []string) {
	c.Flow, c.Tenant = cmp.Or(c.Flow, "default"), cmp.Or(c.Tenant, "default")
	c.Priority, c.Policy = cmp.Or(c.Priority, "normal"), cmp.Or(c.Policy, "default")
	if c.Host == "" && len(hosts) == 1 {
		c.Host = hosts[0]
	}
	if len(hosts) > 0 {
		oneOf(k, path+".host", c.Host, hosts...)
	}
	oneOf(k, path+".priority", c.Priority, "high", "normal", "low")
	within(k, path+".count", c.Count, 1, maxScenarioCount)
	for at, d := range map[string]Duration{".at": c.At, ".over": c.Over, ".expires": c.Expires, ".done_by": c.DoneBy, ".within": c.Within} {
		within(k, path+at, d, 0, maxScenarioLength)
	}
}

// words are names as texts.
func words[T ~string](names []T) []string {
	var w []string
	for _, n := range names {
		w = append(w, string(n))
	}
	return w
}
