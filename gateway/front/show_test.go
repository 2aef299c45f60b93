package front_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

var start = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)

func ms(after time.Duration) int64 { return start.Add(after).UnixMilli() }

func pending(id record.ID) *persist.View {
	w := record.Webhook{
		Method: "POST", URL: "https://a.example/hook?token=s3cret&n=1", Host: "a.example", Tenant: "default", Flow: "spring", Policy: "default",
		Headers: []record.Header{{Name: "Authorization", Value: "Bearer s3cret"}, {Name: "X-A", Value: "<b>&"}}, Body: []byte(`{"n":"<1>"}`),
		Metadata: map[string]string{"contact": "7"}, Type: "sale",
	}
	return &persist.View{
		Payload: w.Encode(),
		Entry: &record.Entry{
			Position: record.Position{ID: id}, Due: ms(40 * time.Second), Expires: ms(time.Hour), Tries: 1, Throttled: 1,
		},
		Attempts: []record.Attempt{
			{N: 1, At: ms(time.Second), DurationMs: 90000, Outcome: "retry", ErrorClass: "timeout", Error: "no response within 1m30s", TimedOut: true},
			{N: 2, At: ms(100 * time.Second), DurationMs: 12, Status: 429, Outcome: "throttled", Body: []byte("slow \xff down"), Headers: []record.Header{
				{Name: "Retry-After", Value: "30"}, {Name: "Set-Cookie", Value: "s3cret"}, {Name: "Warning", Value: "a"}, {Name: "Warning", Value: "b"},
				{Name: "Location", Value: "https://u:s3cret@a.example/?sig=s3cret"},
			}},
		},
	}
}

func finished() *persist.View {
	return &persist.View{Final: &record.Final{
		ID: id(2), State: record.Expired, Method: "PUT", URL: "http://a.example/?key=s3cret", Host: "a.example:80", Tenant: "eu", Flow: "f",
		Priority: record.High, Policy: "gone", CreatedAt: ms(2 * time.Millisecond), FinishedAt: ms(time.Hour), Expires: ms(time.Hour), Reason: "expires_at has passed",
	}}
}

func showDoor(t *testing.T) *door {
	d := open(t)
	d.store.views[id(0)], d.store.views[id(1)], d.store.views[id(2)] = pending(id(0)), pending(id(1)), finished()
	d.hosts.waiting = map[record.ID]*front.Waiting{
		id(0): {Reason: "pause", Detail: "the destination asked for 30 s (Retry-After)", Until: front.At(ms(130 * time.Second)), Position: 3},
		id(1): {Sending: true},
	}
	return d
}

func TestWebhooksAreShownWholeWithTheirCredentialsMasked(t *testing.T) {
	d := showDoor(t)
	var all strings.Builder
	for _, path := range []string{id(0).String(), id(1).String() + "?include=payload", id(2).String(), id(2).String() + "?include=payload"} {
		r := d.ask("GET", "/v1/webhooks/"+path, "")
		if r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
		all.WriteString(path + "\n" + strings.ReplaceAll(r.body, ",\"", ",\n \"") + "\n")
	}
	if strings.Contains(all.String(), "s3cret") {
		t.Error("a credential is shown")
	}
	golden(t, "shown.golden", all.String())
}

