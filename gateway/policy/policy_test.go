package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/policy"
)

func TestBrazeIsWhatItsDocumentationSays(t *testing.T) {
	p := braze(t)
	if p.Name != "braze" || p.Timeout != 90*time.Second || p.ConnectTimeout != 10*time.Second || p.MaxAge != 24*time.Hour {
		t.Errorf("got %+v", p)
	}
	if !slices.Equal(p.Methods, []string{"POST", "PUT", "DELETE", "GET"}) {
		t.Errorf("methods %v", p.Methods)
	}
	if len(p.Identity) != 0 || len(p.Sign) != 0 || p.Redirects != 0 || !p.RateHeaders {
		t.Errorf("it adds to what the caller wrote, or follows redirects, or minds no rate headers: %+v", p)
	}
}

func TestDefaultPolicyExtendsBrazeAndAllowsAllMethods(t *testing.T) {
	set := configs.DefaultPolicies()
	d := set[policy.Default]
	if d == nil || d.Name != "default" || d.Timeout != 90*time.Second || !slices.Equal(d.Methods, policy.AllMethods) {
		t.Errorf("got %+v", d)
	}
	if methods, known := set.Methods("braze"); !known || slices.Contains(methods, "PATCH") {
		t.Errorf("braze: methods %v, known %v", methods, known)
	}
	if _, known := set.Methods("other"); known {
		t.Error("a policy that nobody defined is known")
	}
	if got := strings.Join(set.Names(), " "); !strings.HasPrefix(got, "advocate braze chariow chariow-2026 customer-io default ") {
		t.Errorf("names %s", got)
	}
}

func TestAPolicyForHTTPSRefusesHTTPAndSaysSo(t *testing.T) {
	set := configs.DefaultPolicies()
	problem, want := set.Refuses("chariow", "http", 80)
	if problem != "is http, and policy chariow sends over https only" || want != "a URL that begins with https://" {
		t.Errorf("got %q, %q", problem, want)
	}
	for name, scheme := range map[string]string{"chariow": "https", "braze": "http", "nobody's": "http"} {
		if problem, _ := set.Refuses(name, scheme, 8443); problem != "" {
			t.Errorf("%s refuses %s: %s", name, scheme, problem)
		}
	}
}

func TestAPolicyOfItsOwnPortsRefusesOthers(t *testing.T) {
	p := policy.Policy{Name: "p", Schemes: policy.AllSchemes, Ports: []uint16{443, 8443}}
	if problem, want := p.Refuses("http", 80); problem != "goes to port 80, which policy p does not call" || want != "port 443 or 8443" {
		t.Errorf("got %q, %q", problem, want)
	}
	if problem, _ := p.Refuses("https", 8443); problem != "" {
		t.Error(problem)
	}
}
