package rules

import (
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// What the rules in force say of flows and tenants.

// Flow says what a flow may, but for whether it is suspended.
func (f *InForce) Flow(name schedule.FlowName) schedule.FlowRule {
	of := f.now.Load().flows.Match(name.Tenant, name.Flow)
	return schedule.FlowRule{Weight: of.Weight, Rate: of.Rate.PerSecond(), Concurrency: of.Concurrency}
}

// Tenant says what a tenant may.
func (f *InForce) Tenant(name string) schedule.TenantRule {
	return schedule.TenantRule{Rate: f.now.Load().flows.Tenant(name).Rate.PerSecond()}
}

// Priority is that of a flow's definitions which state none.
func (f *InForce) Priority(tenant, flow string) record.Priority {
	p, _ := record.ParsePriority(f.now.Load().flows.Match(tenant, flow).Priority) // the configuration is valid
	return p
}
