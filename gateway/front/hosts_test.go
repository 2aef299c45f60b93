package front_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/front"
)

func TestWhatAnOperatorDoesToAHostIsAnsweredWithTheHostAsItStands(t *testing.T) {
	d := open(t)
	d.hosts.hosts = []front.HostView{{Host: "[2001:db8::1]:80", Lanes: []front.LaneView{}}}
	shown := d.ask("GET", "/v1/hosts/%5B2001:db8::1%5D%3A80", "").body
	want(t, d.ask("POST", "/v1/hosts/%5B2001:db8::1%5D%3A80/resume", ""), 200, shown)
	want(t, d.ask("DELETE", "/v1/hosts/[2001:db8::1]:80/learned", ""), 200, shown)
	if done := []string{"resume [2001:db8::1]:80", "forget [2001:db8::1]:80"}; !slices.Equal(d.hosts.done, done) {
		t.Errorf("done: %q, want %q", d.hosts.done, done)
	}
}

// TestWhatCouldNotBeDoneToAHostSaysWhy holds the documents word by word: they are what an operator gets to read.
func TestWhatCouldNotBeDoneToAHostSaysWhy(t *testing.T) {
	d := open(t)
	for _, r := range []*response{
		d.ask("POST", "/v1/hosts/b.example/resume", ""), d.ask("DELETE", "/v1/hosts/b.example/learned", ""),
	} {
		want(t, r, 404, `{"type":"https://sluice-gateway.github.io/problems/not-found","title":"There is no such thing","status":404,`+
			`"detail":"Nothing is known of host \"b.example\": want a host as in /v1/hosts, with its port unless it is https on 443"}`)
	}
	d.hosts.err = errors.Join(front.ErrUnsaved, errors.New("waiting for the store: context deadline exceeded"))
	r := d.ask("DELETE", "/v1/hosts/b.example/learned", "")
	want(t, r, 503, `{"type":"https://sluice-gateway.github.io/problems/not-saved","title":"The change is in effect, but not on disk yet",`+
		`"status":503,"detail":"The store does not take it: a crash now would undo the change. Want the same again, until it is answered with 200"}`)
	if after := r.Header.Get("Retry-After"); after != "5" {
		t.Errorf("Retry-After %q, want 5", after)
	}
	d.hosts.err = front.ErrStopping
	wantProblem(t, d.ask("POST", "/v1/hosts/b.example/resume", ""), 503, "shutting-down")
}

func TestAnotherSitesPageCannotChangeAHost(t *testing.T) {
	d := open(t)
	wantProblem(t, d.ask("DELETE", "/v1/hosts/b.example/learned", "", "Sec-Fetch-Site: cross-site"), 403, "cross-origin")
	wantProblem(t, d.ask("POST", "/v1/hosts/b.example/resume", "", "Origin: https://evil.example"), 403, "cross-origin")
	if len(d.hosts.done) > 0 {
		t.Errorf("done: %q", d.hosts.done)
	}
}
