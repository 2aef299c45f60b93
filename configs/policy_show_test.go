package configs

import (
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// shown returns what a policy means when it is read from what Show says of it.
func shown(t *testing.T, of Policies, name string) *policy.Policy {
	t.Helper()
	text, err := of.Show(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("shown.yaml", []byte("policies:\n  again:\n    "+strings.ReplaceAll(string(text), "\n", "\n    ")))
	if err != nil {
		t.Fatalf("%s is shown as\n%s\nwhich is refused: %v", name, text, err)
	}
	p := *c.PolicySet()["again"]
	p.Name = name
	return &p
}

func TestAPolicyThatIsShownMeansTheSame(t *testing.T) {
	c, err := Parse("f", []byte(`
policies:
  mine:
    extends: slack
    classify: [{status: 404, error: [reset, unreachable], then: failed-and-disable}]
    retry_on: [{error: dns, list: [1s, 2s], attempts: 5, within: 0s}]
    identity: {}
    ordered: true
    max_retry_after: 1h
    disable: {totals: {none: 4}, reset: 36h}
    retention: {body: {delivered: 0s}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range c.PolicySet() {
		if got := shown(t, c.Policies, name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is shown as\n%+v, it is\n%+v", name, got, want)
		}
	}
}

func TestShowOfNoPolicyNamesThoseThereAre(t *testing.T) {
	_, err := Policies{"mine": {}}.Show("brase")
	if err == nil || !strings.Contains(err.Error(), `policy "brase": there is none of this name: want one of advocate, braze, `) ||
		!strings.Contains(err.Error(), "mine") {
		t.Errorf("got %v", err)
	}
}

func FuzzPolicies(f *testing.F) {
	// Small ones, of a section or two each: the fuzzer joins them.
	for _, text := range []string{
		"retry: {list: [1s, 1d]}\nschemes: [https]\n", "extends: slack\nretry: {jitter: 1, attempts: 2}\n",
		"classify: [{status: [20x, 404-409], error: any, then: retry}]\n", "identity: x-id\nredirects: 3\n",
		"retry: {exponential: {base: 1s, factor: 3, cap: 1h}, retries: 3, within: 1d}\n", "ordered: true\nports: [1]\n",
		"retry_on: [{error: [dns, reset], fixed: 1m, retries: 9}]\n", "sign: [{scheme: github, secret_file: x}]\n",
		"disable: {reset: never, ratio: {above: .1, window: 1h, volume: 3}}\n", "disable: {totals: {4xx: 1}, exhausted: 2}\n",
		"retention: {metadata: 1d, body: {failed: 1h}}\nrate_headers: off\n", "extends: x\nthrottle: {base: 1s, cap: 2s}\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse("x.yaml", append([]byte("policies:\n  x:\n    "), strings.ReplaceAll(string(text), "\n", "\n    ")...))
		if err != nil {
			checkFaults(t, err, append(text, "\n\n\n"...))
			return
		}
		want, is := c.PolicySet()["x"]
		if !is {
			return
		}
		if got := shown(t, c.Policies, "x"); !reflect.DeepEqual(got, want) {
			t.Errorf("shown as\n%+v, it is\n%+v", got, want)
		}
		for status := 99; status < 601; status += 7 {
			o := want.Classify(policy.Attempt{Status: status})
			if delay, _ := want.Next(policy.Spent{Tries: 1, Throttled: 1}, o, "", 0, 0.5); delay < 0 {
				t.Errorf("tried again %s before", -delay)
			}
		}
	})
}
