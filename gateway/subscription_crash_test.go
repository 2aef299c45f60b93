package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// mortal is a store that takes so many more writes and then none: what is on disk is what a crash after them leaves.
type mortal struct {
	persist.Store
	mu   sync.Mutex
	left int // negative: as many as there are
	died bool
}

// dies has the store take n more writes.
func (m *mortal) dies(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = n
}

func (m *mortal) dead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.died
}

func (m *mortal) write() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.left == 0:
		m.died = true
		return persist.ErrClosed
	case m.left > 0:
		m.left--
	}
	return nil
}

func (m *mortal) Enqueue(ctx context.Context, jobs []persist.Deposit) ([]persist.Receipt, error) {
	if err := m.write(); err != nil {
		return nil, err
	}
	return m.Store.Enqueue(ctx, jobs)
}

func (m *mortal) Publish(ctx context.Context, events []persist.Event) ([]persist.EventReceipt, error) {
	if err := m.write(); err != nil {
		return nil, err
	}
	return m.Store.Publish(ctx, events)
}

func (m *mortal) SaveDocuments(ctx context.Context, docs []persist.Document) error {
	if err := m.write(); err != nil {
		return err
	}
	return m.Store.SaveDocuments(ctx, docs)
}

func (m *mortal) Settle(ctx context.Context, me persist.Member, b persist.Batch) ([]record.Part, error) {
	if err := m.write(); err != nil {
		return nil, err
	}
	return m.Store.Settle(ctx, me, b)
}

const crashing = `
policies:
  holding: {extends: standard-webhooks, schemes: [http], retry: {fixed: 1m, attempts: 10}, disable: {totals: {4xx: 2}, pending: hold}}
  cancelling: {extends: holding, disable: {pending: cancel}}
limits: {hosts: [{match: in.example, fixed: 1/s, concurrency: {start: 1, max: 1}}]}
`

// stand is a subscription in the middle of its life, with deliveries that wait for it.
type stand struct {
	*world
	store    *mortal
	endpoint *endpoint
	id       string
	accepted []string // deliveries that were answered with 202 before the change
}

func newStand(t *testing.T, policy string) *stand {
	s := &stand{world: newWorld(t)}
	text := crashing
	s.file(&text)
	s.wrap = func(disk persist.Store) persist.Store {
		s.store = &mortal{Store: disk, left: -1}
		return s.store
	}
	s.endpoint = s.world.endpoint("in.example:80")
	s.start()
	s.held(true)
	var made shownSubscription
	s.call("POST", "/v1/subscriptions", fmt.Sprintf(`{"url":"http://in.example/","policy":%q}`, policy), 201, &made)
	s.id = made.ID
	return s
}

// held has an operator hold the host, or let it go: in effect also where the store takes nothing more.
func (s *stand) held(on bool) {
	verb := map[bool]string{true: "pause", false: "resume"}[on]
	s.ask("POST", "/v1/hosts/in.example:80/"+verb, "", nil)
}

func (s *stand) publish(n int) {
	for range n {
		var e shownEvent
		s.call("POST", "/v1/events", `{"type":"a","data":{}}`, 202, &e)
		for _, d := range e.Deliveries {
			s.accepted = append(s.accepted, d.Webhook)
		}
	}
}

// ruledOut has the endpoint answer so often that the policy's rule disables the subscription.
func (s *stand) ruledOut() {
	s.endpoint.answers(404)
	s.held(false)
	time.Sleep(10 * time.Second)
	s.held(true)
	s.endpoint.answers(200)
}

// path is the subscription's.
func (s *stand) path() string { return "/v1/subscriptions/" + s.id }

// enabled says how the subscription stands: enabled, held, cancelled or gone.
func (s *stand) standing() string {
	s.t.Helper()
	status, text := s.ask("GET", s.path(), "", nil)
	if status == fasthttp.StatusNotFound {
		return "gone"
	}
	var shown shownSubscription
	if err := json.Unmarshal(text, &shown); err != nil {
		s.t.Fatalf("%d: %s", status, text)
	}
	if shown.Enabled {
		return "enabled"
	}
	return shown.Disabled.Pending
}

// states counts the accepted deliveries by their state.
func (s *stand) states() map[string]int {
	states := map[string]int{}
	for _, id := range s.accepted {
		states[s.show(id).State]++
	}
	return states
}

