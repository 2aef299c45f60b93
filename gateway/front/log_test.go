package front_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/persist"
)

// askedLog notes what it is asked for, and has nothing.
type askedLog struct {
	filter *front.LogFilter
	limit  int
}

func (l *askedLog) Log(_ context.Context, f *front.LogFilter, cursor string, limit int) (*front.LogPage, error) {
	if cursor == "bad" {
		return nil, fmt.Errorf("%w: bad", persist.ErrCursor)
	}
	l.filter, l.limit = f, limit
	return &front.LogPage{Next: "more"}, nil
}

func TestLogRefusesWhatItDoesNotKnow(t *testing.T) {
	log := &askedLog{}
	d := open(t, func(s *front.Settings) { s.Logbook = log }, withTokens(
		front.Token{Name: "all", Scopes: everyScope}, front.Token{Name: "eu", Scopes: front.Read, Tenants: []string{"eu"}}))
	for query, want := range map[string]string{
		"colour=red":            `\"colour\" is no parameter here: want host, flow,`,
		"state=done":            `state is \"done\": want pending, sending,`,
		"status=4x":             `status is \"4x\": want an HTTP status such as 404, or a class such as 4xx`,
		"status=99":             "want an HTTP status",
		"status=6xx":            "want an HTTP status",
		"since=yesterday":       `since is \"yesterday\": want an instant of RFC 3339`,
		"until=":                "want an instant",
		"host=http://a.example": `want a host as in /v1/hosts, without scheme and path`,
		"host=":                 `host is \"\": want a value`,
		"limit=0":               "want a number from 1 to 500",
		"limit=501":             "want a number from 1 to 500",
		"host=a.example&host=b": "host is given more than once",
		"cursor=bad":            `cursor is \"bad\": want the next of a page`,
		"since=2026-01-31T09:30:00Z&until=2026-01-31T09:30:00%2B00:00": "until is not after since",
	} {
		r := d.ask("GET", "/v1/webhooks?"+query, "", as("all"))
		wantProblem(t, r, 400, "bad-request")
		if !strings.Contains(r.body, want) {
			t.Errorf("%s: %s; want %s", query, r.body, want)
		}
	}
	wantProblem(t, d.ask("GET", "/v1/webhooks?tenant=us", "", as("eu")), 403, "forbidden")
	if r := d.ask("GET", "/v1/webhooks?status=5XX&host=A.example", "", as("eu")); r.StatusCode != 200 || r.body != `{"webhooks":[],"next":"more"}` {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	f := log.filter
	if f.Host != "a.example" || f.StatusFrom != 500 || f.StatusTo != 599 || len(f.Tenants) != 1 || f.Tenants[0] != "eu" || log.limit != 50 {
		t.Errorf("asked for %+v, %d", f, log.limit)
	}
	if f.Sees("us", "a.example", "f") || !f.Sees("eu", "a.example", "f") {
		t.Error("a token sees another tenant's, or not its own")
	}
}
