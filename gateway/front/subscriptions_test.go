package front_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/subscription"
	"github.com/sluice-gateway/sluice/gateway/webhook"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// registry is Subscriptions with what it is given, and notes what is asked of it.
type registry struct {
	of        []*record.Subscription
	published []*subscription.Event
	err       error
}

func (r *registry) Subscription(tenant, id string) *record.Subscription {
	for _, s := range r.of {
		if s.ID == id && (tenant == "" || tenant == s.Tenant) {
			return s
		}
	}
	return nil
}

func (r *registry) List(q subscription.Query) (page []*record.Subscription, more bool) {
	for _, s := range r.of {
		if s.ID > q.After && (q.Tenant == "" || q.Tenant == s.Tenant) {
			if len(page) == q.Limit {
				return page, true
			}
			page = append(page, s)
		}
	}
	return page, false
}

func (r *registry) Check(*subscription.Draft, *record.Subscription) webhook.Faults { return nil }

func (r *registry) Create(_ context.Context, d *subscription.Draft) (subscription.Created, error) {
	s := d.Record
	s.ID = "sub_new"
	return subscription.Created{Subscription: &s, Secret: "whsec_told_once", New: true}, r.err
}

func (r *registry) Update(
	_ context.Context, tenant, id string, read func(*record.Subscription) (*subscription.Draft, error),
) (*record.Subscription, error) {
	d, err := read(r.Subscription(tenant, id))
	if err != nil {
		return nil, err
	}
	return &d.Record, r.err
}

func (r *registry) Delete(context.Context, string, string, bool) error { return r.err }

func (r *registry) Rotate(_ context.Context, _, id, secret string, _ time.Duration) (*record.Subscription, string, error) {
	return r.Subscription("", id), secret, r.err
}

func (r *registry) Test(context.Context, string, string) (*front.Tested, error) {
	return &front.Tested{Event: "evt_1", Attempt: record.Attempt{N: 1, Status: 204, Outcome: "delivered"}}, r.err
}

func (r *registry) Publish(_ context.Context, events []*subscription.Event) []subscription.Published {
	results := make([]subscription.Published, len(events))
	for i, e := range events {
		r.published = append(r.published, e)
		results[i] = subscription.Published{Event: &record.Event{ID: e.ID}, Err: r.err}
	}
	return results
}

func (r *registry) Event(context.Context, string, string) (*record.Event, []record.ID, error) {
	return nil, nil, subscription.ErrNotFound
}

func withRegistry(r *registry) func(*front.Settings) {
	return func(s *front.Settings) { s.Subscriptions = r }
}

func asked(d *door, method, path, body string) (int, string) {
	r := d.ask(method, path, body)
	return r.StatusCode, r.body
}

func TestSubscriptionIsShownWithoutItsSecrets(t *testing.T) {
	r := &registry{of: []*record.Subscription{{
		ID: "sub_1", Tenant: "default", URL: "https://a.example/in?token=hidden", Types: []string{"*"}, Policy: "default",
		Headers: []record.Header{{Name: "Authorization", Value: "Bearer hidden"}}, CreatedAt: 1_769_851_800_000, UpdatedAt: 1_769_851_800_000,
		Secrets:  []record.Secret{{Value: "whsec_hidden"}, {Value: "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="}},
		Disabled: &record.Disabled{Since: 1_769_851_800_000, Reason: "1000 answers of 4xx"},
	}}}
	d := open(t, withRegistry(r))
	for _, path := range []string{"/v1/subscriptions/sub_1", "/v1/subscriptions"} {
		status, body := asked(d, "GET", path, "")
		if status != 200 || strings.Contains(body, "hidden") || strings.Contains(body, "whsk_") {
			t.Errorf("%s: %d: %s", path, status, body)
		}
		for _, want := range []string{
			`"disabled":{"since":"2026-01-31T09:30:00.000Z","reason":"1000 answers of 4xx","by":"policy","pending":"held"}`,
			`"secrets":[{"until":null,"public_key":null},{"until":null,"public_key":"whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="}]`, `"products":[]`, `"enabled":false`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %s in %s", path, want, body)
			}
		}
	}
	if status, body := asked(d, "POST", "/v1/subscriptions", `{"url":"https://a.example/","secret":"whsec_0123456789abcdef"}`); status != 201 ||
		!strings.Contains(body, `"secret":"whsec_told_once"`) {
		t.Errorf("created: %d: %s", status, body)
	}
}

