package front_test

import (
	"crypto/sha256"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/limiter"
)

const everyScope = front.Send | front.Read | front.ReadBody | front.Admin

// withTokens configures tokens whose text is their name.
func withTokens(tokens ...front.Token) func(*front.Settings) {
	for i := range tokens {
		tokens[i].Digest = sha256.Sum256([]byte(tokens[i].Name))
	}
	keys := front.NewTokens(tokens, nil)
	return func(s *front.Settings) { s.Tokens = func() *front.Tokens { return keys } }
}

func as(token string) string { return "Authorization: Bearer " + token }

// openInBubble is open within virtual time.
func openInBubble(t *testing.T, change ...func(*front.Settings)) *door {
	t.Cleanup(func() { time.Sleep(time.Minute) }) // after the shutdown: the HTTP server's cleaner ends within the bubble
	return open(t, change...)
}

// anyName stands in a route's path for whatever a test names.
var anyName = regexp.MustCompile(`\{[^}]*\}`)

func TestEveryRouteAsksForTheScopeItStates(t *testing.T) {
	d := open(t, withTokens(
		front.Token{Name: "all", Scopes: everyScope}, front.Token{Name: "eu", Scopes: everyScope, Tenants: []string{"eu"}},
		front.Token{Name: "no-send", Scopes: everyScope &^ front.Send}, front.Token{Name: "no-read", Scopes: everyScope &^ front.Read},
		front.Token{Name: "no-read:body", Scopes: everyScope &^ front.ReadBody}, front.Token{Name: "no-admin", Scopes: everyScope &^ front.Admin},
	), func(s *front.Settings) { s.Jobs, s.Logbook, s.Subscriptions = doneJobs{}, &askedLog{}, &registry{} })
	seen := map[string]bool{}
	for _, r := range front.Routes() {
		if seen[r.Method+r.Path] {
			t.Errorf("%s %s is there twice", r.Method, r.Path)
		}
		seen[r.Method+r.Path] = true
		ask := func(fields ...string) *response {
			return d.ask(r.Method, anyName.ReplaceAllString(r.Path, id(7).String()), "", fields...)
		}
		refused := func(r *response) bool { return r.StatusCode == 401 || r.StatusCode == 403 }
		if all := ask(as("all")); refused(all) || all.StatusCode == 500 {
			t.Errorf("%s %s: %d %s to a token that may do everything", r.Method, r.Path, all.StatusCode, all.body)
		}
		if r.Scope == front.Anyone {
			if refused(ask()) {
				t.Errorf("%s %s asks for a token, and says that it asks for none", r.Method, r.Path)
			}
			continue
		}
		wantProblem(t, ask(), 401, "unauthorized")
		wantProblem(t, ask(as("guess")), 401, "unauthorized")
		wantProblem(t, ask("Authorization: Basic YWxsOg=="), 401, "unauthorized")
		wantProblem(t, ask(as("no-"+r.Scope.String())), 403, "forbidden")
		if confined := ask(as("eu")); refused(confined) != r.Shared {
			t.Errorf("%s %s, which is about what all share: %v: %d to a token that is confined to a tenant", r.Method, r.Path, r.Shared, confined.StatusCode)
		}
	}
}

func TestRefusalsSayHowToAuthenticate(t *testing.T) {
	d := open(t, withTokens(front.Token{Name: "reader", Scopes: front.Read | front.ReadBody}))
	for fields, challenge := range map[string]string{
		"X-A: b":     `Bearer realm="sluice"`,
		as("guess"):  `Bearer realm="sluice", error="invalid_token"`,
		as("reader"): `Bearer realm="sluice", error="insufficient_scope", scope="send"`,
	} {
		if got := d.post(plain, fields).Header.Get("WWW-Authenticate"); got != challenge {
			t.Errorf("%s: WWW-Authenticate %s, want %s", fields, got, challenge)
		}
	}
	if log := d.log.String(); strings.Contains(log, "guess") {
		t.Errorf("what was presented is logged: %s", log)
	}
}

func TestAnotherTenantsWebhooksAreNotThere(t *testing.T) {
	d := open(t, withTokens(
		front.Token{Name: "eu", Scopes: everyScope, Tenants: []string{"eu"}}, front.Token{Name: "us", Scopes: everyScope, Tenants: []string{"us", "default"}},
		front.Token{Name: "a", Scopes: everyScope, Host: func(h string) bool { return h == "a.example" }},
		front.Token{Name: "b", Scopes: everyScope, Flow: func(f string) bool { return f == "b" }},
	))
	d.store.views[id(0)], d.store.views[id(2)] = pending(id(0)), finished() // of default, a.example, spring; of eu, a.example:80, f
	for path, allowed := range map[string][]string{
		id(0).String(): {"us", "a"}, id(0).String() + "?include=payload": {"us", "a"}, id(2).String(): {"eu"},
	} {
		for _, token := range []string{"eu", "us", "a", "b"} {
			r := d.ask("GET", "/v1/webhooks/"+path, "", as(token))
			if slices.Contains(allowed, token) {
				if r.StatusCode != 200 {
					t.Errorf("%s to %s: %d %s", path, token, r.StatusCode, r.body)
				}
				continue
			}
			same := d.ask("GET", "/v1/webhooks/"+id(9).String(), "", as(token))
			if r.StatusCode != 404 || r.body != strings.ReplaceAll(same.body, id(9).String(), path[:26]) {
				t.Errorf("%s to %s: %d %s, want what there is of an unknown id", path, token, r.StatusCode, r.body)
			}
		}
	}
}

