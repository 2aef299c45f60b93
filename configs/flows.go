package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Flow is what the webhooks of a flow, or of all flows whose names begin alike, are given. The zero value of each field
// but Match is "as without an entry".
type Flow struct {
	// Match is a flow's name, or the beginning of names and a star: campaign-*. A star alone matches every flow. An exact
	// name goes before the longest beginning, and then an entry with a Tenant before one without; entries are not added up.
	Match string `yaml:"match"`
	// Tenant has the entry match that tenant's flows only; empty: every tenant's, each with a rate of its own.
	Tenant string `yaml:"tenant,omitempty"`
	// Priority is that of definitions that state none: high, normal or low.
	Priority string `yaml:"priority,omitempty"`
	// Weight is the flow's part of the turns in each of its lanes, against other flows of its priority; 0: 1.
	Weight float64 `yaml:"weight,omitempty"`
	// Rate bounds the flow's calls on all hosts together; zero: only hosts do.
	Rate Rate `yaml:"rate,omitempty"`
	// Concurrency bounds the flow's calls under way at once, on all hosts together; 0: only hosts do.
	Concurrency int `yaml:"concurrency,omitempty"`
}

// Tenant is what all flows of a tenant are given together.
type Tenant struct {
	// Match is the tenant's name.
	Match string `yaml:"match"`
	// Rate bounds the calls of all its flows on all hosts together; of this and a flow's own the lower holds.
	Rate Rate `yaml:"rate"`
}

// Priorities says how priorities share a lane.
type Priorities struct {
	// Floor is the part of a lane's turns that goes to each priority below the highest that waits.
	Floor float64 `yaml:"floor"`
}

const (
	// DefaultFloor lets nothing starve: one turn in ten to normal and to low each, however much waits above them.
	DefaultFloor = 0.1

	minFloor, maxFloor   = 0.001, 0.4 // two lower priorities leave the highest a fifth at least
	minWeight, maxWeight = 0.001, 1000
	wantFlowMatch        = "a flow's name, or the beginning of names and a star, such as campaign-*"
)

func (c *Config) checkFlows(k *checker) {
	seen := map[Flow]int{}
	for i := range c.Flows {
		f, path := &c.Flows[i], fmt.Sprintf("flows[%d]", i)
		f.check(k, path)
		key := Flow{Match: f.Match, Tenant: f.Tenant} // what tells entries apart
		if first, twice := seen[key]; twice && f.Match != "" {
			k.fail(path+".match", f.Match, fmt.Sprintf("matches what flows[%d] matches", first), "one entry for each")
			continue
		}
		seen[key] = i
	}
	tenants := map[string]int{}
	for i, t := range c.Tenants {
		path := fmt.Sprintf("tenants[%d]", i)
		match, rate := path+".match", path+".rate"
		if first, twice := tenants[t.Match]; twice {
			k.fail(match, t.Match, fmt.Sprintf("is the tenant of tenants[%d]", first), "one entry for each")
		} else if !k.given(match, t.Match == "") {
			k.missing(match, "a tenant's name")
		} else {
			checkWord(k, match, t.Match, maxTenantName)
		}
		tenants[t.Match] = i
		if t.Rate.IsZero() {
			k.missing(rate, wantRate)
		}
		checkFlowRate(k, rate, t.Rate)
	}
	if floor := c.Priorities.Floor; !(floor >= minFloor && floor <= maxFloor) {
		k.fail("priorities.floor", floor, "is out of range", fmt.Sprintf("a part from %v to %v", minFloor, maxFloor))
	}
}

func (f *Flow) check(k *checker, path string) {
	match := path + ".match"
	switch star := strings.IndexByte(f.Match, '*'); {
	case !k.given(match, f.Match == ""):
		k.missing(match, wantFlowMatch)
	case star >= 0 && star < len(f.Match)-1:
		k.fail(match, f.Match, "has a star that is not at its end", wantFlowMatch)
	case f.Match == "" || len(f.Match) > maxFlowName:
		k.fail(match, f.Match, "is no name for a flow", fmt.Sprintf("1 to %d bytes: %s", maxFlowName, wantFlowMatch))
	}
	if at := path + ".tenant"; k.given(at, f.Tenant == "") {
		checkWord(k, at, f.Tenant, maxTenantName)
	}
	if at := path + ".priority"; k.given(at, f.Priority == "") {
		oneOf(k, at, f.Priority, "high", "normal", "low")
	}
	if at := path + ".weight"; k.given(at, f.Weight == 0) && !(f.Weight >= minWeight && f.Weight <= maxWeight) {
		k.fail(at, f.Weight, "is out of range", fmt.Sprintf("a weight from %v to %v", minWeight, maxWeight))
	}
	checkFlowRate(k, path+".rate", f.Rate)
	if at := path + ".concurrency"; k.given(at, f.Concurrency == 0) {
		within(k, at, f.Concurrency, 1, maxConcurrency)
	}
}

func checkFlowRate(k *checker, path string, r Rate) {
	if r.IsUnlimited() {
		k.fail(path, r, "holds nothing back", wantRate+"; or no rate at all")
		return
	}
	checkRate(k, path, r)
}

// FlowIndex answers which entry a flow has. It is a copy, and may be used from many goroutines.
type FlowIndex struct {
	exact    map[flowKey]Flow
	prefixes []Flow // the longest first, of those the ones with a tenant
	tenants  map[string]Tenant
}

type flowKey struct{ tenant, flow string }

// FlowIndex returns the index of the configuration's flows and tenants, which must be valid.
func (c *Config) FlowIndex() *FlowIndex {
	x := &FlowIndex{exact: map[flowKey]Flow{}, tenants: map[string]Tenant{}}
	for _, f := range c.Flows {
		if strings.HasSuffix(f.Match, "*") {
			x.prefixes = append(x.prefixes, f)
			continue
		}
		x.exact[flowKey{f.Tenant, f.Match}] = f
	}
	slices.SortStableFunc(x.prefixes, func(a, b Flow) int {
		return cmp.Or(len(b.Match)-len(a.Match), strings.Compare(b.Tenant, a.Tenant))
	})
	for _, t := range c.Tenants {
		x.tenants[t.Match] = t
	}
	return x
}

// Match returns a flow's entry; the zero Flow where none matches.
func (x *FlowIndex) Match(tenant, flow string) Flow {
	if len(x.exact) > 0 {
		if f, ok := x.exact[flowKey{tenant, flow}]; ok {
			return f
		}
		if f, ok := x.exact[flowKey{"", flow}]; ok {
			return f
		}
	}
	for _, f := range x.prefixes {
		if (f.Tenant == "" || f.Tenant == tenant) && strings.HasPrefix(flow, f.Match[:len(f.Match)-1]) {
			return f
		}
	}
	return Flow{}
}

// Tenant returns a tenant's entry; the zero Tenant where there is none.
func (x *FlowIndex) Tenant(name string) Tenant { return x.tenants[name] }
