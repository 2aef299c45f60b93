package dispatch

import (
	"math/rand/v2"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// judge turns an attempt into what is written of it: the webhook is over, or it is tried again at an instant.
func (d *Dispatcher) judge(s *schedule.Start, w *record.Webhook, payload []byte, p *policy.Policy, x *exchange,
	outcome policy.Outcome,
) *persist.Settlement {
	took := x.ended.Sub(x.began)
	a := recordOf(x, outcome, s.Entry.Attempts()+1)

	var wait time.Duration
	if x.hint.HasRetryAfter {
		wait = x.hint.RetryAfter
	}
	next := s.Entry
	delay, giveUp := p.Account(&next, outcome, x.resp.Class, took, wait, rand.Float64())
	last := *s
	last.Entry = next
	switch {
	case outcome == policy.Delivered:
		return d.ends(&last, w, payload, record.Delivered, a, "")
	case outcome == policy.Failed, giveUp != "":
		return d.ends(&last, w, payload, record.Failed, a, giveUp)
	}
	due := x.ended.Add(delay)
	if w.ExpireEarly && next.Expires > 0 && due.UnixMilli() >= next.Expires {
		return d.ends(&last, w, payload, record.Expired, a, "expires_at comes before its next attempt could")
	}
	d.set.Log.Debug().Stringer("id", s.Entry.ID).Str("host", s.Lane.Host).Int("attempt", a.N).Int("status", a.Status).
		Str("error_class", a.ErrorClass).Str("outcome", a.Outcome).Time("next", due).Msg("webhook to be tried again")
	return stays(s, a, next, due)
}

// stays is a settlement of a webhook that is to be tried at another time.
func stays(s *schedule.Start, a *record.Attempt, next record.Entry, due time.Time) *persist.Settlement {
	next.Due = due.UnixMilli()
	if a != nil {
		a.NextDue = next.Due
	}
	return &persist.Settlement{
		Queue: refOf(s), Was: s.Entry.Position, ID: s.Entry.ID, Attempt: a, Next: &next,
	}
}

// ends is a settlement of a webhook whose life ends.
func (d *Dispatcher) ends(s *schedule.Start, w *record.Webhook, payload []byte, state record.State, a *record.Attempt,
	reason string,
) *persist.Settlement {
	now := time.Now()
	created := s.Entry.ID.Timestamp()
	d.metrics.finished.WithLabelValues(d.set.HostLabel(s.Lane.Host), string(state)).Inc()
	if state == record.Delivered {
		d.metrics.latency.Observe(now.Sub(created).Seconds())
	} else if l := d.set.Log.Warn(); l.Enabled() {
		l.Stringer("id", s.Entry.ID).Str("host", s.Lane.Host).Str("flow", w.Flow).Str("state", string(state)).
			Int("tries", int(s.Entry.Tries)).Str("reason", reason).Int("status", statusOf(a)).Msg("webhook ended undelivered")
	}
	return &persist.Settlement{
		Queue: refOf(s), Was: s.Entry.Position, ID: s.Entry.ID, Attempt: a, Payload: payload, Keep: d.keep(w.Policy, state),
		Final: &record.Final{
			ID: s.Entry.ID, State: state, Method: w.Method, URL: d.set.ShowURL(s.Lane.Host, w.URL), Host: s.Lane.Host,
			Tenant: w.Tenant, Flow: w.Flow, Priority: w.Priority, Policy: w.Policy, Type: w.Type, Metadata: w.Metadata,
			CreatedAt: created.UnixMilli(), FinishedAt: now.UnixMilli(), Expires: s.Entry.Expires,
			Tries: int(s.Entry.Tries), Throttled: int(s.Entry.Throttled), Reason: reason,
			Subscription: w.Subscription, Event: w.Event, Subject: w.Subject, Replays: w.Replays, Trace: w.Trace,
		},
	}
}

func refOf(s *schedule.Start) persist.QueueRef {
	return persist.QueueRef{Part: record.PartOf(s.Lane.Host), ID: s.Queue}
}

func statusOf(a *record.Attempt) int {
	if a == nil {
		return 0
	}
	return a.Status
}
