package front_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/front"
)

func (k *known) Flows(
	_ context.Context, tenant, flow string, limit int, wanted func(tenant, flow string) bool,
) (page []front.FlowView, more bool, err error) {
	for _, f := range k.flows {
		if f.Tenant+"\x00"+f.Flow > tenant+"\x00"+flow && wanted(f.Tenant, f.Flow) {
			page = append(page, f)
		}
	}
	return page[:min(len(page), limit)], len(page) > limit, k.err
}

func (k *known) Flow(_ context.Context, tenant, flow string) (*front.FlowView, error) {
	for i := range k.flows {
		if k.flows[i].Tenant == tenant && k.flows[i].Flow == flow {
			return &k.flows[i], k.err
		}
	}
	return nil, k.err
}

func (k *known) HoldFlow(ctx context.Context, tenant, flow string) (*front.FlowView, error) {
	k.done = append(k.done, "hold "+tenant+"/"+flow)
	return k.Flow(ctx, tenant, flow)
}

func (k *known) ResumeFlow(ctx context.Context, tenant, flow string) (*front.FlowView, error) {
	k.done = append(k.done, "go on "+tenant+"/"+flow)
	return k.Flow(ctx, tenant, flow)
}

func (k *known) CancelFlow(_ context.Context, tenant, flow string) (*front.JobView, error) {
	k.done = append(k.done, "cancel "+tenant+"/"+flow)
	return &front.JobView{ID: "job_x", Kind: "flow-cancel", State: front.JobRunning, Tenant: tenant}, k.err
}

func TestAFlowIsShownHeldLetGoAndCancelled(t *testing.T) {
	d := open(t)
	d.hosts.flows = []front.FlowView{
		{Tenant: "default", Flow: "spring sale/1", State: front.FlowSending, Waiting: 3},
		{Tenant: "eu", Flow: "spring", State: front.FlowHeld, Waiting: 7, More: true},
	}
	const eu = `{"tenant":"eu","flow":"spring","state":"held","waiting":7,"more":true,"in_flight":0,"cancelled":0,"oldest_at":null,"held_since":null}`
	want(t, d.ask("GET", "/v1/flows?tenant=eu", ""), 200, `{"flows":[`+eu+`],"next":null}`)
	want(t, d.ask("GET", "/v1/flows/spring?tenant=eu", ""), 200, eu)
	want(t, d.ask("POST", "/v1/flows/spring/pause?tenant=eu", ""), 200, eu)
	want(t, d.ask("POST", "/v1/flows/spring/resume?tenant=eu", ""), 200, eu)
	r := d.ask("POST", "/v1/flows/spring%20sale%2F1/cancel", "")
	if r.StatusCode != 202 || r.Header.Get("Location") != "/v1/jobs/job_x" || !strings.Contains(r.body, `"kind":"flow-cancel"`) {
		t.Errorf("cancel: %d %v %s", r.StatusCode, r.Header, r.body)
	}
	if done := []string{"hold eu/spring", "go on eu/spring", "cancel default/spring sale/1"}; !slices.Equal(d.hosts.done, done) {
		t.Errorf("done: %q, want %q", d.hosts.done, done)
	}
}

func TestAFlowThatIsNotThereOrCannotBeIsRefused(t *testing.T) {
	d := open(t)
	wantProblem(t, d.ask("GET", "/v1/flows/nothing", ""), 404, "not-found")
	wantProblem(t, d.ask("POST", "/v1/flows/nothing/resume", ""), 404, "not-found")
	wantProblem(t, d.ask("POST", "/v1/flows/"+strings.Repeat("f", 129)+"/pause", ""), 400, "bad-request")
	wantProblem(t, d.ask("POST", "/v1/flows/f/cancel?tenant="+strings.Repeat("t", 257), ""), 400, "bad-request")
	wantProblem(t, d.ask("GET", "/v1/flows/nothing/pause", ""), 405, "method-not-allowed")
	if slices.ContainsFunc(d.hosts.done, func(s string) bool { return !strings.HasPrefix(s, "go on") }) {
		t.Errorf("done: %q", d.hosts.done)
	}
}

func TestABreakerIsForcedByAWordAndByNothingElse(t *testing.T) {
	d := open(t)
	d.hosts.hosts = []front.HostView{{Host: "a.example"}}
	for _, state := range []string{"open", "closed", "auto"} {
		if r := d.ask("POST", "/v1/hosts/a.example/breaker", `{"state":"`+state+`"}`); r.StatusCode != 200 {
			t.Errorf("%s: %d %s", state, r.StatusCode, r.body)
		}
	}
	for _, body := range []string{``, `[]`, `"open"`, `{}`, `{"state":"half-open"}`, `{"state":1}`, `{"state":"open","for":"1h"}`} {
		wantProblem(t, d.ask("POST", "/v1/hosts/a.example/breaker", body), 400, "bad-request")
	}
	if done := []string{"open a.example", "closed a.example", "auto a.example"}; !slices.Equal(d.hosts.done, done) {
		t.Errorf("done: %q, want %q", d.hosts.done, done)
	}
}

func TestAHostThatCanBeNoneIsNotPaused(t *testing.T) {
	d := open(t)
	for _, name := range []string{"A.example", "a%20b", "https:%2F%2Fa.example", strings.Repeat("a", 300)} {
		wantProblem(t, d.ask("POST", "/v1/hosts/"+name+"/pause", ""), 400, "bad-request")
	}
	if len(d.hosts.done) > 0 {
		t.Errorf("done: %q", d.hosts.done)
	}
}