func TestATokenSendsForItsTenantHostsAndFlowsOnly(t *testing.T) {
	d := open(t, withTokens(
		front.Token{Name: "eu", Scopes: front.Send, Tenants: []string{"eu", "eu-test"}},
		front.Token{Name: "a", Scopes: front.Send, Host: func(h string) bool { return h == "a.example" }},
		front.Token{Name: "spring", Scopes: front.Send, Flow: func(f string) bool { return f == "spring" }},
	))
	for _, tt := range []struct {
		token, definition string
		status            int
	}{
		{"eu", `{"url":"https://a.example/"}`, 202},
		{"eu", `{"url":"https://a.example/","tenant":"eu-test"}`, 202},
		{"eu", `{"url":"https://a.example/","tenant":"default"}`, 403},
		{"a", `{"url":"https://a.example/"}`, 202},
		{"a", `{"url":"https://b.example/"}`, 403},
		{"a", `{"url":"http://a.example/"}`, 403},
		{"spring", `{"url":"https://a.example/","flow":"spring"}`, 202},
		{"spring", `{"url":"https://a.example/"}`, 403},
	} {
		before := d.store.count()
		r := d.post(tt.definition, as(tt.token))
		if r.StatusCode != tt.status || (d.store.count() > before) != (tt.status == 202) {
			t.Errorf("%s by %s: %d %s", tt.definition, tt.token, r.StatusCode, r.body)
		}
		if tt.status == 403 {
			wantProblem(t, r, 403, "forbidden")
		}
	}
	var tenants []string
	for _, w := range d.store.stored(t) {
		tenants = append(tenants, w.Tenant)
	}
	if !slices.Equal(tenants, []string{"eu", "eu-test", "default", "default"}) {
		t.Errorf("stored for %q", tenants)
	}
	r := d.post(`{"webhooks":[`+plain+`,{"url":"https://a.example/","tenant":"us"}]}`, as("eu"))
	if r.StatusCode != 207 || !strings.Contains(r.body, `"accepted":1,"rejected":1`) || !strings.Contains(r.body, `problems/forbidden`) {
		t.Errorf("a batch: %d %s", r.StatusCode, r.body)
	}
}

func TestPayloadsNeedAScopeOfTheirOwn(t *testing.T) {
	d := open(t, withTokens(front.Token{Name: "looker", Scopes: front.Read}, front.Token{Name: "reader", Scopes: front.Read | front.ReadBody}))
	d.store.views[id(0)] = pending(id(0))
	path := "/v1/webhooks/" + id(0).String()
	if r := d.ask("GET", path, "", as("looker")); r.StatusCode != 200 {
		t.Errorf("without the payload: %d", r.StatusCode)
	}
	wantProblem(t, d.ask("GET", path+"?include=payload", "", as("looker")), 403, "forbidden")
	if r := d.ask("GET", path+"?include=payload", "", as("reader")); r.StatusCode != 200 || !strings.Contains(r.body, `"payload":{`) {
		t.Errorf("with it: %d %s", r.StatusCode, r.body)
	}
}

// TestTokensThatAreConfiguredOpenTheDoorToOtherNames: a page gains nothing from a name of its own where it lacks a token.
func TestTokensThatAreConfiguredOpenTheDoorToOtherNames(t *testing.T) {
	d := open(t, withTokens(front.Token{Name: "all", Scopes: everyScope}))
	request := func(fields string) string {
		return "GET /v1/hosts HTTP/1.1\r\nHost: sluice.internal\r\nAuthorization: Bearer all\r\n" + fields + "\r\n"
	}
	if all := d.raw(request("")); len(all) != 1 || all[0].StatusCode != 200 {
		t.Errorf("with a token: %v", all)
	}
	wantProblem(t, d.raw(request("Sec-Fetch-Site: cross-site\r\n"))[0], 403, "cross-origin")
}