// TestAfterACrashAnywhereWhatWaitsDoesAsTheSubscriptionSays has the process end after each write of each change that a
// subscription can be put to. Whatever is then in the store, the subscription is what it was or what it was to be, its
// deliveries do as it says, and nothing is lost.
func TestAfterACrashAnywhereWhatWaitsDoesAsTheSubscriptionSays(t *testing.T) {
	t.Parallel()
	const accepted = 4
	for name, c := range map[string]struct {
		policy string
		before func(*stand)
		change func(*stand) (answered bool)
		was    string // its standing before
		is     string // and after, where the change was answered
		// waits is what becomes of the deliveries where the change was saved; empty: they are sent.
		waits string
	}{
		"disabled, and what waits is held": {
			policy: "holding", was: "enabled", is: "held", waits: "pending",
			before: func(s *stand) { s.publish(accepted) },
			change: func(s *stand) bool { return s.tells("PATCH", `{"enabled":false}`) },
		},
		"disabled, and what waits is cancelled": {
			policy: "cancelling", was: "enabled", is: "cancelled", waits: "cancelled",
			before: func(s *stand) { s.publish(accepted) },
			change: func(s *stand) bool { return s.tells("PATCH", `{"enabled":false}`) },
		},
		"enabled after its owner disabled it": {
			policy: "holding", was: "held", is: "enabled",
			before: func(s *stand) { s.publish(accepted); s.tells("PATCH", `{"enabled":false}`) },
			change: func(s *stand) bool { return s.tells("PATCH", `{"enabled":true}`) },
		},
		"enabled after its rule disabled it": {
			policy: "holding", was: "held", is: "enabled",
			before: func(s *stand) { s.publish(accepted); s.ruledOut() },
			change: func(s *stand) bool {
				done := s.tells("PATCH", `{"enabled":true}`)
				s.endpoint.answers(404) // once: it must count as the first
				return done
			},
		},
		"deleted, and what waits is cancelled": {
			policy: "holding", was: "enabled", is: "gone", waits: "cancelled",
			before: func(s *stand) { s.publish(accepted) },
			change: func(s *stand) bool { return s.tells("DELETE", "") },
		},
		"deleted while disabled, and what was held is cancelled": {
			policy: "holding", was: "held", is: "gone", waits: "cancelled",
			before: func(s *stand) { s.publish(accepted); s.tells("PATCH", `{"enabled":false}`) },
			change: func(s *stand) bool { return s.tells("DELETE", "") },
		},
		"deleted, and what waits finishes": {
			policy: "holding", was: "enabled", is: "gone",
			before: func(s *stand) { s.publish(accepted) },
			change: func(s *stand) bool { return s.tells("DELETE", "?pending=finish") },
		},
		"deleted while disabled, and what was held finishes": {
			policy: "holding", was: "held", is: "gone",
			before: func(s *stand) { s.publish(accepted); s.tells("PATCH", `{"enabled":false}`) },
			change: func(s *stand) bool { return s.tells("DELETE", "?pending=finish") },
		},
		"disabled by its rule, and what waits is held": {
			policy: "holding", was: "enabled", is: "held", waits: "pending",
			before: func(s *stand) { s.publish(accepted) },
			change: func(s *stand) bool { s.ruledOut(); return false },
		},
		"disabled by its rule, and what waits is cancelled": {
			policy: "cancelling", was: "enabled", is: "cancelled", waits: "cancelled",
			before: func(s *stand) { s.publish(accepted) },
			change: func(s *stand) bool { s.ruledOut(); return false },
		},
		"its secret rotated": {
			policy: "holding", was: "enabled", is: "enabled",
			before: func(s *stand) { s.publish(accepted) },
			change: func(s *stand) bool {
				status, _ := s.ask("POST", s.path()+"/rotate-secret", "", nil)
				return status < 300
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for writes, died := 0, true; died; writes++ {
				synctest.Test(t, func(t *testing.T) {
					s := newStand(t, c.policy)
					c.before(s)
					time.Sleep(5 * time.Second) // what is saved in passing is saved
					s.store.dies(writes)
					answered := c.change(s)
					time.Sleep(5 * time.Second)
					died = s.store.dead()
					s.store.dies(0)
					s.shutdown()

					called := len(s.endpoint.bodies())
					s.start()
					standing := s.standing()
					if standing != c.was && standing != c.is || answered && standing != c.is {
						t.Errorf("after %d writes: it is %s (answered: %v); it was %s and was to be %s", writes, standing, answered, c.was, c.is)
					}
					s.held(false)
					time.Sleep(500 * time.Millisecond)
					s.endpoint.answers(200)
					time.Sleep(20 * time.Minute)
					s.agrees(t, writes, standing, c.waits, called)
					if standing == "held" {
						s.call("PATCH", s.path(), `{"enabled":true}`, 200, nil)
						time.Sleep(20 * time.Minute)
						s.agrees(t, writes, "enabled", "", called)
					}
					s.close()
					if bytes.Contains(s.log.Bytes(), []byte("unreadable")) {
						t.Errorf("after %d writes something was unreadable: %s", writes, s.log.Bytes())
					}
				})
			}
		})
	}
}

// tells asks for a change of the subscription, and returns whether the answer was that it is done.
func (s *stand) tells(method, with string) bool {
	path, body := s.path(), []byte(with)
	if method == "DELETE" {
		path, body = path+with, nil
	}
	status, _ := s.ask(method, path, "application/json", body)
	return status < 300
}

// agrees checks that all deliveries do as the subscription's standing says.
func (s *stand) agrees(t *testing.T, writes int, standing, waits string, called int) {
	t.Helper()
	states, more := s.states(), len(s.endpoint.bodies())-called
	all := len(s.accepted)
	switch standing {
	case "held":
		if states["pending"] != all || more != 0 {
			t.Errorf("after %d writes it is disabled, its deliveries are %v, and %d were sent", writes, states, more)
		}
	case "cancelled":
		if states["cancelled"] != all || more != 0 {
			t.Errorf("after %d writes it is disabled, its deliveries are %v, and %d were sent", writes, states, more)
		}
	case "gone":
		want := "delivered"
		if waits == "cancelled" {
			want = waits
		}
		if states[want] != all || want == "cancelled" && more != 0 {
			t.Errorf("after %d writes it is deleted, its deliveries are %v, and %d were sent; want all %s", writes, states, more, want)
		}
	default:
		if states["delivered"] != all {
			t.Errorf("after %d writes it is enabled, and its deliveries are %v", writes, states)
		}
	}
}
