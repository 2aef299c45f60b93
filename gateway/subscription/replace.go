package subscription

import (
	"context"
	"fmt"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// What is saved of a subscription is what is to be; its flow follows, when that changes and again at each start. So a crash
// between the two changes nothing: of a change that was not saved nothing was done, and of one that was, all will be.

// replacement is a subscription in place of what it was.
type replacement struct {
	was, is *Entry // nil: it is new
	cancel  bool   // what was accepted for it until now ends
	uncount bool   // what was counted of it is set back
}

// replace puts a subscription in place of what it was: saved, then in force, then followed by its flow.
func (r *Room) replace(ctx context.Context, c replacement) error {
	s := c.is.Record
	if err := r.save(ctx, c); err != nil {
		return fmt.Errorf("subscription %s: %w", s.ID, err)
	}
	var cancelled record.ID
	if c.cancel {
		cancelled = s.CancelUpTo
	}
	r.set.Flows.Follow(s.Tenant, s.ID, cancelled)
	return nil
}

// save is the first half of replace. Where something is cancelled, who publishes waits for it: what was matched before is
// durable, and has an id, before the last of those that are cancelled is named, and nothing is matched until the change is
// in force.
func (r *Room) save(ctx context.Context, c replacement) error {
	s := c.is.Record
	if c.cancel {
		r.publishing.Lock()
		defer r.publishing.Unlock()
		s.CancelUpTo = r.set.Flows.Last()
	}
	docs := []persist.Document{{Kind: persist.SubscriptionDocument, Key: s.ID, Data: s.Encode()}}
	if c.uncount {
		docs = append(docs, uncounted(s.ID))
	}
	if err := r.set.Store.SaveDocuments(ctx, docs); err != nil {
		return err
	}
	if c.uncount {
		r.standings.reset(s.ID)
	}
	r.put(c.was, c.is)
	return nil
}

// forget takes a subscription out of the store and of memory.
func (r *Room) forget(ctx context.Context, e *Entry) error {
	id := e.Record.ID
	err := r.set.Store.SaveDocuments(ctx, []persist.Document{
		{Kind: persist.SubscriptionDocument, Key: id}, uncounted(id),
	})
	if err != nil {
		return err
	}
	r.put(e, nil)
	r.standings.reset(id)
	return nil
}

// uncounted is the document of a subscription of which nothing was counted.
func uncounted(id string) persist.Document {
	return persist.Document{Kind: persist.StandingDocument, Key: id}
}

// forgetLeft forgets a deleted subscription if nothing waits for it any more: what was matched before is durable then, and known
// to whoever sends.
func (r *Room) forgetLeft(ctx context.Context, e *Entry) {
	s := e.Record
	r.publishing.Lock()
	r.publishing.Unlock() //nolint:staticcheck // it is only waited for
	waits, err := r.set.Flows.Waits(ctx, s.Tenant, s.ID)
	if err == nil && !waits {
		err = r.forget(ctx, e)
	}
	if err != nil {
		r.set.Log.Error().Err(err).Str("subscription", s.ID).Msg("a deleted subscription is kept a while longer")
	}
}

// forgetLeaving forgets deleted subscriptions that nothing waits for any more.
func (r *Room) forgetLeaving(ctx context.Context) {
	for _, e := range r.entries() {
		if e.Record.Leaving {
			r.changing.Lock()
			r.forgetLeft(ctx, e)
			r.changing.Unlock()
		}
	}
}

// Gone reports whether a subscription was deleted: nothing is to be sent to it any more but what it left behind to finish. One
// that cannot be read is not gone.
func (r *Room) Gone(id string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, broken := r.broken[id]
	e := r.byID[id]
	return !broken && (e == nil || e.Record.Leaving)
}

// WhyCancelled says why what waited for a subscription was cancelled, for a person; empty: not for its sake.
func (r *Room) WhyCancelled(id string) string {
	r.mu.RLock()
	e := r.byID[id]
	r.mu.RUnlock()
	switch {
	case r.Gone(id):
		return "its subscription was deleted"
	case e != nil && cancels(e.Record):
		return "its subscription was disabled: " + e.Record.Disabled.Reason
	}
	return ""
}

// cancels reports whether a subscription is disabled in a way that keeps nothing for it.
func cancels(s *record.Subscription) bool { return s.Disabled != nil && s.Disabled.Cancels }
