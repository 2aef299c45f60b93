package subscription

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

func TestSameURLTwiceInATenantIsOneSubscription(t *testing.T) {
	d := newDisk()
	r := newRoom(t, d)
	first := create(t, r, `{"url":"https://Hooks.example.com:443/in","types":["coupon.created"],"name":"first","products":["a"]}`)
	if !first.New || !strings.HasPrefix(first.Secret, "whsec_") || !strings.HasPrefix(first.Subscription.ID, "sub_") {
		t.Fatalf("the first: %+v", first)
	}
	again := create(t, r, `{"url":"https://hooks.example.com/in","types":["reward.created","coupon.created"],"name":"second"}`)
	if s := again.Subscription; again.New || again.Secret != "" || s.ID != first.Subscription.ID || s.Name != "second" ||
		strings.Join(s.Types, " ") != "coupon.created reward.created" || strings.Join(s.Products, " ") != "a" {
		t.Errorf("the same URL again: %+v", again)
	}
	for _, other := range []string{
		`{"url":"https://hooks.example.com/in","tenant":"eu"}`, `{"url":"https://hooks.example.com/in?x"}`, `{"url":"http://hooks.example.com:443/in"}`,
	} {
		if made := create(t, r, other); !made.New || made.Subscription.ID == first.Subscription.ID {
			t.Errorf("%s: is taken for the first: %+v", other, made)
		}
	}
	_, err := r.Update(t.Context(), "", first.Subscription.ID, func(is *record.Subscription) (*Draft, error) {
		d, _ := ParseChange([]byte(`{"url":"https://hooks.example.com/in?x"}`), is, time.Now(), &webhook.Defaults{Policies: anyPolicy{}})
		return d, nil
	})
	if !errors.Is(err, ErrTaken) {
		t.Errorf("changed to another's URL: %v", err)
	}

	r = newRoom(t, d) // after a restart
	if page, more := r.List(Query{Limit: 10}); len(page) != 4 || more {
		t.Errorf("%d are there after a restart", len(page))
	}
	if page, _ := r.List(Query{URL: "https://hooks.example.com/in", Tenant: "default", Limit: 10}); len(page) != 1 || page[0].Name != "second" {
		t.Errorf("found by its URL: %v", page)
	}
}

func TestEventGoesToExactlyThoseWhoWantIt(t *testing.T) {
	r := newRoom(t, newDisk())
	id := func(text string) string { return create(t, r, text).Subscription.ID }
	all := id(`{"url":"https://a.example/all"}`)
	orders := id(`{"url":"https://a.example/orders","types":["order.*","order.paid"]}`)
	paid := id(`{"url":"https://a.example/paid","types":["order.paid"],"filter":"data.total >= 100"}`)
	product := id(`{"url":"https://a.example/product","products":["prd_1","prd_2"]}`)
	id(`{"url":"https://a.example/else","types":["user.created"]}`)
	id(`{"url":"https://a.example/all","tenant":"eu"}`)
	for text, want := range map[string][]string{
		`{"type":"order.paid","data":{"total":100}}`:             {all, orders, paid},
		`{"type":"order.paid","data":{"total":99}}`:              {all, orders},
		`{"type":"order.paid","data":{"total":"much"}}`:          {all, orders},
		`{"type":"order","data":{}}`:                             {all},
		`{"type":"license.issued","product":"prd_2","data":{}}`:  {all, product},
		`{"type":"license.issued","products":["x"],"data":{}}`:   {all},
		`{"type":"order.paid","body":"{\"total\":500}"}`:         {all, orders, paid},
		`{"type":"nobody.wants","data":{},"tenant":"us"}`:        nil,
		`{"type":"order.refund.partly","data":1,"product":"no"}`: {all, orders},
	} {
		slices.Sort(want) // of one millisecond, ids are in any order
		if got := publish(t, r, text); !slices.Equal(got, want) {
			t.Errorf("%s: went to %v, want %v", text, got, want)
		}
	}
}