// TestRetryAfterOfASpentRateIsTrue asks again a moment before and right after the instant that the answer named.
func TestRetryAfterOfASpentRateIsTrue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openInBubble(t, withTokens(front.Token{Name: "slow", Scopes: front.Send, Rate: 10, Per: 20 * time.Second}))
		for n := range 10 {
			r := d.post(plain, as("slow"))
			if left := `"token";r=` + strconv.Itoa(9-n) + ";t="; r.StatusCode != 202 || !strings.HasPrefix(r.Header.Get("RateLimit"), left) ||
				r.Header.Get("RateLimit-Policy") != `"token";q=10;w=20` {
				t.Fatalf("%d: %d %v, want RateLimit: %s…", n, r.StatusCode, r.Header, left)
			}
		}
		r := d.post(plain, as("slow"))
		wantProblem(t, r, 429, "rate-limited")
		if after := r.Header.Get("Retry-After"); after != "2" {
			t.Fatalf("Retry-After %s, want 2: one of ten per 20 s", after)
		}
		if policy, left := r.Header.Get("RateLimit-Policy"), r.Header.Get("RateLimit"); policy != `"token";q=10;w=20` || left != `"token";r=0;t=20` {
			t.Errorf("RateLimit-Policy %s, RateLimit %s", policy, left)
		}
		time.Sleep(2*time.Second - time.Millisecond)
		wantProblem(t, d.post(plain, as("slow")), 429, "rate-limited")
		time.Sleep(time.Millisecond)
		if r := d.post(plain, as("slow")); r.StatusCode != 202 {
			t.Errorf("after Retry-After: %d", r.StatusCode)
		}
		wantProblem(t, d.post(plain, as("slow")), 429, "rate-limited")
	})
}

// TestABatchCostsWhatItHolds, so that a rate of webhooks cannot be passed by putting many into one request.
func TestABatchCostsWhatItHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openInBubble(t, withTokens(front.Token{Name: "slow", Scopes: front.Send, Rate: 10, Per: time.Second}))
		lines := strings.Repeat(plain+"\n", 30)
		if r := d.post(lines, as("slow"), "Content-Type: application/x-ndjson"); r.StatusCode != 202 || d.store.count() != 30 {
			t.Fatalf("%d, %d stored", r.StatusCode, d.store.count())
		}
		r := d.post(plain, as("slow"))
		wantProblem(t, r, 429, "rate-limited")
		if after := r.Header.Get("Retry-After"); after != "3" {
			t.Errorf("Retry-After %s, want 3: 30 were sent, 20 more than were allowed, and one is to follow", after)
		}
	})
}

// TestOurOwnRefusalsAreUnderstoodByOurOwnReader: one gateway may stand before another.
func TestOurOwnRefusalsAreUnderstoodByOurOwnReader(t *testing.T) {
	d := open(t, withTokens(front.Token{Name: "slow", Scopes: front.Send, Rate: 1, Per: time.Minute}))
	d.post(plain, as("slow"))
	r := d.post(plain, as("slow"))
	var reader limiter.Reader
	var hint limiter.Hint
	reader.Reset(r.StatusCode, start, start)
	for name, values := range r.Header {
		reader.Field([]byte(name), []byte(values[0]))
	}
	reader.Hint(&hint)
	if w := hint.Binding(); w == nil || w.Limit != 1 || w.Remaining != 0 || !hint.HasRetryAfter || hint.RetryAfter != time.Minute {
		t.Errorf("%v is read as %+v", r.Header, hint)
	}
}

func TestWhatATokenHasSpentStaysSpentWhenTokensAreReplaced(t *testing.T) {
	slow := front.Token{Name: "slow", Scopes: front.Send, Rate: 1, Per: time.Minute, Digest: sha256.Sum256([]byte("slow"))}
	tokens := front.NewTokens([]front.Token{slow}, nil)
	d := open(t, func(s *front.Settings) { s.Tokens = func() *front.Tokens { return tokens } })
	if r := d.post(plain, as("slow")); r.StatusCode != 202 {
		t.Fatal(r.StatusCode)
	}
	tokens = front.NewTokens([]front.Token{slow}, tokens)
	wantProblem(t, d.post(plain, as("slow")), 429, "rate-limited")
	slow.Rate = 100
	tokens = front.NewTokens([]front.Token{slow}, tokens)
	if r := d.post(plain, as("slow")); r.StatusCode != 202 {
		t.Errorf("with another rate: %d", r.StatusCode)
	}
	tokens = front.NewTokens([]front.Token{{Name: "other", Scopes: front.Send, Digest: sha256.Sum256([]byte("other"))}}, tokens)
	wantProblem(t, d.post(plain, as("slow")), 401, "unauthorized")
}

func TestScopesAreTheWordsOfTheConfiguration(t *testing.T) {
	for _, word := range []string{"send", "read", "read:body", "admin"} {
		if s, ok := front.ParseScope(word); !ok || s.String() != word {
			t.Errorf("%s is read as %s, %v", word, s, ok)
		}
	}
	if s, ok := front.ParseScope("write"); ok {
		t.Errorf("write is read as %s", s)
	}
	if all := everyScope.String(); all != "send read read:body admin" {
		t.Errorf("all are %s", all)
	}
}
