package configs

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
	"github.com/sluice-gateway/sluice/persist/record"
)

// policiesOf reads policies and compiles them.
func policiesOf(t *testing.T, text string) policy.Set {
	t.Helper()
	c, err := Parse("f", []byte("policies:\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	return c.PolicySet()
}

func TestEveryPresetIsSoundAndSaysWhereItIsFrom(t *testing.T) {
	if got, want := PresetNames(), []string{
		"advocate", "braze", "chariow", "chariow-2026", "customer-io", "github", "hubspot", "klaviyo", "shopify", "slack",
		"standard-webhooks", "stripe",
	}; !slices.Equal(got, want) {
		t.Errorf("presets %v, want %v", got, want)
	}
	for _, name := range PresetNames() {
		text, _ := PresetFile(name)
		if !strings.Contains(string(text), "# Source: ") {
			t.Errorf("%s names no source", name)
		}
		p := Policies{"mine": {Extends: name}}
		k := newChecker("")
		p.check(k)
		if err := k.err(); err != nil {
			t.Errorf("%s cannot be extended: %v", name, err)
		}
		of := p.compile()[name]
		for _, class := range []policy.ErrorClass{"", policy.ClassConnect} {
			plan := of.Plan(class)
			if longest := plan.Longest() + time.Duration(of.MaxTries())*of.Timeout; longest > of.MaxAge {
				t.Errorf("%s: its schedule takes up to %s, and max_age is %s", name, longest, of.MaxAge)
			}
			if within := plan.Within; within > 0 && plan.Longest() > within {
				t.Errorf("%s: its schedule takes up to %s, and within is %s", name, plan.Longest(), within)
			}
		}
	}
}

func TestWhatIsNotSaidIsAsInWhatIsExtended(t *testing.T) {
	set := policiesOf(t, `
  slow: {extends: chariow, timeout: 60s}
  slower: {extends: slow, max_age: 9d}
`)
	chariow, slow, slower := set["chariow"], set["slow"], set["slower"]
	if slow.Timeout != time.Minute || !reflect.DeepEqual(slow.Retry, chariow.Retry) || !slices.Equal(slow.Schemes, []string{"https"}) {
		t.Errorf("slow is %+v", slow)
	}
	if slower.Timeout != time.Minute || slower.MaxAge != 9*24*time.Hour || slower.Retry.Retries != chariow.Retry.Retries {
		t.Errorf("slower is %+v", slower)
	}
	if slices.Equal(slow.Methods, chariow.Methods) {
		t.Error("the methods of a preset bind who extends it")
	}
	if got := set["chariow-2026"]; !slices.Equal(got.Methods, chariow.Methods) || got.Disable.Exhausted != 1 || got.Timeout != 30*time.Second {
		t.Errorf("chariow-2026 is %+v", got)
	}
}

func TestRulesOfOnesOwnGoBeforeThoseExtended(t *testing.T) {
	p := policiesOf(t, "  mine: {classify: [{status: 404, then: retry}, {status: [410, 451], then: failed-and-disable}]}\n")["mine"]
	for status, want := range map[int]policy.Outcome{404: policy.Retry, 403: policy.Failed, 410: policy.Failed, 200: policy.Delivered} {
		if got := p.Classify(policy.Attempt{Status: status}); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
	if !p.Disables(policy.Attempt{Status: 451}) || p.Disables(policy.Attempt{Status: 403}) {
		t.Error("what disables is not what was said")
	}
}

func TestAScheduleThatNamesItsDelaysReplacesAndOneThatDoesNotChangesOnlyWhatItNames(t *testing.T) {
	set := policiesOf(t, `
  fewer: {extends: chariow, retry: {retries: 2}}
  more: {extends: chariow, retry: {attempts: 8, jitter: 0.5}}
  other: {retry: {fixed: 5m, attempts: 3}}
  own: {retry: {list: [1s, 2s]}, retry_on: [{error: timeout, fixed: 1h, retries: 1}]}
`)
	if got, want := set["fewer"].Retry, set["chariow"].Retry; got.Retries != 2 || !slices.Equal(got.List, want.List) || got.Jitter != 0 {
		t.Errorf("fewer is %+v", got)
	}
	if got := set["more"].Retry; got.Retries != 7 || got.Jitter != 0.5 || len(got.List) != 5 {
		t.Errorf("more is %+v", got)
	}
	want := policy.Schedule{Base: 5 * time.Minute, Factor: 1, Retries: 2}
	if got := set["other"]; !reflect.DeepEqual(got.Retry, want) || len(got.ByClass) != 1 {
		t.Errorf("other is %+v", got.Retry)
	}
	own := set["own"]
	if got := own.Plan(policy.ClassTimeout); got.Base != time.Hour || own.Plan(policy.ClassConnect).Retries != 2 {
		t.Errorf("own is %+v", own)
	}
}

func TestListsAndFixedDelaysHaveNoJitterUnlessAsked(t *testing.T) {
	set := policiesOf(t, `
  a: {retry: {list: [1m]}}
  b: {retry: {fixed: 1m, retries: 1}}
  c: {retry: {exponential: {base: 1m}, retries: 1}}
  d: {retry: {list: [1m], jitter: 0.3}}
  e: {retry: {exponential: {base: 1m}, retries: 1, jitter: 0}}
`)
	for name, want := range map[string]float64{"a": 0, "b": 0, "c": 0.2, "d": 0.3, "e": 0} {
		if got := set[name].Retry.Jitter; got != want {
			t.Errorf("%s has jitter %v, want %v", name, got, want)
		}
	}
}

func TestWhatIsInheritedCanBeTakenAway(t *testing.T) {
	p := policiesOf(t, `
  mine:
    extends: chariow-2026
    identity: {}
    sign: []
    disable: {exhausted: 0}
    schemes: [http, https]
    replay_id: same
    rate_headers: on
`)["mine"]
	if len(p.Identity)+len(p.Sign)+p.Disable.Exhausted != 0 || len(p.Schemes) != 2 || p.ReplayAsNew || !p.RateHeaders {
		t.Errorf("got %+v", p)
	}
}

func TestIdentityMayBeANameOrSaysWhatEachHeaderTells(t *testing.T) {
	set := policiesOf(t, `
  a: {identity: webhook-id}
  b: {identity: {x-type: event-type, x-id: event}}
`)
	if got, want := set["a"].Identity, []policy.IdentityHeader{{Name: "webhook-id", Value: policy.DeliveryID}}; !reflect.DeepEqual(got, want) {
		t.Errorf("a has %v", got)
	}
	if got, want := set["b"].Identity, []policy.IdentityHeader{
		{Name: "x-id", Value: policy.EventID}, {Name: "x-type", Value: policy.EventType},
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("b has %v", got)
	}
}

func TestRetentionIsJoinedStateByState(t *testing.T) {
	const day = 24 * time.Hour
	set := policiesOf(t, "  mine: {extends: advocate, retention: {body: {delivered: 0s}}}\n")
	for state, want := range map[record.State]time.Duration{record.Delivered: 0, record.Failed: 30 * day, record.Cancelled: 30 * day} {
		if got, said := set["mine"].Retention.Body[state]; got != want || !said {
			t.Errorf("the body of what was %s is kept %s, want %s", state, got, want)
		}
	}
	if got := set["advocate"].Retention.Body[record.Delivered]; got != 30*day {
		t.Errorf("advocate keeps bodies %s", got)
	}
	if set["braze"].Retention.Body != nil {
		t.Error("braze has a retention of its own")
	}
}

func TestFaultsOfPoliciesSayWhatWouldBeRight(t *testing.T) {
	for text, want := range map[string]string{
		"a: {extends: b}, b: {extends: a}": "policies.a.extends: b: goes round in a circle: a extends b extends a; want a preset in the end, or none",
		"a: {extends: a}":                  "policies.a.extends: a: goes round in a circle: a extends a; want",
		"none: {}":                         "policies.none: none: is kept for extends: none; want another name",
		"a: {extends: none}":               "policies.a.retry: has no delays; want one of list, fixed, exponential",
		"a: {retry: {fixed: 1m}}":          "policies.a.retry: does not say how often; want retries, or attempts, which counts the first one too",
		"a: {retry: {fixed: 1m, list: [1m], retries: 1}}":             "policies.a.retry: has more than one kind of delays; want one of list, fixed, exponential",
		"a: {retry: {retries: 1, attempts: 2}}":                       "policies.a.retry.attempts: 2: says what retries says, with the first attempt counted; want one of the two",
		"a: {retry: {exponential: {base: 1m, cap: 1s}}}":              "policies.a.retry.exponential.cap: 1s: is below the base; want at least the base, which is 1m",
		"a: {retry: {list: []}}":                                      "policies.a.retry.list: []: has no delay; want at least one, as in [1m, 5m, 30m]",
		"a: {retry: {jitter: 2}}":                                     "policies.a.retry.jitter: 2: is too large; want 0 to 1",
		"a: {retry_on: [{fixed: 1m, retries: 1}]}":                    "policies.a.retry_on[0].error: is missing; want the errors it is for, as in [dns, connect, tls]",
		"a: {retry_on: [{error: [dns, tsl], fixed: 1m, retries: 1}]}": "policies.a.retry_on[0].error[1]: tsl: is not known, did you mean tls?; want one of unreachable, any, dns, connect",
		"a: {classify: [{then: retry}]}":                              "policies.a.classify[0]: matches nothing; want status, error or both",
		"a: {classify: [{status: 6xx, then: retry}]}":                 "policies.a.classify[0].status[0]: 6xx: is no status, and no set of them; want a status such as 404, 4xx, 20x or 400-499",
		"a: {classify: [{status: [200, 2x], then: retry}]}":           "policies.a.classify[0].status[1]: 2x: is no status, and no set of them; want",
		"a: {classify: [{status: 410, then: disable}]}":               "policies.a.classify[0].then: disable: is not known; want one of delivered, retry, throttled, failed, failed-and-disable",
		"a: {classify: [{status: 410}]}":                              "policies.a.classify[0].then: is missing; want one of delivered",
		"a: {classify: [{error: any, then: delivered}]}":              "policies.a.classify[0].then: delivered: cannot be known without a response; want",
		"a: {classify: [{error: any, with: retry-after, then: r}]}":   "policies.a.classify[0].with: retry-after: is something that responses say, and the rule is about none; want a status beside it",
		"a: {schemes: [ftp]}":                                         "policies.a.schemes[0]: ftp: is not known; want one of https, http",
		"a: {schemes: []}":                                            "policies.a.schemes: []: allows nothing; want at least one of",
		"a: {methods: [post]}":                                        "policies.a.methods[0]: post: is not known; want one of POST, PUT",
		"a: {ports: [0]}":                                             "policies.a.ports[0]: 0: is too small; want 1 to 65535",
		"a: {redirects: 6}":                                           "policies.a.redirects: 6: is too large; want 0 to 5",
		"a: {rate_headers: maybe}":                                    "policies.a.rate_headers: maybe: is not known; want one of on, off",
		"a: {otherwise: delivered}":                                   "policies.a.otherwise: delivered: is not known; want one of retry, failed",
		"a: {identity: {x: evnt}}":                                    "policies.a.identity.x: evnt: is not known, did you mean event?; want one of delivery, event, event-type, subscription",
		"a: {identity: 'a b'}":                                        `policies.a.identity."a b": a b: is not the name of a header; want one such as webhook-id`,
		"a: {sign: [{scheme: githup}]}":                               "policies.a.sign[0].scheme: githup: is not known, did you mean github?; want one of",
		"a: {sign: [{secret_file: x}]}":                               "policies.a.sign[0].scheme: is missing; want how to sign",
		"a: {disable: {totals: {6xx: 1}}}":                            "policies.a.disable.totals.6xx: 6xx: is no class of statuses; want 3xx, 4xx, 5xx, or none",
		"a: {disable: {totals: {4xx: 0}}}":                            "policies.a.disable.totals.4xx: 0: is too small; want 1 to",
		"a: {disable: {reset: weekly}}":                               "policies.a.disable.reset: weekly: is not known; want success, never, or a time after the first that is counted",
		"a: {disable: {ratio: {above: 95, volume: 1, window: 1h}}}":   "policies.a.disable.ratio.above: 95: is too large; want 0 to 1",
		"a: {disable: {ratio: {above: 0.9, volume: 5}}}":              "policies.a.disable.ratio.window: 0s: is too small; want 1m to",
		"a: {disable: {pending: drop}}":                               "policies.a.disable.pending: drop: is not known; want one of hold, cancel",
		"a: {retention: {body: {done: 1h}}}":                          "policies.a.retention.body.done: done: is not known; want one of delivered, failed, expired, cancelled",
		"a: {retention: {metadata: 1h, body: {failed: 2h}}}":          "policies.a.retention.body.failed: 2h: outlives the metadata; want at most metadata, which is 1h",
		"a: {extends: github, retention: {body: 4d}}":                 "policies.a.retention.body.",
	} {
		_, err := Parse("f", []byte("policies: {"+text+"}"))
		if err == nil || !strings.HasPrefix(err.Error(), "f:1: "+want) {
			t.Errorf("%s:\ngot  %v\nwant f:1: %s …", text, err, want)
		}
	}
}

func TestAPolicyThatExtendsAFaultyOneIsNotBlamedForIt(t *testing.T) {
	_, err := Parse("f", []byte("policies: {a: {extends: b}, b: {retry: {fixed: 1m, retries: -1}}}"))
	if want := "f:1: policies.b.retry.retries: -1: is too small; want 0 to 1000"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
