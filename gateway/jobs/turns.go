package jobs

import (
	"slices"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// Bounds on the jobs that run at once, and on those that have not ended. They are constants: what a job takes of memory and of
// the disk's time is bounded by itself, and none is needed for a webhook to be sent.
//
// A tenant's long replay holds neither another tenant's nor its own erasures, and no tenant holds an operator, who acts for
// no tenant or for all. Jobs that only watch, take no turn and are counted apart.
const (
	maxTenantsJobs   = 4 // of all tenants together
	maxJobsOfTenant  = 1 // of a kind
	maxJobsOperators = 2 // of a kind

	maxJobsUnended         = 100 // running or waiting, of all tenants; as many of operators, and as many that watch
	maxJobsUnendedOfTenant = 20
)

// turnOf is what jobs wait for each other by.
type turnOf struct{ tenant, kind string }

// watches reports whether a job only looks at what others do.
func (j *Runner) watches(t *Task) bool { return j.kinds[t.rec.Kind].Watches }

// admit lets those run that have waited until there is room: of several the one whose tenant's last turn is the longest ago,
// then the oldest. Called with j.mu held.
func (j *Runner) admit() {
	for j.ctx.Err() == nil {
		running, last, tenants := map[turnOf]int{}, map[turnOf]uint64{}, 0
		for _, t := range j.all {
			of := turnOf{t.rec.Tenant, t.rec.Kind}
			last[of] = max(last[of], t.turn)
			if t.works && !j.watches(t) {
				running[of]++
				if t.rec.Tenant != "" {
					tenants++
				}
			}
		}
		var next *Task
		for _, t := range j.all {
			if t.works || t.over || t.begins == nil || t.rec.State != front.JobRunning {
				continue
			}
			of := turnOf{t.rec.Tenant, t.rec.Kind}
			most := maxJobsOfTenant
			if of.tenant == "" {
				most = maxJobsOperators
			}
			switch {
			case j.watches(t):
			case running[of] >= most, of.tenant != "" && tenants >= maxTenantsJobs:
				continue
			}
			if next == nil || last[of] < last[turnOf{next.rec.Tenant, next.rec.Kind}] {
				next = t
			}
		}
		if next == nil {
			return
		}
		j.turns++
		next.works, next.turn = true, j.turns
		close(next.begins)
	}
}

// room reports whether one more job may be begun; else its error says how many have not ended. Called with j.mu held.
func (j *Runner) room(of turnOf) error {
	one := &Task{rec: jobRecord{Tenant: of.tenant, Kind: of.kind}}
	all, own := 0, 0
	for _, t := range slices.Concat(j.all, j.coming) {
		if t.rec.State != front.JobRunning || j.watches(t) != j.watches(one) || (t.rec.Tenant == "") != (of.tenant == "") {
			continue
		}
		all++
		if t.rec.Tenant == of.tenant {
			own++
		}
	}
	switch {
	case of.tenant != "" && own >= maxJobsUnendedOfTenant:
		return &front.TooManyJobsError{Tenant: of.tenant, Most: maxJobsUnendedOfTenant}
	case all >= maxJobsUnended:
		return &front.TooManyJobsError{Most: maxJobsUnended}
	}
	return nil
}
