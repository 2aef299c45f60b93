package policy_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist/record"
)

// What follows reads as each sender's documentation, with the instant of every attempt. Braze's is in classify_test.go
// and next_test.go, disabling in endpoint_health_test.go.

const (
	minute = time.Minute
	hour   = time.Hour
)

// instants returns when attempts are made whose delays are these.
func instants(delays ...time.Duration) []time.Duration {
	at := []time.Duration{0}
	for _, d := range delays {
		at = append(at, at[len(at)-1]+d)
	}
	return at
}

func repeated(d time.Duration, n int) []time.Duration { return slices.Repeat([]time.Duration{d}, n) }

// means checks what answers mean.
func means(t *testing.T, p *policy.Policy, want policy.Outcome, codes ...int) {
	t.Helper()
	for _, code := range codes {
		if got := p.Classify(policy.Attempt{Status: code}); got != want {
			t.Errorf("%s: %d means %s, want %s", p.Name, code, got, want)
		}
	}
}

// noAnswer checks what it means when no answer comes.
func noAnswer(t *testing.T, p *policy.Policy, want policy.Outcome) {
	t.Helper()
	for _, class := range policy.Classes() {
		if got := p.Classify(policy.Attempt{Class: class}); got != want {
			t.Errorf("%s: %s means %s, want %s", p.Name, class, got, want)
		}
	}
}

// tried checks when attempts are made that all end in a 500, whatever the draw where there is no jitter.
func tried(t *testing.T, p *policy.Policy, want []time.Duration) {
	t.Helper()
	for _, draw := range []func() float64{never, always} {
		for _, a := range []answer{
			{Attempt: policy.Attempt{Status: 500}},
			{Attempt: policy.Attempt{Status: 500, HasRetryAfter: true, RemainingZero: true}, wait: 0},
			{Attempt: policy.Attempt{Class: policy.ClassConnect}},
		} {
			if at, _ := live(t, p, draw, a); !slices.Equal(at, want) {
				t.Errorf("%s: attempts at %v, want %v", p.Name, at, want)
			}
		}
	}
}

// spread checks how often is tried, and that the last attempt comes between two instants, over many draws.
func spread(t *testing.T, p *policy.Policy, attempts int, from, to time.Duration) {
	t.Helper()
	random := rand.New(rand.NewPCG(5, 6))
	for _, draw := range append(slices.Repeat([]func() float64{random.Float64}, 200), never, always) {
		at, _ := live(t, p, draw, answer{Attempt: policy.Attempt{Status: 500}})
		if last := at[len(at)-1]; len(at) != attempts || last < from || last > to {
			t.Fatalf("%s: %d attempts, the last after %s; want %d, between %s and %s", p.Name, len(at), last, attempts, from, to)
		}
	}
}

func TestChariowRetriesAfter1Min5Min30Min2H24H(t *testing.T) {
	p := preset(t, "chariow")
	means(t, p, policy.Delivered, 200, 201, 204, 299)
	means(t, p, policy.Retry, 100, 301, 400, 404, 410, 429, 500, 503, 599)
	noAnswer(t, p, policy.Retry)
	tried(t, p, instants(minute, 5*minute, 30*minute, 2*hour, 24*hour))
	if _, why := live(t, p, never, answer{Attempt: policy.Attempt{Status: 500}}); why != "all 5 retries used" {
		t.Errorf("given up because %q", why)
	}
	if p.Timeout != 30*time.Second || !slices.Equal(p.Schemes, []string{"https"}) || !slices.Equal(p.Methods, []string{"POST"}) {
		t.Errorf("got %+v", p)
	}
}

func TestChariowsRetriesAreNotMovedByTheReceiversHeaders(t *testing.T) {
	p := preset(t, "chariow")
	at, _ := live(t, p, always, answer{Attempt: policy.Attempt{Status: 429, HasRetryAfter: true, RemainingZero: true}})
	if want := instants(minute, 5*minute, 30*minute, 2*hour, 24*hour); !slices.Equal(at, want) {
		t.Errorf("attempts at %v, want %v", at, want)
	}
	if delay, _ := p.Next(policy.Spent{Tries: 1}, policy.Retry, "", 10*hour, 0); delay != minute {
		t.Errorf("asked to wait 10 h, it is tried again after %s", delay)
	}
}

