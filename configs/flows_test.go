package configs

import (
	"slices"
	"strings"
	"testing"
)

func TestFlowsAreMatchedByExactNameThenLongestBeginningThenTenant(t *testing.T) {
	c, err := Parse("f.yaml", []byte(`
flows:
  - {match: "*", weight: 1}
  - {match: "campaign-*", weight: 2}
  - {match: "campaign-*", tenant: eu, weight: 3}
  - {match: "campaign-spring-*", weight: 4}
  - {match: campaign-spring-1, weight: 5}
  - {match: campaign-spring-1, tenant: eu, weight: 6}
tenants:
  - {match: eu, rate: 600/min}
`))
	if err != nil {
		t.Fatal(err)
	}
	x := c.FlowIndex()
	for _, tt := range []struct {
		tenant, flow string
		weight       float64
	}{
		{"default", "receipts", 1}, {"default", "campaign-autumn", 2}, {"eu", "campaign-autumn", 3},
		{"eu", "campaign-spring-2", 4}, {"us", "campaign-spring-1", 5}, {"eu", "campaign-spring-1", 6}, {"eu", "campaign", 1},
	} {
		if got := x.Match(tt.tenant, tt.flow).Weight; got != tt.weight {
			t.Errorf("%s of %s has the entry of weight %v, want %v", tt.flow, tt.tenant, got, tt.weight)
		}
	}
	if eu, us := x.Tenant("eu").Rate, x.Tenant("us").Rate; eu.PerSecond() != 10 || !us.IsZero() {
		t.Errorf("rates %v and %v, want 600/min and none", eu, us)
	}
}

func TestEveryFaultOfFlowsIsNamed(t *testing.T) {
	_, err := Parse("f.yaml", []byte(`
flows:
  - {match: "a*b"}
  - {weight: 2}
  - {match: x, weight: -1, priority: urgent, rate: unlimited, concurrency: 0}
  - {match: x}
tenants:
  - {match: eu}
  - {match: eu, rate: 1/s}
priorities: {floor: 0.5}
`))
	if err == nil {
		t.Fatal("no fault was found")
	}
	for _, want := range []string{
		"flows[0].match: a*b", "flows[1].match", "flows[2].weight: -1", "flows[2].priority: urgent", "flows[2].rate: unlimited",
		"flows[2].concurrency: 0", "flows[3].match: x: matches what flows[2]", "tenants[0].rate", "tenants[1].match: eu", "priorities.floor: 0.5",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing is said of %s in\n%v", want, err)
		}
	}
}

func TestAChangedFlowIsNamedByItsMatchAndTenant(t *testing.T) {
	parse := func(text string) *Config {
		c, err := Parse("f.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a := parse("flows: [{match: x, weight: 2}, {match: x, tenant: eu}]\ntenants: [{match: eu, rate: 1/s}]\n")
	b := parse("flows: [{match: x, tenant: eu, rate: 5/s}, {match: x, weight: 3}]\ntenants: [{match: eu, rate: 2/s}]\n")
	want := []string{"flows[x].weight", "flows[x of eu].rate", "tenants[eu].rate"}
	if got := Changed(a, b); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
