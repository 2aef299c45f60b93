package gateway

import (
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// What the rules in force say of flows and tenants.

func (f *inForce) flow(name schedule.FlowName) schedule.FlowRule {
	of := f.now.Load().flows.Match(name.Tenant, name.Flow)
	return schedule.FlowRule{Weight: of.Weight, Rate: of.Rate.PerSecond(), Concurrency: of.Concurrency}
}

// flowRule is what the schedule goes by: a flow of a subscription that is disabled is suspended.
func (g *Gateway) flowRule(name schedule.FlowName) schedule.FlowRule {
	rule := g.rules.flow(name)
	rule.Suspended = g.room.Suspended(name.Tenant, name.Flow)
	return rule
}

func (f *inForce) tenant(name string) schedule.TenantRule {
	return schedule.TenantRule{Rate: f.now.Load().flows.Tenant(name).Rate.PerSecond()}
}

// priority is that of a flow's definitions which state none.
func (f *inForce) priority(tenant, flow string) record.Priority {
	p, _ := record.ParsePriority(f.now.Load().flows.Match(tenant, flow).Priority) // the configuration is valid
	return p
}
