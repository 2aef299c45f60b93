package subscription

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// disk is a store in memory, and flows that note what is asked of them.
type disk struct {
	mu       sync.Mutex
	err      error // of the next write
	docs     map[string][]byte
	events   map[[32]byte]persist.EventView
	deposits []persist.Deposit
	groups   []int // how many events each Publish had
	followed []string
	waiting  bool
}

func (d *disk) fail() error {
	err := d.err
	d.err = nil
	return err
}

func (d *disk) Publish(_ context.Context, events []persist.Event) ([]persist.EventReceipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return nil, err
	}
	d.groups = append(d.groups, len(events))
	receipts := make([]persist.EventReceipt, len(events))
	for i, e := range events {
		if known, ok := d.events[e.Key]; ok {
			receipts[i] = persist.EventReceipt{Verdict: persist.Existing, EventView: known}
			continue
		}
		v := persist.EventView{Record: e.Record}
		for _, j := range e.Deposits {
			d.deposits = append(d.deposits, j)
			v.Webhooks = append(v.Webhooks, record.ID{15: byte(len(d.deposits))})
		}
		d.events[e.Key] = v
		receipts[i].EventView = v
	}
	return receipts, nil
}

func (d *disk) Event(_ context.Context, key [32]byte) (*persist.EventView, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v, ok := d.events[key]; ok {
		return &v, nil
	}
	return nil, persist.ErrNotFound
}

func (d *disk) SaveDocuments(_ context.Context, docs []persist.Document) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fail(); err != nil {
		return err
	}
	for _, doc := range docs {
		d.docs[fmt.Sprint(doc.Kind, doc.Key)] = doc.Data
	}
	return nil
}

func (d *disk) Documents(_ context.Context, kind persist.DocumentKind, after string, limit int) (docs []persist.Document, _ error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, data := range d.docs {
		if id, ok := strings.CutPrefix(key, fmt.Sprint(kind)); ok && len(data) > 0 && id > after {
			docs = append(docs, persist.Document{Kind: kind, Key: id, Data: data})
		}
	}
	slices.SortFunc(docs, func(a, b persist.Document) int { return strings.Compare(a.Key, b.Key) })
	return docs[:min(len(docs), limit)], nil
}

// Follow notes what it is asked for: to cancel, or to ask again whether the flow is suspended.
func (d *disk) Follow(_, flow string, cancelled record.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	what := "follow "
	if cancelled != (record.ID{}) {
		what = "cancel "
	}
	d.followed = append(d.followed, what+flow)
}

func (d *disk) Last() record.ID { return record.ID{15: 0xff} }
func (d *disk) Waits(context.Context, string, string) (bool, error) {
	return d.waiting, nil
}

// rules are policies for tests: one that holds and one that cancels after three answers of 4xx.
func rules() policy.Set {
	fragile := policy.Disable{Totals: []policy.Total{{Class: 4, Count: 3}}, Pending: policy.Hold}
	strict := fragile
	strict.Pending = policy.CancelAtOnce
	return policy.Set{
		policy.Default: {Name: policy.Default, Envelope: policy.Raw},
		DefaultPolicy:  {Name: DefaultPolicy, Envelope: policy.StandardWebhooks},
		"fragile":      {Name: "fragile", Envelope: policy.Raw, Disable: fragile},
		"strict":       {Name: "strict", Envelope: policy.Raw, Disable: strict},
	}
}

func newDisk() *disk {
	return &disk{docs: map[string][]byte{}, events: map[[32]byte]persist.EventView{}}
}

func newRoom(t *testing.T, d *disk) *Room {
	t.Helper()
	address := webhook.Defaults{}
	r := New(Settings{
		Store: d, Flows: d, Policies: rules, Address: address.Address, Keep: func() time.Duration { return time.Hour },
		Subject: func(s string) record.Digest { return record.Digest{byte(len(s))} },
	})
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func create(t *testing.T, r *Room, text string) Created {
	t.Helper()
	d, faults := Parse([]byte(text), time.Now(), &webhook.Defaults{Policy: DefaultPolicy, Policies: anyPolicy{}})
	if faults != nil {
		t.Fatalf("%s: %v", text, faults)
	}
	made, err := r.Create(t.Context(), d)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return made
}

// anyPolicy knows every name.
type anyPolicy struct{}

func (anyPolicy) Methods(string) ([]string, bool) { return []string{"POST"}, true }
func (anyPolicy) Names() []string                 { return nil }
func (anyPolicy) Ordered(string) bool             { return false }
func (anyPolicy) Refuses(string, string, uint16) (problem, want string) {
	return "", ""
}

func patch(t *testing.T, r *Room, id, text string) *record.Subscription {
	t.Helper()
	s, err := r.Update(t.Context(), "", id, func(is *record.Subscription) (*Draft, error) {
		d, faults := ParseChange([]byte(text), is, time.Now(), &webhook.Defaults{Policy: DefaultPolicy, Policies: anyPolicy{}})
		if faults != nil {
			return nil, faults[0]
		}
		return d, nil
	})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// publish publishes an event and returns the ids of the subscriptions that it went to.
func publish(t *testing.T, r *Room, text string) []string {
	t.Helper()
	e, faults := ParseEvent([]byte(text), eventDefaults)
	if faults != nil {
		t.Fatalf("%s: %v", text, faults)
	}
	p := r.Publish(t.Context(), []*Event{e})[0]
	if p.Err != nil {
		t.Fatal(p.Err)
	}
	return p.Event.Matches
}