func TestSubscriptionRequestsAreRefusedWithWhatWouldBeRight(t *testing.T) {
	d := open(t, withRegistry(&registry{of: []*record.Subscription{{ID: "sub_1", Tenant: "default", URL: "https://a.example/"}}}))
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/v1/subscriptions/sub_2", "", 404, "sub_2"},
		{"GET", "/v1/subscriptions?enabled=perhaps", "", 400, "want enabled=true"},
		{"GET", "/v1/subscriptions?limit=9999", "", 400, "want limit=1 to"},
		{"GET", "/v1/subscriptions?page=2", "", 400, "want tenant, url"},
		{"DELETE", "/v1/subscriptions/sub_1?pending=keep", "", 400, "pending=finish"},
		{"POST", "/v1/subscriptions/sub_1/rotate-secret", `{"overlap":"1y"}`, 400, "24h"},
		{"POST", "/v1/subscriptions", `{"url":"https://a.example/","filter":"data."}`, 400, "line 1, column"},
		{"POST", "/v1/events", `{"type":"a b","data":1}`, 400, "/type"},
		{"POST", "/v1/events", `{"events":[]}`, 400, "at least one"},
		{"POST", "/v1/events", `{"events":[{"type":"a","data":1}],"x":1}`, 400, "beside events"},
		{"POST", "/v1/events", `{"events":[{"type":"a","data":1}`, 400, "not valid JSON"},
		{"POST", "/v1/events?live=perhaps&type=a", `x`, 400, "live=true"},
		{"POST", "/v1/events?live=true", `x`, 400, "?type="},
		{"POST", "/v1/events?type=a&topic=b", `x`, 400, "want type, id"},
		{"GET", "/v1/events/evt_9", "", 404, "evt_9"},
		{"GET", "/v1/events/evt_9?limit=0", "", 400, "limit=1 to"},
	} {
		status, body := asked(d, c.method, c.path, c.body)
		if status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s %s: %d %s, want %d and %q", c.method, c.path, c.body, status, body, c.status, c.want)
		}
	}
}

func TestEventsOfEveryFormAreReadAsTheyStand(t *testing.T) {
	r := &registry{}
	d := open(t, withRegistry(r))
	for _, c := range []struct{ path, body, want string }{
		{"/v1/events", `{"type":"a","id":"1","data":{ "n": 1 }}`, `1 a default data={ "n": 1 }`},
		{"/v1/events", `{"events":[{"type":"a","id":"1","data":1},{"type":"b","id":"2","body":"x"}]}`, "1 a default data=1 2 b default body=x"},
		{"/v1/events?type=sale&id=9&tenant=eu", "{\"event\" : 1}\r\n", "9 sale eu body={\"event\" : 1}\r\n"},
	} {
		r.published = nil
		status, body := asked(d, "POST", c.path, c.body)
		var got []string
		for _, e := range r.published {
			what := "data=" + string(e.Data)
			if e.Body != nil {
				what = "body=" + string(e.Body)
			}
			got = append(got, e.ID+" "+e.Type+" "+e.Tenant+" "+what)
		}
		if status != 202 || strings.Join(got, " ") != c.want {
			t.Errorf("%s %s: %d %s: published %q, want %q", c.path, c.body, status, body, got, c.want)
		}
	}
}

func TestBodyThatStandsAsItIsKeepsItsTypeUnlessThatIsOnlyAClientsHabit(t *testing.T) {
	r := &registry{}
	d := open(t, withRegistry(r))
	for _, c := range []struct{ given, body, want string }{
		{"application/cloudevents+json", `{"n":1}`, "application/cloudevents+json"},
		{"application/x-www-form-urlencoded", `{"n":1}`, ""},
		{"application/x-www-form-urlencoded", `a=1`, "application/x-www-form-urlencoded"},
	} {
		r.published = nil
		d.ask("POST", "/v1/events?type=a", c.body, "Content-Type: "+c.given)
		if len(r.published) != 1 || r.published[0].ContentType != c.want {
			t.Errorf("%s as %s: published %+v, want the type %q", c.body, c.given, r.published, c.want)
		}
	}
}

func TestEventsTheStoreRefusesAreNotAccepted(t *testing.T) {
	r := &registry{err: persist.ErrFull}
	d := open(t, withRegistry(r))
	for _, body := range []string{`{"type":"a","data":1}`, `{"events":[{"type":"a","data":1},{"type":"b","data":1}]}`} {
		if status, answer := asked(d, "POST", "/v1/events", body); status != 507 || !strings.Contains(answer, "storage-full") {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	r.err = errors.New("broken")
	if status, _ := asked(d, "POST", "/v1/events", `{"type":"a","data":1}`); status != 500 {
		t.Errorf("a broken store: %d", status)
	}
}

func TestTestsOfSubscriptionsAreBoundedTogetherWithThoseOfWebhooks(t *testing.T) {
	d := open(t, withRegistry(&registry{of: []*record.Subscription{{ID: "sub_1", Tenant: "default", URL: "https://a.example/"}}}))
	for i := range 10 {
		if status, body := asked(d, "POST", "/v1/subscriptions/sub_1/test", ""); status != 200 {
			t.Fatalf("test %d: %d: %s", i, status, body)
		}
	}
	r := d.ask("POST", "/v1/subscriptions/sub_1/test", "")
	wantProblem(t, r, 429, "too-many-tests")
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}
