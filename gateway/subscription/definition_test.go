package subscription

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

// names are policies that are known, for definitions.
type names []string

func (n names) Methods(name string) ([]string, bool) {
	return []string{"POST"}, slices.Contains(n, name)
}
func (n names) Names() []string   { return n }
func (names) Ordered(string) bool { return false }

func (names) Refuses(name, scheme string, _ uint16) (problem, want string) {
	if name == "chariow" && scheme == "http" {
		return "is http, and policy chariow sends over https only", "a URL that begins with https://"
	}
	return "", ""
}

var defaults = &webhook.Defaults{
	Policy: DefaultPolicy, Policies: names{DefaultPolicy, "braze", "chariow"},
	Destination: func(host string, _ uint16) error {
		if host == "10.0.0.1" {
			return errors.New("is a private address")
		}
		return nil
	},
}

func parse(t *testing.T, text string) *Draft {
	t.Helper()
	d, faults := Parse([]byte(text), time.Now(), defaults)
	if faults != nil {
		t.Fatalf("%s: %v", text, faults)
	}
	return d
}

func TestDefinitionSaysWhatASubscriptionIs(t *testing.T) {
	d := parse(t, `{"url":"https://hooks.example.com/in","name":"orders","types":["order.*","user.created","order.*"],
		"products":["prd_1"],"filter":" data.total > 3 ","policy":"braze","headers":{"X-A":["1","2"]},"secret":"whsec_0123456789abcdef",
		"enabled":false,"tenant":"eu","metadata":{"k":"v"}}`)
	s := d.Record
	if s.URL != "https://hooks.example.com/in" || s.Name != "orders" || strings.Join(s.Types, " ") != "order.* user.created" ||
		strings.Join(s.Products, " ") != "prd_1" || s.Filter != "data.total > 3" || s.Policy != "braze" || len(s.Headers) != 2 ||
		s.Tenant != "eu" || s.Metadata["k"] != "v" || d.Secret != "whsec_0123456789abcdef" || *d.Enabled {
		t.Errorf("read as %+v", d)
	}
	signing := *defaults
	signing.Unsigned = func(string) (problem, want string) { return "names no secret to sign with", "one" }
	if _, faults := Parse([]byte(`{"url":"https://hooks.example.com","policy":"braze"}`), time.Now(), &signing); faults != nil {
		t.Errorf("a subscription has a secret of its own, whatever its policy signs by: %v", faults)
	}
	d = parse(t, `{"url":"http://hooks.example.com"}`)
	if s := d.Record; strings.Join(s.Types, " ") != "*" || s.Policy != DefaultPolicy || s.Tenant != "default" || d.Enabled != nil {
		t.Errorf("the least definition is read as %+v", d)
	}
}

func TestChangeLeavesWhatItDoesNotName(t *testing.T) {
	is := parse(t, `{"url":"https://hooks.example.com/in","name":"orders","types":["order.*"],"products":["prd_1"],
		"filter":"live","policy":"braze","headers":{"X-A":"1"},"metadata":{"k":"v"},"tenant":"eu"}`).Record
	d, faults := ParseChange([]byte(`{"name":"all","products":null,"enabled":true}`), &is, time.Now(), defaults)
	if faults != nil {
		t.Fatal(faults)
	}
	s := d.Record
	if s.Name != "all" || s.Products != nil || !*d.Enabled || s.Filter != "live" || s.Policy != "braze" || len(s.Headers) != 1 ||
		s.Metadata["k"] != "v" || s.Tenant != "eu" || strings.Join(s.Types, " ") != "order.*" {
		t.Errorf("changed to %+v", s)
	}
	if _, faults := ParseChange([]byte(`{"tenant":"us"}`), &is, time.Now(), defaults); len(faults) != 1 || faults[0].Path != "/tenant" {
		t.Errorf("another tenant: %v", faults)
	}
}

func TestDefinitionFaultsNameFieldAndRemedy(t *testing.T) {
	for _, c := range []struct{ text, path, problem string }{
		{`{}`, "/url", "is missing"},
		{`{"url":"http://10.0.0.1/"}`, "/url", "private"},
		{`{"url":"http://a.example","policy":"chariow"}`, "/url", "over https only"},
		{`{"url":"ftp://a.example"}`, "/url", "cannot be called"},
		{`{"url":"https://a.example","types":[]}`, "/types", "is empty"},
		{`{"url":"https://a.example","types":"*"}`, "/types", "is no array"},
		{`{"url":"https://a.example","types":["a*"]}`, "/types/0", "neither alone"},
		{`{"url":"https://a.example","filter":"data.x >"}`, "/filter", "line 1, column"},
		{`{"url":"https://a.example","policy":"brase"}`, "/policy", ""},
		{`{"url":"https://a.example","headers":{"Host":"b"}}`, "/headers/Host", "written by the gateway"},
		{`{"url":"https://a.example","secret":"short"}`, "/secret", "5 characters"},
		{`{"url":"https://a.example","enabled":1}`, "/enabled", "no boolean"},
		{`{"url":"https://a.example","events":["a"]}`, "/events", "unknown field"},
		{`{"url":"https://a.example","products":[""]}`, "/products/0", "is empty"},
		{`{"url":"https://a.example","name":"` + strings.Repeat("x", 300) + `"}`, "/name", "too many"},
		{`{"url":"https://a.example","headers":{"X":"` + strings.Repeat("x", 40_000) + `"}}`, "", "too many"},
		{`{"url"`, "/url", "not valid JSON"},
	} {
		_, faults := Parse([]byte(c.text), time.Now(), defaults)
		if len(faults) == 0 || faults[0].Path != c.path || !strings.Contains(faults[0].Problem, c.problem) || faults[0].Want == "" {
			t.Errorf("%.60s: %+v, want %s: %s", c.text, faults, c.path, c.problem)
		}
		for _, f := range faults {
			if strings.Contains(f.Error(), "short") {
				t.Errorf("%.60s: shows a secret: %v", c.text, f)
			}
		}
	}
}

func FuzzParseDefinition(f *testing.F) {
	f.Add([]byte(`{"url":"https://a.example","types":["order.*"],"filter":"live","headers":{"X":"1"},"enabled":true}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, faults := Parse(text, time.Now(), defaults)
		if (d == nil) == (faults == nil) {
			t.Fatalf("%q: %v and %v", text, d, faults)
		}
		if d == nil {
			return
		}
		again, faults := ParseChange([]byte(`{}`), &d.Record, time.Now(), defaults)
		if faults != nil || again.Record.URL != d.Record.URL || len(again.Record.Headers) != len(d.Record.Headers) {
			t.Fatalf("%q: a change of nothing gives %+v, %v", text, again, faults)
		}
	})
}
