package subscription

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Published is what became of one event.
type Published struct {
	Verdict  persist.Verdict
	Event    *record.Event // as it was stored first; nil where Err is set
	Webhooks []record.ID   // its deliveries, in the order of Event.Matches
	Err      error         // the store's: nothing of it was stored
}

// What goes into one group of the store: whole events, up to about so many deliveries and bytes. An event by itself may
// be more.
const (
	groupDeposits = 4000
	groupBytes    = 8 << 20
)

// maxDeliveries bounds the deliveries of one event in bytes, as they are made and all in memory, at what the store takes as one
// group. It is persist.ErrTooLarge to want more.
const maxDeliveries = 64 << 20

// Publish stores events with their deliveries and returns, in their order, what became of them. The deliveries of one
// event are stored together or not at all; several events may be stored in several groups, in their order.
func (r *Room) Publish(ctx context.Context, events []*Event) []Published {
	r.publishing.RLock()
	defer r.publishing.RUnlock()
	now := time.Now()
	results := make([]Published, len(events))
	var group []persist.Event
	first, deposits, bytes := 0, 0, 0
	flush := func(end int) {
		r.store(ctx, group, results[first:end])
		group, first, deposits, bytes = nil, end, 0, 0
	}
	for i, e := range events {
		p, size, err := r.publication(e, now)
		if err != nil {
			flush(i)
			results[i].Err = err
			first = i + 1
			continue
		}
		if len(group) > 0 && (deposits+len(p.Deposits) > groupDeposits || bytes+size > groupBytes) {
			flush(i)
		}
		group = append(group, p)
		deposits, bytes = deposits+len(p.Deposits), bytes+size
	}
	flush(len(events))
	return results
}

// store has one group stored.
func (r *Room) store(ctx context.Context, group []persist.Event, results []Published) {
	if len(group) == 0 {
		return
	}
	receipts, err := r.set.Store.Publish(ctx, group)
	for i := range results {
		if err != nil {
			results[i].Err = err
			continue
		}
		results[i].Verdict, results[i].Webhooks = receipts[i].Verdict, receipts[i].Webhooks
		results[i].Event, results[i].Err = record.DecodeEvent(receipts[i].Record)
	}
}

// publication is an event with the webhooks that it makes, and how many bytes they are; persist.ErrTooLarge: too many.
func (r *Room) publication(e *Event, now time.Time) (p persist.Event, size int, err error) {
	fingerprint := e.Fingerprint()
	if e.ID == "" {
		e.ID = newID("evt_")
	}
	if e.Created.IsZero() {
		e.Created = now
	}
	stored := record.Event{
		ID: e.ID, Type: e.Type, Tenant: e.Tenant, Live: e.Live, Products: e.Products,
		CreatedAt: e.Created.UnixMilli(), AcceptedAt: now.UnixMilli(), Size: len(e.Data) + len(e.Body),
	}
	made := deliveries{event: e, room: r}
	for _, entry := range r.candidates(e) {
		s := entry.Record
		switch {
		case !entry.wants(e):
		case s.Disabled != nil && s.Disabled.Cancels:
			stored.Missed = append(stored.Missed, s.ID)
		default:
			stored.Matches = append(stored.Matches, s.ID)
			if made.add(s); made.size > maxDeliveries {
				return p, 0, fmt.Errorf("event %s: more than %d bytes of deliveries: %w", e.ID, maxDeliveries, persist.ErrTooLarge)
			}
		}
	}
	return persist.Event{
		Key: eventKey(e.Tenant, e.ID), Fingerprint: fingerprint, Record: stored.Encode(), Deposits: made.deposits,
		Keep: max(MinKeep, r.set.Keep()),
	}, made.size, nil
}

// candidates are those of the tenant's subscriptions that the event's type fits.
func (r *Room) candidates(e *Event) []*Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t := r.tenants[e.Tenant]; t != nil {
		return t.index.find(e.Type)
	}
	return nil
}

// deliveries are the webhooks of one event.
type deliveries struct {
	event    *Event
	room     *Room
	deposits []persist.Deposit
	size     int
	// bodies are what its envelopes made, once each.
	bodies map[policy.Envelope]body
}

type body struct {
	content     []byte
	contentType string
}

// add makes the webhook that goes to a subscription: what the subscription says now is what will be sent, but for its
// secrets, which are looked up at each attempt.
func (d *deliveries) add(s *record.Subscription) {
	p := d.room.policy(s.Policy)
	b := d.body(p.Envelope)
	w := &record.Webhook{
		Method: "POST", URL: s.URL, Headers: s.Headers, Body: b.content, Tenant: s.Tenant, Flow: s.ID, Policy: s.Policy,
		Type: d.event.Type, Metadata: s.Metadata, Subscription: s.ID, Event: d.event.ID,
	}
	if !hasHeader(w.Headers, "Content-Type") {
		w.Headers = append(w.Headers[:len(w.Headers):len(w.Headers)], record.Header{Name: "Content-Type", Value: b.contentType})
	}
	if p.Ordered {
		w.Ordering = webhook.OrderingDigest(s.ID)
	}
	if d.event.Subject != "" {
		w.Subject = d.room.set.Subject(d.event.Subject)
	}
	d.room.set.Address(w)
	payload := w.Encode()
	d.size += len(payload)
	d.deposits = append(d.deposits, persist.Deposit{Queue: w.Queue(), Payload: payload, Webhook: w})
}

func (d *deliveries) body(envelope policy.Envelope) body {
	if b, ok := d.bodies[envelope]; ok {
		return b
	}
	if d.bodies == nil {
		d.bodies = map[policy.Envelope]body{}
	}
	var b body
	b.content, b.contentType = d.event.wrapped(envelope)
	d.bodies[envelope] = b
	return b
}

func hasHeader(headers []record.Header, name string) bool {
	for i := range headers {
		if strings.EqualFold(headers[i].Name, name) {
			return true
		}
	}
	return false
}

// Event returns an event of a tenant as it was published, and the ids of its deliveries.
func (r *Room) Event(ctx context.Context, tenantName, id string) (*record.Event, []record.ID, error) {
	view, err := r.set.Store.Event(ctx, eventKey(tenantName, id))
	if errors.Is(err, persist.ErrNotFound) {
		return nil, nil, fmt.Errorf("event %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, nil, err
	}
	e, err := record.DecodeEvent(view.Record)
	return e, view.Webhooks, err
}
