package persist

import (
	"slices"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Filter says which finished webhooks are meant: those of which all that is set is true. The zero value means all of them.
type Filter struct {
	Host, Flow, Type, Subscription, Event string // as a whole, case and all; empty: any

	Tenants []string      // any of these; empty: any at all
	Subject record.Digest // zero: any
	State   record.State  // empty: any
	// StatusFrom and StatusTo bound the HTTP status of the last attempt, both inclusive; both 0: any, also none.
	StatusFrom, StatusTo int
	// Since and Until bound when it ended: at or after Since, before Until; Unix ms, 0: no bound.
	Since, Until int64
	// UpTo bounds when it was accepted, by its id, whatever the clock did: at or before this one. Zero: no bound.
	UpTo record.ID `json:",omitzero"`
}

// Matches reports whether a finished webhook is meant.
func (f *Filter) Matches(w *record.Final) bool {
	is := func(want, got string) bool { return want == "" || want == got }
	return is(f.Host, w.Host) && is(f.Flow, w.Flow) && is(f.Type, w.Type) && is(f.Subscription, w.Subscription) &&
		is(f.Event, w.Event) && f.MatchesTenant(w.Tenant) && is(string(f.State), string(w.State)) &&
		(f.Subject == record.Digest{} || f.Subject == w.Subject) &&
		f.MatchesStatus(LastStatus(w.Attempts)) && f.MatchesTime(w.FinishedAt) &&
		(f.UpTo == record.ID{} || w.ID.Compare(f.UpTo) <= 0)
}

// MatchesTenant reports whether a tenant is among those that are asked for.
func (f *Filter) MatchesTenant(tenant string) bool {
	return len(f.Tenants) == 0 || slices.Contains(f.Tenants, tenant)
}

// MatchesStatus reports whether an HTTP status is within bounds; 0: there was no response.
func (f *Filter) MatchesStatus(status int) bool {
	return f.StatusFrom == 0 && f.StatusTo == 0 || f.StatusFrom <= status && status <= f.StatusTo
}

// MatchesTime reports whether an instant is within bounds; Unix ms.
func (f *Filter) MatchesTime(at int64) bool {
	return (f.Since == 0 || f.Since <= at) && (f.Until == 0 || at < f.Until)
}

// LastStatus is the HTTP status of the last of some attempts; 0: there was none, or no response.
func LastStatus(attempts []record.Attempt) int {
	if len(attempts) == 0 {
		return 0
	}
	return attempts[len(attempts)-1].Status
}

// HistoryPage is a part of the history of finished webhooks.
type HistoryPage struct {
	Finals []*record.Final // the latest first
	// Next is from where the next page goes on; it stays good while webhooks end and while old ones go. Empty: there is
	// nothing beyond. A page may hold fewer than were asked for, and none, though there is more: the work for one is
	// bounded.
	Next string
}

// LivePage is a part of the live webhooks.
type LivePage struct {
	Rows []LiveRow // by id, the latest first
	// Next is the id before which the next page begins; zero: there is nothing beyond. As of a HistoryPage, a page may
	// be short.
	Next record.ID
}

// LiveRow is a live webhook.
type LiveRow struct {
	Queue    record.Queue
	Entry    record.Entry
	Payload  []byte
	Attempts []record.Attempt // oldest first
}