func TestLiveWebhookOfWhichTheSenderKnowsNothingIsPending(t *testing.T) {
	d := showDoor(t)
	d.hosts.waiting = nil
	if r := d.ask("GET", "/v1/webhooks/"+id(0).String(), ""); !strings.Contains(r.body, `"state":"pending"`) || !strings.Contains(r.body, `"waiting":null`) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestBodiesThatAreNoTextAreShownInBase64(t *testing.T) {
	d := open(t)
	v := pending(id(4))
	w := record.Webhook{Method: "POST", URL: "https://a.example/", Host: "a.example", Policy: "default", Body: []byte{0xff, 0}}
	v.Payload = w.Encode()
	d.store.views[id(0)] = v
	r := d.ask("GET", "/v1/webhooks/"+id(0).String()+"?include=payload", "")
	if !strings.Contains(r.body, `"payload":{"headers":[],"body":null,"body_base64":"/wA=",`) {
		t.Error(r.body)
	}
}

func TestWhatCannotBeShownSaysWhy(t *testing.T) {
	d := showDoor(t)
	wantProblem(t, d.ask("GET", "/v1/webhooks/"+id(9).String(), ""), 404, "not-found")
	wantProblem(t, d.ask("GET", "/v1/webhooks/nonsense", ""), 404, "not-found")
	wantProblem(t, d.ask("GET", "/v1/webhooks/"+id(0).String()+"?include=everything", ""), 400, "bad-request")
	d.hosts.err = persist.ErrClosed
	wantProblem(t, d.ask("GET", "/v1/webhooks/"+id(0).String(), ""), 503, "shutting-down")
	wantProblem(t, d.ask("GET", "/v1/hosts", ""), 503, "shutting-down")
	d.hosts.err = errors.New("the dispatcher is gone")
	wantProblem(t, d.ask("GET", "/v1/hosts", ""), 500, "internal")
	d.store.views[id(3)] = &persist.View{Payload: []byte("?"), Entry: &record.Entry{}}
	wantProblem(t, d.ask("GET", "/v1/webhooks/"+id(3).String(), ""), 500, "internal")
	if log := d.log.String(); !strings.Contains(log, "the dispatcher is gone") || !strings.Contains(log, "unreadable record") {
		t.Errorf("logged %s", log)
	}
}

func TestHostsAreShown(t *testing.T) {
	d := open(t)
	want(t, d.ask("GET", "/v1/hosts", ""), 200, `{"hosts":[],"next":null}`)
	rate, limit, seconds := 9.5, int64(100), 10.0
	d.hosts.hosts = []front.HostView{
		{Host: "a.example", Breaker: front.BreakerView{State: "closed"}, Lanes: []front.LaneView{}},
		{
			Host: "[2001:db8::1]:80", Breaker: front.BreakerView{State: "open", Until: front.At(ms(time.Minute)), Requests: 30, Failures: 29},
			Waiting: 7, OldestAt: front.At(ms(0)), Lanes: []front.LaneView{{
				Rate: &rate, Source: "window", Windows: []front.WindowView{{
					Name: "burst", Limit: &limit, Used: 3, Seconds: &seconds, ResetAt: front.At(ms(1234 * time.Millisecond)),
					Source: "X-RateLimit-*", Since: front.At(ms(time.Millisecond)), ToldAt: front.At(ms(time.Second)),
				}},
				PauseUntil: front.At(ms(time.Minute)), PauseCause: "Retry-After", Blocked: "breaker", Waiting: 7, Advice: []string{"do this"},
			}},
		},
	}
	for path, contained := range map[string]string{
		"/v1/hosts":           `{"hosts":[{"host":"a.example","held":false,"held_since":null,"allowed_rate":null,"achieved_rate":0,"cap":{"reason":"","detail":"","until":null},"breaker":{"state":"closed","forced":false,"until":null,"requests":0,"failures":0,`,
		"/v1/hosts/a.example": `{"host":"a.example","held":false,`,
		"/v1/hosts/%5B2001:db8::1%5D%3A80": `"lanes":[{"key":"","rate":9.5,"achieved_rate":0,"cap":{"reason":"","detail":"","until":null},"source":"window","windows":[{"name":"burst","limit":100,"used":3,` +
			`"remaining":null,"seconds":10,"guessed":false,"reset_at":"2026-01-31T09:30:01.234Z","source":"X-RateLimit-*",` +
			`"since":"2026-01-31T09:30:00.001Z","told_at":"2026-01-31T09:30:01.000Z"}],"pause_until":"2026-01-31T09:31:00.000Z",` +
			`"pause_cause":"Retry-After","probing":false,"in_flight":0,"max_in_flight":0,"blocked":"breaker","blocked_until":null,` +
			`"waiting":7,"more":false,"advice":["do this"]}]}`,
	} {
		r := d.ask("GET", path, "")
		if r.StatusCode != 200 || !strings.Contains(r.body, contained) {
			t.Errorf("%s: %d %s\nwant %s in it", path, r.StatusCode, r.body, contained)
		}
	}
	wantProblem(t, d.ask("GET", "/v1/hosts/b.example", ""), 404, "not-found")
}

func TestHEADAnswersWithoutABody(t *testing.T) {
	conn, err := open(t).ln.Dial()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(conn, "HEAD /v1/hosts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	}()
	all, err := io.ReadAll(conn)
	if s := string(all); err != nil || !strings.HasPrefix(s, "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(s, "\r\n\r\n") {
		t.Errorf("got %q, %v", s, err)
	}
}
