package subscription

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Errors of a Room, beside those of its store and of Flows.
var (
	// ErrNotFound: the tenant has no such subscription or event.
	ErrNotFound = errors.New("not found")
	// ErrTaken: another subscription of the tenant has the URL already.
	ErrTaken = errors.New("another subscription has this URL")
	// errUnreadable: what is saved of a subscription is kept, and cannot be read.
	errUnreadable = errors.New("what is saved of it is unreadable")
	// ErrTooMany: there are MaxSubscriptions, or the tenant has MaxOfTenant.
	ErrTooMany = errors.New("too many subscriptions")
)

// Store is what a Room needs of persist.Store.
type Store interface {
	Publish(ctx context.Context, events []persist.Event) ([]persist.EventReceipt, error)
	Event(ctx context.Context, key [32]byte) (*persist.EventView, error)
	SaveDocuments(ctx context.Context, docs []persist.Document) error
	Documents(ctx context.Context, kind persist.DocumentKind, after string, limit int) ([]persist.Document, error)
}

// Flows is what a Room asks of whoever sends. A subscription's deliveries are the flow of its tenant that has its id for
// a name. Whoever sends starts nothing of a flow while Suspended says so: it asks when a flow comes into memory, and when it
// is told to follow.
type Flows interface {
	// Follow has a flow do as Suspended says now, and ends what was accepted for it at or before an id (zero: nothing). It
	// returns when that is in effect. Nothing of it has to be kept: it is done again at each start.
	Follow(tenant, flow string, cancelled record.ID)
	// Waits reports whether anything of a flow has not ended yet.
	Waits(ctx context.Context, tenant, flow string) (bool, error)
	// Last returns an id that nothing accepted until now is behind.
	Last() record.ID
}

// Settings are what a Room is built with.
type Settings struct {
	Store Store
	Flows Flows
	// Policies returns those in force.
	Policies func() policy.Set
	// Address sets the host and the lane of a webhook by its URL and headers.
	Address func(*record.Webhook)
	// Subject returns the digest under which a webhook is known by whom it is about.
	Subject func(string) record.Digest
	// Keep returns how long events are kept; at least MinKeep is.
	Keep func() time.Duration
	// Disabled is told, one at a time, of each subscription that its policy's rule has disabled; nil: nobody is.
	Disabled func(s *record.Subscription)
	Log      zerolog.Logger
}

// Room holds the subscriptions of a process. Its methods may be called from many goroutines.
type Room struct {
	set Settings

	// changing is held while subscriptions are changed, one after the other: what is changed is durable before it is in
	// force. Who publishes, looks or counts does not wait for it.
	changing sync.Mutex
	// publishing is held for reading from when an event is matched until its deliveries are durable; who has taken a
	// subscription out of the index takes it once, and then knows that nothing more is coming for it.
	publishing sync.RWMutex

	mu      sync.RWMutex // of what follows; never held over I/O
	byID    map[string]*Entry
	broken  map[string]struct{} // ids of documents that this release cannot read
	byURL   map[string]*Entry   // by its tenant and what its URL means; see place
	tenants map[string]*tenant

	standings standings
}

// tenant is the subscriptions of one tenant.
type tenant struct {
	index *index
	ids   []string // ascending
}

// New returns a room without subscriptions; Load reads what there are.
func New(set Settings) *Room {
	r := &Room{set: set, byID: map[string]*Entry{}, broken: map[string]struct{}{}, byURL: map[string]*Entry{}, tenants: map[string]*tenant{}}
	r.standings.init()
	return r
}

// loadPage is how many documents are read at a time.
const loadPage = 1000