func TestDeliveryIsWhatItsSubscriptionSays(t *testing.T) {
	d := newDisk()
	r := newRoom(t, d)
	s := create(t, r, `{"url":"https://a.example/in","headers":{"X-A":"1"},"metadata":{"k":"v"},"policy":"default"}`).Subscription
	publish(t, r, `{"type":"order.paid","id":"e1","subject":"ada","data":{ "n" : 1 }}`)
	w := d.deposits[0].Webhook
	if w.Method != "POST" || w.URL != s.URL || w.Host != "a.example" || w.Flow != s.ID || w.Subscription != s.ID || w.Event != "e1" ||
		w.Type != "order.paid" || w.Policy != "default" || w.Metadata["k"] != "v" || string(w.Body) != `{ "n" : 1 }` ||
		w.Subject != (record.Digest{3}) || fmt.Sprint(w.Headers) != "[{{} X-A 1} {{} Content-Type application/json}]" {
		t.Errorf("delivered as %+v", w)
	}
	if len(s.Headers) != 1 {
		t.Errorf("the subscription's own headers became %v", s.Headers)
	}
	if again := publish(t, r, `{"type":"order.paid","id":"e1","subject":"ada","data":{ "n" : 1 }}`); len(d.deposits) != 1 || len(again) != 1 {
		t.Errorf("the same event again made %d deliveries", len(d.deposits)-1)
	}
}

func TestSubscriptionIsDisabledByExactlyTheAttemptThatItsRuleNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		r := newRoom(t, d)
		var told []string
		r.set.Disabled = func(s *record.Subscription) { told = append(told, s.ID+": "+s.Disabled.Reason) }
		hold := create(t, r, `{"url":"https://a.example/1","policy":"fragile"}`).Subscription.ID
		cancel := create(t, r, `{"url":"https://a.example/2","policy":"strict"}`).Subscription.ID
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { r.Run(ctx); close(ended) }()

		failed := func(id string) []*record.Subscription {
			return r.Attempted(time.Now(), []Attempt{{id, policy.Seen{Outcome: policy.Retry, Status: 404}}})
		}
		for n := 1; n <= 2; n++ {
			if stops := append(failed(hold), failed(cancel)...); len(stops) != 0 {
				t.Fatalf("after %d attempts: %v", n, stops)
			}
		}
		time.Sleep(2 * time.Second) // what was counted is saved
		fresh := newRoom(t, d)
		if stops := fresh.Attempted(time.Now(), []Attempt{{hold, policy.Seen{Outcome: policy.Retry, Status: 404}}}); len(stops) != 1 {
			t.Errorf("after a restart the third does not disable: %v", stops)
		}
		stops := append(failed(hold), failed(cancel)...)
		if len(stops) != 2 || stops[0].ID != hold || stops[1].ID != cancel || !r.Suspended("default", hold) || !r.Suspended("default", cancel) {
			t.Errorf("the third: %v", stops)
		}
		if more := append(failed(hold), failed(cancel)...); len(more) != 0 {
			t.Errorf("what was under way disables again: %v", more)
		}
		synctest.Wait()
		s := r.Subscription("", hold)
		if s.Disabled == nil || s.Disabled.ByHand || !strings.Contains(s.Disabled.Reason, "3 answers of 4xx") || len(told) != 2 {
			t.Fatalf("disabled: %+v, told %v", s.Disabled, told)
		}
		if got := publish(t, r, `{"type":"a","data":1}`); !slices.Equal(got, []string{hold}) {
			t.Errorf("an event while both are disabled went to %v, want to the one whose deliveries are held", got)
		}
		stop()
		<-ended

		r = newRoom(t, d)
		var begun []string
		r.Cancelled(func(_, id string, _ record.ID) { begun = append(begun, id) })
		if !r.Suspended("default", hold) || !r.Suspended("default", cancel) || !slices.Equal(begun, []string{cancel}) {
			t.Errorf("after a restart: suspended %v and %v, cancelled %v", r.Suspended("default", hold), r.Suspended("default", cancel), begun)
		}
		d.followed = nil
		if s := patch(t, r, hold, `{"enabled":true}`); s.Disabled != nil || r.Suspended("default", hold) || !slices.Equal(d.followed, []string{"follow " + hold}) {
			t.Errorf("enabled: %+v, %v", s.Disabled, d.followed)
		}
		for n := 1; n <= 2; n++ {
			if stops := r.Attempted(time.Now(), []Attempt{{hold, policy.Seen{Outcome: policy.Retry, Status: 404}}}); len(stops) != 0 {
				t.Errorf("attempt %d after it was enabled: %v", n, stops)
			}
		}
	})
}

