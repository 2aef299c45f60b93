package subscription

import (
	"slices"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Query says which subscriptions are listed.
type Query struct {
	Tenant  string // empty: of all tenants
	URL     string // empty: of any; compared as definitions of one subscription are
	Enabled *bool  // nil: either
	After   string // an id; those behind it
	Limit   int    // above 0
}

// Subscription returns one of a tenant's; nil: it has none of that id. It must not be changed.
func (r *Room) Subscription(tenantName, id string) *record.Subscription {
	if e := r.entry(tenantName, id); e != nil {
		return e.Record
	}
	return nil
}

// List returns subscriptions by their ids, which is as they were created; more says that there are others behind them.
func (r *Room) List(q Query) (page []*record.Subscription, more bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, id := range r.ids(q.Tenant, q.After) {
		s := r.byID[id].Record
		if q.Enabled != nil && *q.Enabled != (s.Disabled == nil) {
			continue
		}
		if q.URL != "" && place(s) != place(&record.Subscription{Tenant: s.Tenant, URL: q.URL}) {
			continue
		}
		if len(page) == q.Limit {
			return page, true
		}
		page = append(page, s)
	}
	return page, false
}

// ids returns the ids behind one, ascending.
func (r *Room) ids(tenantName, after string) []string {
	behind := func(ids []string) []string {
		i, found := slices.BinarySearch(ids, after)
		if found {
			i++
		}
		return ids[i:]
	}
	if tenantName != "" {
		if t := r.tenants[tenantName]; t != nil {
			return behind(t.ids)
		}
		return nil
	}
	var all []string
	for _, t := range r.tenants {
		all = append(all, behind(t.ids)...)
	}
	slices.Sort(all)
	return all
}