// Load reads the subscriptions and what was counted of them.
func (r *Room) Load(ctx context.Context) error {
	err := r.each(ctx, persist.SubscriptionDocument, func(d persist.Document) error {
		s, err := record.DecodeSubscription(d.Data)
		if err != nil {
			r.broken[d.Key] = struct{}{}
			return err
		}
		e, err := compile(s)
		if err != nil { // it was checked by another release
			r.set.Log.Error().Err(err).Str("subscription", s.ID).Msg("a filter is not understood any more: it lets nothing through")
			e = &Entry{Record: s, filter: new(filter)}
		}
		r.put(nil, e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading subscriptions: %w", err)
	}
	err = r.each(ctx, persist.StandingDocument, func(d persist.Document) error {
		h, err := policy.ReadHealth(d.Data)
		if err == nil {
			r.standings.restore(d.Key, h)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("reading how subscriptions stand: %w", err)
	}
	return nil
}

// Cancelled visits the subscriptions of which something was cancelled, and up to which id: at a start, before anything is sent,
// a crash may have come before that was done.
func (r *Room) Cancelled(visit func(tenantName, id string, upTo record.ID)) {
	for _, e := range r.entries() {
		if s := e.Record; s.CancelUpTo != (record.ID{}) {
			visit(s.Tenant, s.ID, s.CancelUpTo)
		}
	}
}

// Suspended reports whether nothing of a flow is to be sent: it is that of a subscription which is disabled, or is about to
// be. It is quick: whoever decides about starts may ask.
func (r *Room) Suspended(tenantName, flow string) bool {
	r.mu.RLock()
	e := r.byID[flow]
	r.mu.RUnlock()
	if e == nil || e.Record.Tenant != tenantName || e.Record.Leaving {
		return false
	}
	return e.Record.Disabled != nil || r.standings.ruledOut(flow)
}

// each visits the documents of a kind. One that cannot be read stays where it is, and is told of.
func (r *Room) each(ctx context.Context, kind persist.DocumentKind, visit func(persist.Document) error) error {
	for after := ""; ; {
		page, err := r.set.Store.Documents(ctx, kind, after, loadPage)
		if err != nil {
			return err
		}
		for _, d := range page {
			after = d.Key
			if err := visit(d); err != nil {
				r.set.Log.Error().Err(err).Str("subscription", d.Key).Msg("an unreadable subscription is passed over, and kept")
			}
		}
		if len(page) < loadPage {
			return nil
		}
	}
}

// put has an entry be in force in place of another; either may be nil.
func (r *Room) put(was, is *Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if was != nil {
		s := was.Record
		t := r.tenants[s.Tenant]
		delete(r.byID, s.ID)
		if !s.Leaving {
			delete(r.byURL, place(s))
			t.index.remove(was)
			if i, ok := slices.BinarySearch(t.ids, s.ID); ok {
				t.ids = slices.Delete(t.ids, i, i+1)
			}
			if len(t.ids) == 0 { // or tenants that had one once would stay
				delete(r.tenants, s.Tenant)
			}
		}
	}
	if is == nil {
		return
	}
	s := is.Record
	r.byID[s.ID] = is
	if s.Leaving {
		return
	}
	t := r.tenants[s.Tenant]
	if t == nil {
		t = &tenant{index: newIndex()}
		r.tenants[s.Tenant] = t
	}
	r.byURL[place(s)] = is
	t.index.add(is)
	if i, ok := slices.BinarySearch(t.ids, s.ID); !ok {
		t.ids = slices.Insert(t.ids, i, s.ID)
	}
}

// place is a tenant and what a URL means: scheme and host as they are compared (RFC 9110 section 4.2.3), the rest as it
// is written.
func place(s *record.Subscription) string {
	target, err := webhook.Locate(s.URL)
	scheme, rest, _ := strings.Cut(s.URL, "://")
	if err != nil { // not a URL any more, by what this release takes
		return s.Tenant + "\x00" + s.URL
	}
	path := "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		path = rest[i:]
	}
	return s.Tenant + "\x00" + strings.ToLower(scheme) + "://" + target.Host + path
}

// entry returns a subscription of a tenant; nil: it has none of that id. An empty tenant has those of all.
func (r *Room) entry(tenantName, id string) *Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	e := r.byID[id]
	if e == nil || e.Record.Leaving || tenantName != "" && e.Record.Tenant != tenantName {
		return nil
	}
	return e
}

func (r *Room) entries() []*Entry {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*Entry, 0, len(r.byID))
	for _, e := range r.byID {
		all = append(all, e)
	}
	return all
}

// policy returns the policy of a name, or the default where it is not configured any more.
func (r *Room) policy(name string) *policy.Policy {
	set := r.set.Policies()
	if p := set[name]; p != nil {
		return p
	}
	return set[policy.Default]
}

// newID returns a prefix and a ULID.
func newID(prefix string) string {
	return prefix + ulid.MustNew(ulid.Now(), rand.Reader).String()
}
