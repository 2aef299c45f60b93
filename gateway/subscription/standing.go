package subscription

import (
	"context"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Attempt is what a Room is told of an attempt of a delivery that ended.
type Attempt struct {
	Subscription string
	Seen         policy.Seen
}

// standings are how subscriptions have answered, as far as their policies' rules of disabling ask for it.
type standings struct {
	mu   sync.Mutex
	of   map[string]*policy.Health // by subscription; only those that something was counted of
	over map[string]ruling         // those that are to be disabled, and are not yet
	wake chan struct{}             // of capacity 1: over has got another
}

// ruling is why and when a subscription is disabled.
type ruling struct {
	at     time.Time
	reason string
}

func (s *standings) init() {
	s.of, s.over = map[string]*policy.Health{}, map[string]ruling{}
	s.wake = make(chan struct{}, 1)
}

func (s *standings) restore(id string, h *policy.Health) {
	s.mu.Lock()
	s.of[id] = h
	s.mu.Unlock()
}

// reset has nothing be counted of a subscription.
func (s *standings) reset(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.over, id)
	delete(s.of, id)
}

// ruledOut reports whether a subscription is to be disabled, and that is not saved yet.
func (s *standings) ruledOut(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, over := s.over[id]
	return over
}

// Attempted counts attempts that ended, in the order in which they did, and returns the subscriptions that are ruled out by
// it. They are Suspended from then on: that is to be asked before another attempt begins, so that what a rule allows is never
// exceeded but by what is under way. It is quick: whoever decides about starts may call it.
func (r *Room) Attempted(now time.Time, attempts []Attempt) (ruledOut []*record.Subscription) {
	s := &r.standings
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range attempts {
		a := &attempts[i]
		r.mu.RLock()
		e := r.byID[a.Subscription]
		r.mu.RUnlock()
		if e == nil || e.Record.Disabled != nil || e.Record.Leaving {
			continue
		}
		if _, decided := s.over[a.Subscription]; decided {
			continue
		}
		rules := &r.policy(e.Record.Policy).Disable
		if !counts(rules) && !a.Seen.Disables {
			continue
		}
		h := s.of[a.Subscription]
		if h == nil {
			h = new(policy.Health)
			s.of[a.Subscription] = h
		}
		v := h.Observe(now, rules, a.Seen)
		if !v.Disable() {
			continue
		}
		s.over[a.Subscription] = ruling{now, v.Reason}
		ruledOut = append(ruledOut, e.Record)
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return ruledOut
}

// counts reports whether anything is to be counted for rules.
func counts(d *policy.Disable) bool {
	return len(d.Totals) > 0 || d.Exhausted > 0 || d.Ratio.Volume > 0
}

// saveEvery is how often what was counted is saved, at most. A crash costs the counts of that time.
const saveEvery = time.Second

// leaveEvery is how often it is looked whether deleted subscriptions have nothing waiting any more.
const leaveEvery = time.Minute

// Run makes durable what was counted and who was disabled, until ctx ends.
func (r *Room) Run(ctx context.Context) {
	save, leave := time.NewTicker(saveEvery), time.NewTicker(leaveEvery)
	defer save.Stop()
	defer leave.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx = context.WithoutCancel(ctx)
			r.disableAll(ctx)
			r.saveStandings(ctx)
			return
		case <-r.standings.wake:
			r.disableAll(ctx)
		case <-save.C:
			r.disableAll(ctx) // those that could not be saved
			r.saveStandings(ctx)
		case <-leave.C:
			r.forgetLeaving(ctx)
		}
	}
}

// disableAll makes durable, and known, who was disabled. What fails is tried again with the next save.
func (r *Room) disableAll(ctx context.Context) {
	r.standings.mu.Lock()
	over := make(map[string]ruling, len(r.standings.over))
	for id, why := range r.standings.over {
		over[id] = why
	}
	r.standings.mu.Unlock()
	for id, why := range over {
		s, err := r.disable(ctx, id, why)
		if err != nil {
			r.set.Log.Error().Err(err).Str("subscription", id).Msg("that a subscription is disabled could not be saved; it is tried again")
			continue
		}
		r.standings.mu.Lock()
		delete(r.standings.over, id)
		r.standings.mu.Unlock()
		if s == nil {
			continue
		}
		r.set.Log.Warn().Str("subscription", id).Str("tenant", s.Tenant).Str("reason", why.reason).Msg("subscription disabled")
		if r.set.Disabled != nil {
			r.set.Disabled(s)
		}
	}
}

// disable saves that a subscription is disabled; nil where it is gone, or was disabled or enabled meanwhile.
func (r *Room) disable(ctx context.Context, id string, why ruling) (*record.Subscription, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	is := r.entry("", id)
	r.standings.mu.Lock()
	_, still := r.standings.over[id]
	r.standings.mu.Unlock()
	if is == nil || is.Record.Disabled != nil || !still {
		return nil, nil //nolint:nilnil // there is nothing to disable
	}
	s := *is.Record
	s.UpdatedAt = why.at.UnixMilli()
	s.Disabled = &record.Disabled{
		Since: why.at.UnixMilli(), Reason: why.reason,
		Cancels: r.policy(s.Policy).Disable.Pending == policy.CancelAtOnce,
	}
	err := r.replace(ctx, replacement{
		was: is, is: &Entry{Record: &s, filter: is.filter, products: is.products}, cancel: cancels(&s),
	})
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// saveStandings saves what has changed. While it does no subscription changes: nothing is counted that was set back.
func (r *Room) saveStandings(ctx context.Context) {
	r.changing.Lock()
	defer r.changing.Unlock()
	var docs []persist.Document
	r.standings.mu.Lock()
	for id, h := range r.standings.of {
		if h.Updated() {
			docs = append(docs, persist.Document{Kind: persist.StandingDocument, Key: id, Data: h.Append(nil)})
		}
	}
	r.standings.mu.Unlock()
	const most = 1000
	for len(docs) > 0 {
		n := min(len(docs), most)
		if err := r.set.Store.SaveDocuments(ctx, docs[:n]); err != nil {
			r.set.Log.Error().Err(err).Int("subscriptions", n).Msg("what was counted of subscriptions could not be saved")
		}
		docs = docs[n:]
	}
}