func TestChariows2026ContractIsFiveAttemptsFarAndFartherApart(t *testing.T) {
	p := preset(t, "chariow-2026")
	means(t, p, policy.Delivered, 200, 204)
	means(t, p, policy.Retry, 302, 400, 429, 500)
	tried(t, p, instants(seconds(10, 100, 1000, 10000)...))
	id, of := record.ID{15: 7}, &record.Webhook{Type: "successful.sale", Subscription: "sub_1", Event: "evt_1"}
	want := []record.Header{
		{Name: "x-pulse-delivery-id", Value: id.String()}, {Name: "x-pulse-event", Value: "successful.sale"},
		{Name: "x-pulse-id", Value: "sub_1"},
	}
	if got := p.Identify(nil, of, id); !slices.Equal(got, want) {
		t.Errorf("headers %v, want %v", got, want)
	}
	if got := p.Identify(nil, of, record.ID{}); !slices.Equal(got, want[1:]) {
		t.Errorf("a test has headers %v, want %v", got, want[1:])
	}
	if p.Disable.Exhausted != 1 || p.Sign[0].Scheme != "chariow" {
		t.Errorf("got %+v", p)
	}
}

func TestAdvocateTriesAnHourApartUntil72WereMade(t *testing.T) {
	p := preset(t, "advocate")
	means(t, p, policy.Delivered, 200)
	means(t, p, policy.Retry, 201, 204, 299, 301, 400, 404, 429, 500, 503)
	noAnswer(t, p, policy.Retry)
	want := instants(repeated(hour, 71)...)
	tried(t, p, want)
	if at, _ := live(t, p, always, answer{Attempt: policy.Attempt{Class: policy.ClassTimeout}, took: 30 * time.Second}); len(at) != 72 {
		t.Errorf("%d attempts that time out, want 72", len(at))
	}
	month := 30 * 24 * hour
	if p.Retention.Metadata[record.Delivered] != month || p.Retention.Body[record.Failed] != month {
		t.Errorf("the log goes back %v", p.Retention)
	}
}

func TestStandardWebhooksTriesTenTimesOverThreeDays(t *testing.T) {
	p := preset(t, "standard-webhooks")
	means(t, p, policy.Delivered, 200, 202)
	means(t, p, policy.Failed, 410)
	means(t, p, policy.Retry, 301, 400, 404, 429, 500)
	noAnswer(t, p, policy.Retry)
	at, _ := live(t, p, never, answer{Attempt: policy.Attempt{Status: 500}})
	want := instants(5*time.Second, 5*minute, 30*minute, 2*hour, 5*hour, 10*hour, 14*hour, 20*hour, 24*hour)
	if !slices.Equal(at, want) {
		t.Errorf("attempts at %v, want %v", at, want)
	}
	spread(t, p, 10, 75*hour, 84*hour)
	of := &record.Webhook{Event: "evt_1"}
	if got := p.Identify(nil, of, record.ID{15: 7}); len(got) != 1 || got[0] != (record.Header{Name: "webhook-id", Value: "evt_1"}) {
		t.Errorf("headers %v", got)
	}
}

func TestStripeTriesForThreeDays(t *testing.T) {
	p := preset(t, "stripe")
	means(t, p, policy.Delivered, 200, 204)
	means(t, p, policy.Retry, 302, 400, 500)
	noAnswer(t, p, policy.Retry)
	spread(t, p, 15, 60*hour, 72*hour)
}

func TestShopifyRetriesEightTimesWithinFourHours(t *testing.T) {
	p := preset(t, "shopify")
	means(t, p, policy.Delivered, 200, 204)
	means(t, p, policy.Retry, 301, 404, 500)
	noAnswer(t, p, policy.Retry)
	spread(t, p, 9, 3*hour, 4*hour)
	if p.Timeout != 5*time.Second || p.ConnectTimeout != time.Second {
		t.Errorf("time-outs %s, %s", p.Timeout, p.ConnectTimeout)
	}
}