func TestDeletedSubscriptionMatchesNothingAndFinishesWhereAsked(t *testing.T) {
	d := newDisk()
	r := newRoom(t, d)
	gone := create(t, r, `{"url":"https://a.example/1"}`)
	finishing := create(t, r, `{"url":"https://a.example/2"}`)
	d.followed, d.waiting = nil, true
	if err := r.Delete(t.Context(), "default", gone.Subscription.ID, false); err != nil {
		t.Fatal(err)
	}
	if err := r.Delete(t.Context(), "default", finishing.Subscription.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Secrets(gone.Subscription.ID, time.Now()); !errors.Is(err, ErrNotFound) {
		t.Errorf("what comes for the one that cancels, while something of it is under way, is still signed: %v", err)
	}
	want := []string{"cancel " + gone.Subscription.ID, "follow " + finishing.Subscription.ID}
	if !slices.Equal(d.followed, want) {
		t.Errorf("asked of the flows: %v, want %v", d.followed, want)
	}
	if got := publish(t, r, `{"type":"a","data":1}`); got != nil {
		t.Errorf("an event still goes to %v", got)
	}
	r = newRoom(t, d)
	if page, _ := r.List(Query{Limit: 10}); len(page) != 0 || r.Subscription("", finishing.Subscription.ID) != nil {
		t.Errorf("%d are still there", len(page))
	}
	if secrets, err := r.Secrets(finishing.Subscription.ID, time.Now()); err != nil || secrets[0] != finishing.Secret {
		t.Errorf("what waits for the deleted one is signed with %d secrets, %v", len(secrets), err)
	}
	d.waiting = false
	r.forgetLeaving(t.Context())
	if _, err := r.Secrets(finishing.Subscription.ID, time.Now()); !errors.Is(err, ErrNotFound) {
		t.Errorf("it is kept though nothing waits for it: %v", err)
	}
	if err := r.Delete(t.Context(), "default", gone.Subscription.ID, false); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted again: %v", err)
	}
}

// late is a disk that stores events when it is told to.
type late struct {
	*disk
	begun, let chan struct{}
}

func (l *late) Publish(ctx context.Context, events []persist.Event) ([]persist.EventReceipt, error) {
	close(l.begun)
	<-l.let
	defer func() { l.waiting = true }()
	return l.disk.Publish(ctx, events)
}

// TestASubscriptionThatFinishesIsKeptForWhatWasMatchedBeforeItWasDeleted, and is stored only afterwards.
func TestASubscriptionThatFinishesIsKeptForWhatWasMatchedBeforeItWasDeleted(t *testing.T) {
	d := &late{newDisk(), make(chan struct{}), make(chan struct{})}
	r := newRoom(t, d.disk)
	id := create(t, r, `{"url":"https://a.example/1"}`).Subscription.ID
	r.set.Store = d
	published, deleted := make(chan []Published, 1), make(chan error, 1)
	go func() {
		published <- r.Publish(t.Context(), []*Event{{Type: "a", Tenant: "default", ID: "1", Data: []byte("1")}})
	}()
	<-d.begun
	go func() { deleted <- r.Delete(t.Context(), "default", id, true) }()
	for r.publishing.TryRLock() { // it fails once somebody waits for who publishes
		r.publishing.RUnlock()
		if len(deleted) > 0 {
			t.Error("it was deleted and forgotten while an event that it had matched was being stored")
			break
		}
		runtime.Gosched()
	}
	close(d.let)
	if p := <-published; p[0].Err != nil || len(p[0].Webhooks) != 1 {
		t.Errorf("published: %+v", p)
	}
	if err := <-deleted; err != nil {
		t.Error(err)
	}
	if _, err := r.Secrets(id, time.Now()); err != nil {
		t.Errorf("what finishes cannot be signed: %v", err)
	}
}

// TestWhatCannotBeReadOfASubscriptionEndsNothingOfIt: another release may read it.
func TestWhatCannotBeReadOfASubscriptionEndsNothingOfIt(t *testing.T) {
	d := newDisk()
	id := create(t, newRoom(t, d), `{"url":"https://a.example/1"}`).Subscription.ID
	for key := range d.docs {
		d.docs[key] = []byte{0xff}
	}
	r := newRoom(t, d)
	if _, err := r.Secrets(id, time.Now()); err == nil || errors.Is(err, ErrNotFound) || r.Gone(id) || r.WhyCancelled(id) != "" {
		t.Errorf("it is taken for gone: %v", err)
	}
}

func TestRotatedSecretsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t, newDisk())
		made := create(t, r, `{"url":"https://a.example/1"}`)
		id := made.Subscription.ID
		_, second, err := r.Rotate(t.Context(), "default", id, "", time.Hour)
		if err != nil || second == made.Secret {
			t.Fatal(second, err)
		}
		if got, _ := r.Secrets(id, time.Now()); !slices.Equal(got, []string{second, made.Secret}) {
			t.Errorf("%d sign after a rotation, want both", len(got))
		}
		_, third, err := r.Rotate(t.Context(), "default", id, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", 24*time.Hour)
		if err != nil || third != "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz" {
			t.Fatal(third, err)
		}
		time.Sleep(time.Hour)
		if got, _ := r.Secrets(id, time.Now()); !slices.Equal(got, []string{third, second}) {
			t.Errorf("%d sign an hour later, want two: the first one's overlap is over", len(got))
		}
		time.Sleep(23 * time.Hour)
		if got, _ := r.Secrets(id, time.Now()); !slices.Equal(got, []string{third}) {
			t.Errorf("%d sign a day later, want one", len(got))
		}
	})
}

func TestWhatTheStoreRefusesIsNotInForce(t *testing.T) {
	d := newDisk()
	r := newRoom(t, d)
	s := create(t, r, `{"url":"https://a.example/1","name":"was"}`).Subscription
	full := errors.New("full")
	d.err = full
	draft, _ := Parse([]byte(`{"url":"https://a.example/1","name":"is"}`), time.Now(), &webhook.Defaults{Policies: anyPolicy{}, Policy: "x"})
	if _, err := r.Create(t.Context(), draft); !errors.Is(err, full) || r.Subscription("", s.ID).Name != "was" {
		t.Errorf("a change that failed: %v, and the name is %s", err, r.Subscription("", s.ID).Name)
	}
	d.err = full
	if err := r.Delete(t.Context(), "", s.ID, false); !errors.Is(err, full) || len(publish(t, r, `{"type":"a","data":1}`)) != 1 {
		t.Errorf("a deletion that failed: %v", err)
	}
	d.err = full
	if p := r.Publish(t.Context(), []*Event{{Type: "a", Tenant: "default", Data: []byte("1")}}); !errors.Is(p[0].Err, full) {
		t.Errorf("an event that failed: %+v", p)
	}
}

func TestManyEventsGoInGroupsOfABoundedSize(t *testing.T) {
	d := newDisk()
	r := newRoom(t, d)
	for i := range 10 {
		create(t, r, fmt.Sprintf(`{"url":"https://a.example/%d","policy":"default"}`, i))
	}
	var events []*Event
	for i := range 1000 {
		events = append(events, &Event{Type: "a", Tenant: "default", ID: fmt.Sprint(i), Data: []byte("1")})
	}
	for i, p := range r.Publish(t.Context(), events) {
		if p.Err != nil || p.Event.ID != fmt.Sprint(i) || len(p.Webhooks) != 10 {
			t.Fatalf("event %d: %+v", i, p)
		}
	}
	if !slices.Equal(d.groups, []int{400, 400, 200}) {
		t.Errorf("groups of %v events, want some 4,000 deliveries in each", d.groups)
	}
}

// TestEventThatMakesTooMuchIsRefusedBeforeItIsMade has an event whose deliveries are 150 MB: they must not be in memory, and
// the events beside it must go.
func TestEventThatMakesTooMuchIsRefusedBeforeItIsMade(t *testing.T) {
	d := newDisk()
	r := newRoom(t, d)
	for i := range 150 {
		create(t, r, fmt.Sprintf(`{"url":"https://a.example/%d","types":["large"]}`, i))
	}
	create(t, r, `{"url":"https://a.example/small","types":["small"]}`)
	large := []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	results := r.Publish(t.Context(), []*Event{
		{Type: "small", Tenant: "default", ID: "1", Data: []byte("1")},
		{Type: "large", Tenant: "default", ID: "2", Data: large},
		{Type: "small", Tenant: "default", ID: "3", Data: []byte("3")},
	})
	if !errors.Is(results[1].Err, persist.ErrTooLarge) {
		t.Errorf("an event of 150 MB of deliveries: %v", results[1].Err)
	}
	for _, i := range []int{0, 2} {
		if p := results[i]; p.Err != nil || p.Event.ID != fmt.Sprint(i+1) || len(p.Webhooks) != 1 {
			t.Errorf("beside it: %+v", p)
		}
	}
	if len(d.deposits) != 2 {
		t.Errorf("the store got %d webhooks, want 2", len(d.deposits))
	}
}
