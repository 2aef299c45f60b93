package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/egress"
	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// attempt makes one attempt for a webhook, on a worker's goroutine, and says what is to become of it; or ends it without
// one, as its fate says.
func (d *Dispatcher) attempt(s schedule.Start, as fate) {
	began := time.Now()
	e := ended{lane: s.Lane, end: schedule.End{ID: s.Entry.ID, Permit: s.Permit, Health: circuit.Neutral}, unsent: as != send}
	defer func() {
		if p := recover(); p != nil {
			d.set.Log.Error().Str("panic", fmt.Sprint(p)).Bytes("stack", debug.Stack()).Stringer("id", s.Entry.ID).
				Str("host", s.Lane.Host).Msg("an attempt failed within Sluice")
			if as == send && !e.counted {
				d.count(s.Lane.Host, policy.Retry, time.Since(began))
			}
			e.settlement = d.afterPanic(&s)
		}
		d.inbox.addEnded(&e)
	}()

	payload, w, err := d.content(s)
	switch {
	case errors.Is(err, persist.ErrNotFound), errors.Is(err, record.ErrFormat):
		// Nothing can be sent. It ends, said aloud; its bytes, if there are any, are kept like any finished one's.
		d.set.Log.Error().Err(err).Stringer("id", s.Entry.ID).Str("host", s.Lane.Host).Msg("a stored webhook is unreadable")
		lost := &record.Webhook{Host: s.Lane.Host}
		e.settlement = d.ends(&s, lost, payload, record.Failed, nil, "its stored payload is unreadable")
	case err != nil:
		d.set.Log.Error().Err(err).Stringer("id", s.Entry.ID).Msg("reading a webhook failed; it is tried again")
		e.settlement = stays(&s, nil, s.Entry, time.Now().Add(time.Second))
	case as != send:
		e.settlement = d.endUnsent(&s, w, payload, as)
	default:
		d.makeAttempt(&s, w, payload, &e)
	}
}

// endUnsent ends a webhook without an attempt.
func (d *Dispatcher) endUnsent(s *schedule.Start, w *record.Webhook, payload []byte, as fate) *persist.Settlement {
	state, reason := as.end()
	if as == cancel && d.set.WhyCancelled != nil {
		reason = cmp.Or(d.set.WhyCancelled(w), reason)
	}
	if as == expire && time.Now().UnixMilli() < s.Entry.Expires {
		reason = tooFarBack
	}
	return d.ends(s, w, payload, state, nil, reason)
}

// makeAttempt signs and sends a webhook, notes what its lane and its host are to learn of that, and judges what came of it.
func (d *Dispatcher) makeAttempt(s *schedule.Start, w *record.Webhook, payload []byte, e *ended) {
	p, now := d.policyOf(w), time.Now()
	headers, err := d.headers(p, w, s.Entry.ID, now)
	switch {
	case errors.Is(err, ErrOrphaned):
		e.settlement = d.ends(s, w, payload, record.Cancelled, nil, err.Error())
		return
	case err != nil: // who signs has told
		e.settlement = stays(s, nil, s.Entry, now.Add(UnsignedPause))
		return
	}
	var x *exchange
	kept := 0 // bytes of the response's body; 0: as many as egress keeps unless told otherwise
	if d.waits.wanted(s.Entry.ID) {
		x, kept = new(exchange), MaxWaitedBody // none for the pool: its body may grow large
	} else {
		x = exchanges.Get().(*exchange)
		defer exchanges.Put(x)
	}
	x.resp.Forget()
	x.began = now
	withheld := d.send(&egress.Request{
		Method: w.Method, URL: w.URL, Headers: headers, Body: w.Body,
		Connect: p.ConnectTimeout, Timeout: p.Timeout, Redirects: p.Redirects, MaxResponse: kept,
	}, w, s.Lane.Host, x)
	x.ended = time.Now()
	if withheld != nil {
		d.countOf(e, policy.Throttled, x)
		e.end, e.settlement = d.withhold(s, x, withheld)
		return
	}
	if x.resp.Class == policy.ClassCanceled { // broken off here: it stays as it was
		return
	}
	if wantsFiles(x.resp.Err) {
		d.wanting.say(d.set.Log, x.ended, x.resp.Err)
		e.settlement = stays(s, nil, s.Entry, x.ended.Add(time.Second))
		return
	}
	if kept > 0 {
		d.waits.heard(s.Entry.ID, x)
	}
	x.read(d.set.Override(s.Lane.Host))
	made := x.attempt()
	outcome := p.Classify(made)
	d.countOf(e, outcome, x)
	e.end.Seen = x.observation()
	e.end.Health = d.health(s.Lane.Host, &x.resp, outcome)
	e.settlement = d.judge(s, w, payload, p, x, outcome)
	e.attempted = Attempted{Tenant: w.Tenant, Subscription: w.Subscription, Seen: policy.Seen{
		Outcome: outcome, Status: x.resp.Status, Over: e.settlement.Final != nil, Disables: p.Disables(made),
	}}
}

// countOf counts an attempt, once.
func (d *Dispatcher) countOf(e *ended, outcome policy.Outcome, x *exchange) {
	e.counted = true
	d.count(e.lane.Host, outcome, x.ended.Sub(x.began))
}

// afterPanic lets a webhook whose attempt failed here be tried again, but not for ever.
func (d *Dispatcher) afterPanic(s *schedule.Start) *persist.Settlement {
	next := s.Entry
	next.Tries = max(next.Tries, next.Tries+1) // its greatest value stays
	if next.Tries <= maxPanics {
		return stays(s, nil, next, time.Now().Add(time.Minute))
	}
	last := *s
	last.Entry = next
	return d.ends(&last, &record.Webhook{Host: s.Lane.Host}, nil, record.Failed, nil, "its attempts failed within Sluice; see the log")
}

// maxPanics is how many tries may fail within Sluice.
const maxPanics = 5

func (d *Dispatcher) content(s schedule.Start) (payload []byte, w *record.Webhook, err error) {
	defer d.pool.begun()
	payload = s.Content.Payload
	if payload != nil && s.Content.Webhook != nil {
		return payload, s.Content.Webhook, nil
	}
	if payload == nil {
		if payload, err = d.set.Store.Payload(context.Background(), s.Entry.ID); err != nil {
			return nil, nil, err
		}
	}
	w, err = record.DecodeWebhook(payload)
	return payload, w, err
}