func TestGitHubDeliversOnce(t *testing.T) {
	p := preset(t, "github")
	means(t, p, policy.Delivered, 200, 204)
	means(t, p, policy.Failed, 302, 404, 429, 500)
	noAnswer(t, p, policy.Failed)
	tried(t, p, instants())
	if p.Timeout != 10*time.Second || p.MaxTries() != 1 {
		t.Errorf("got %+v", p)
	}
	of := &record.Webhook{Type: "push", Replays: record.ID{15: 3}}
	want := []record.Header{{Name: "X-GitHub-Delivery", Value: of.Replays.String()}, {Name: "X-GitHub-Event", Value: "push"}}
	if got := p.Identify(nil, of, record.ID{15: 9}); !slices.Equal(got, want) {
		t.Errorf("a redelivery has headers %v, want %v", got, want)
	}
}

func TestSlackRetriesAtOnceAfterAMinuteAndAfterFive(t *testing.T) {
	p := preset(t, "slack")
	means(t, p, policy.Delivered, 200)
	means(t, p, policy.Retry, 301, 404, 429, 500)
	noAnswer(t, p, policy.Retry)
	tried(t, p, instants(0, minute, 5*minute))
	if p.Timeout != 3*time.Second || p.Redirects != 2 {
		t.Errorf("got %+v", p)
	}
}

func TestCustomerIOTriesForSevenDaysInOrder(t *testing.T) {
	p := preset(t, "customer-io")
	means(t, p, policy.Delivered, 200)
	means(t, p, policy.Retry, 302, 400, 500)
	spread(t, p, 25, 6*24*hour, 7*24*hour)
	if p.Timeout != 4*time.Second || !p.Ordered {
		t.Errorf("got %+v", p)
	}
}

func TestHubSpotSpreadsTenRetriesOverADay(t *testing.T) {
	p := preset(t, "hubspot")
	means(t, p, policy.Delivered, 200, 204, 302)
	means(t, p, policy.Retry, 400, 404, 500)
	noAnswer(t, p, policy.Retry)
	spread(t, p, 11, 12*hour, 24*hour)
	if p.Timeout != 5*time.Second {
		t.Errorf("got %+v", p)
	}
}

func TestKlaviyoRetriesFourCodesSeventeenTimesWithinADay(t *testing.T) {
	p := preset(t, "klaviyo")
	means(t, p, policy.Delivered, 200)
	means(t, p, policy.Retry, 429, 500, 502, 503)
	means(t, p, policy.Failed, 301, 400, 404, 501, 504)
	spread(t, p, 18, 18*hour, 24*hour)
}

func TestACallersOwnHeaderWinsOverIdentity(t *testing.T) {
	p := preset(t, "standard-webhooks")
	own := []record.Header{{Name: "Webhook-ID", Value: "mine"}}
	if got := p.Identify(own, &record.Webhook{}, record.ID{15: 7}); !slices.Equal(got, own) {
		t.Errorf("headers %v", got)
	}
}

func TestHeadersHandedInAreNotChanged(t *testing.T) {
	p := preset(t, "standard-webhooks")
	given := make([]record.Header, 1, 8)
	given[0] = record.Header{Name: "a", Value: "b"}
	p.Identify(given, &record.Webhook{}, record.ID{15: 7})
	if behind := given[:2][1]; behind != (record.Header{}) {
		t.Errorf("behind them stands %v", behind)
	}
}

func TestAReplayComesUnderANewIDOnlyWhereThePolicySaysSo(t *testing.T) {
	of, id := &record.Webhook{Replays: record.ID{15: 1}}, record.ID{15: 2}
	p := policy.Policy{Identity: []policy.IdentityHeader{{Name: "x-id", Value: policy.DeliveryID}}}
	if got := p.Identify(nil, of, id); got[0].Value != of.Replays.String() {
		t.Errorf("headers %v, want the id of what is replayed", got)
	}
	p.ReplayAsNew = true
	if got := p.Identify(nil, of, id); got[0].Value != id.String() {
		t.Errorf("headers %v, want its own id", got)
	}
}

func TestRetryAfterIsClampedWhereThePolicySaysSo(t *testing.T) {
	p := *braze(t)
	p.MaxRetryAfter = 2 * minute
	for _, o := range []policy.Outcome{policy.Throttled, policy.Retry} {
		if delay, why := p.Next(policy.Spent{Tries: 1, Throttled: 1}, o, "", 20*hour, 0); delay != 2*minute || why != "" {
			t.Errorf("%s: delay %s, %q; want 2 min", o, delay, why)
		}
	}
}
