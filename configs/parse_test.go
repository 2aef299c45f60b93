package configs

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestReferenceFileIsTheDefaults(t *testing.T) {
	got, err := Parse("sluice.yaml", Reference)
	if err != nil {
		t.Fatal(err)
	}
	if want := Default(); !reflect.DeepEqual(*got, want) {
		t.Errorf("sluice.yaml parses to\n%+v, want the defaults\n%+v", *got, want)
	}
}

func TestReferenceFileShowsEveryKey(t *testing.T) {
	shown := string(Reference)
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		for of.Kind() == reflect.Slice || of.Kind() == reflect.Map || of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct {
			return
		}
		for _, f := range fieldsOf(of) {
			if name := yamlName(f); name != "" {
				if !strings.Contains(shown, name+":") {
					t.Errorf("sluice.yaml does not show %s of %s", name, of.Name())
				}
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
}

// TestReferenceExamplesAreValid takes the number signs off the example hosts of sluice.yaml.
func TestReferenceExamplesAreValid(t *testing.T) {
	_, examples, begins := strings.Cut(string(Reference), "For example:\n")
	examples, _, ends := strings.Cut(examples, "  hosts: []\n")
	if !begins || !ends {
		t.Fatal("sluice.yaml has no examples")
	}
	text := "limits:\n  hosts:\n" + strings.ReplaceAll("\n"+examples, "\n  # ", "\n    ")
	c, err := Parse("examples.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if got := c.Limits.Match("eu.crm.example.com"); got.Share != 0.8 || len(got.Windows) != 2 {
		t.Errorf("eu.crm.example.com has %+v, want what the examples say", got)
	}
}

// TestReferencePolicyIsWhatHoldsWithoutOne takes the number signs off the policy of sluice.yaml that shows every key.
func TestReferencePolicyIsWhatHoldsWithoutOne(t *testing.T) {
	_, shown, begins := strings.Cut(string(Reference), "#\n# mine:\n")
	shown, _, ends := strings.Cut(shown, "policies:\n")
	if !begins || !ends {
		t.Fatal("sluice.yaml shows no policy")
	}
	text := "policies:\n  mine:\n" + strings.ReplaceAll("\n"+shown, "\n# ", "\n  ")
	c, err := Parse("mine.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	of, none := c.Policies["mine"], basis()
	for name, pair := range map[string][2]any{
		"methods": {of.Methods, none.Methods}, "schemes": {of.Schemes, none.Schemes}, "ports": {of.Ports, none.Ports},
		"timeout": {of.Timeout, none.Timeout}, "connect_timeout": {of.ConnectTimeout, none.ConnectTimeout},
		"redirects": {of.Redirects, none.Redirects}, "otherwise": {of.Otherwise, none.Otherwise},
		"throttle": {of.Throttle, none.Throttle}, "max_age": {of.MaxAge, none.MaxAge},
		"rate_headers": {of.RateHeaders, none.RateHeaders}, "max_retry_after": {of.MaxRetryAfter, none.MaxRetryAfter},
		"replay_id": {of.ReplayID, none.ReplayID}, "envelope": {of.Envelope, none.Envelope},
		"ordered": {of.Ordered, none.Ordered}, "reset": {of.Disable.Reset, none.Disable.Reset},
		"pending": {of.Disable.Pending, none.Disable.Pending},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("sluice.yaml says that %s is %v, it is %v", name, pair[0], pair[1])
		}
	}
}

func TestDefaultsAreValid(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestEmptyFilesAreTheDefaults(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":        "",
		"a comment":      "# nothing is set\n",
		"a document":     "---\n",
		"empty sections": "data:\nlimits:\n  default:\n  hosts:\npolicies:\n",
		"a byte order":   "\ufefflisten: 127.0.0.1:8480\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse("x.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if want := Default(); !reflect.DeepEqual(*got, want) {
				t.Errorf("got %+v, want %+v", *got, want)
			}
		})
	}
}

func TestEveryFaultOfAFileIsNamedAtOnce(t *testing.T) {
	data, err := os.ReadFile("testdata/faults.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse("faults.yaml", data)
	if err == nil {
		t.Fatal("no fault found")
	}
	golden := filepath.Join("testdata", "faults.golden")
	got := err.Error() + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("faults are\n%s\nwant\n%s", got, want)
	}
}

func TestFaultsOfTheFileAsAWhole(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"syntax":           {"listen: [1,\nadmin: 2\n", "x.yaml:3: is not YAML: "},
		"tab":              {"data:\n\tdir: x\n", "x.yaml:2: is not YAML: "},
		"two documents":    {"listen: 127.0.0.1:1\n---\nadmin: 127.0.0.1:2\n", "x.yaml:2: is a second document; want one document"},
		"a list":           {"- listen\n", "x.yaml:1: is a list; want a mapping"},
		"a text":           {"hello\n", "x.yaml:1: hello: is a text; want a mapping"},
		"a merge key":      {"data: &d {dir: x}\nretention:\n  <<: *d\n", `x.yaml:3: retention.<<: is not a known key`},
		"a mapping as key": {"? {a: b}\n: c\n", "x.yaml:1: a mapping: is no key"},
		"unknown anchor":   {"data: *nothing\n", "x.yaml:1: is not YAML: "},
		"too large":        {strings.Repeat("#", int(MaxFile)+1), "x.yaml: is larger than 4MiB"},
		"not text":         {"listen: \x00\x01\n", "x.yaml:1: is not YAML: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(tt.text))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want it to begin with %s", err, tt.want)
			}
		})
	}
}

func TestDuplicateKeysAreRefusedWhateverTheyHold(t *testing.T) {
	_, err := Parse("x.yaml", []byte("log: {level: info}\npolicies: {a: {}, a: {}}\nlog: {level: warn}\n"))
	want := "x.yaml:2: policies.a: is given twice, first in line 2; want each key once\n" +
		"x.yaml:3: log: is given twice, first in line 1; want each key once"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v, want\n%s", err, want)
	}
}

func TestAnchorsStandForWhatTheyName(t *testing.T) {
	c, err := Parse("x.yaml", []byte("limits:\n  default: {concurrency: &c {start: 3, max: 4}}\n"+
		"  hosts: [{match: a.example, concurrency: *c}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Limits.Hosts[0].Concurrency, (Concurrency{3, 4}); got != want {
		t.Errorf("concurrency is %+v, want %+v", got, want)
	}
}

func TestAnAnchorThatHoldsItselfIsAFault(t *testing.T) {
	if _, err := Parse("x.yaml", []byte("data: &a {dir: *a}\n")); err == nil {
		t.Error("a mapping was taken for a directory")
	}
}

func TestUnknownKeysAreAnsweredWithTheNearestKnownOne(t *testing.T) {
	for text, want := range map[string]string{
		"lisen: x":                          "did you mean listen?",
		"egres: {}":                         "did you mean egress?",
		"limits: {deafult: {}}":             "did you mean default?",
		"limits: {hosts: [{mach: a.b}]}":    "did you mean match?",
		"max_in_flight: 5":                  "did you mean egress.max_in_flight?",
		"fixed: 5/s":                        "did you mean limits.hosts[].fixed or policies.*.retry.fixed or ",
		"policies: {a: {time_out: 5s}}":     "did you mean timeout?",
		"breaker: {cooldown: 5s}":           "did you mean cool_down?",
		"shutdown: {completely_else: 5s}":   "want one of timeout",
		"policies: {a: {connect_timout: 1}": "is not YAML",
	} {
		_, err := Parse("x.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestAScenariosKeysAreNotSoughtInTheConfiguration(t *testing.T) {
	_, err := ParseScenario("x.yaml", []byte("hosts: [{name: a.example, refuse: x}]\nflow: a\n"))
	if err == nil || strings.Contains(err.Error(), "tokens") || !strings.Contains(err.Error(), "flow: is not a known key, did you mean campaigns[].flow?") {
		t.Errorf("%v", err)
	}
}

func TestValidateChecksWhatWasOverridden(t *testing.T) {
	c, err := Parse("x.yaml", []byte("# all as it is\n"))
	if err != nil {
		t.Fatal(err)
	}
	c.Listen = ":8480"
	c.Limits.Hosts = append(c.Limits.Hosts, Host{Match: "a.example", Share: -1})
	var faults Faults
	if err := c.Validate(); !errors.As(err, &faults) {
		t.Fatalf("got %v, want Faults", err)
	}
	want := Faults{
		{
			Path: "limits.hosts[0].share", Value: "-1",
			Problem: "is out of range", Want: "a part above 0, at most 1",
		},
		{
			Path: "listen", Value: ":8480",
			Problem: "is reachable from other machines, and no token says who may send",
			Want:    "a loopback address such as 127.0.0.1:8480, or tokens",
		},
	}
	if !reflect.DeepEqual(faults, want) {
		t.Errorf("got %+v, want %+v", faults, want)
	}
}

func TestDefaultsFollowWhatAloneWasGiven(t *testing.T) {
	c, err := Parse("x.yaml", []byte(
		"retention: {metadata: 1h}\nbreaker: {cool_down_max: 5s}\nlimits: {default: {ceiling: 5/min, concurrency: {max: 4}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Retention.Body != hour {
		t.Errorf("bodies are kept %s, want them to go with their metadata, 1h", c.Retention.Body)
	}
	if c.Breaker.CoolDown != 5*second {
		t.Errorf("the first cool-down is %s, want it to be no longer than the longest, 5s", c.Breaker.CoolDown)
	}
	if got := c.Limits.Default; got.Start != got.Ceiling || got.Concurrency.Start != 4 {
		t.Errorf("start is %s at once %d, want 5/min at once 4", got.Start, got.Concurrency.Start)
	}
}

func TestUsersPoliciesAreAddedToTheDefaultOne(t *testing.T) {
	c, err := Parse("x.yaml", []byte("policies:\n  default: {max_age: 1h}\n  patient: {extends: braze, max_age: 7d}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := Policies{
		"default": {Extends: "braze", MaxAge: hour},
		"patient": {Extends: "braze", MaxAge: 7 * day},
	}
	if !reflect.DeepEqual(c.Policies, want) {
		t.Errorf("policies are %+v, want %+v", c.Policies, want)
	}
}

func TestFrontDoorStaysOnLoopbackWithoutTokens(t *testing.T) {
	for address, loopback := range map[string]bool{
		"127.0.0.1:8480": true, "127.8.9.10:1": true, "[::1]:8480": true, "localhost:8480": true, "127.0.0.1:0": true,
		"[::ffff:127.0.0.1]:8480": true,
		"0.0.0.0:8480":            false, ":8480": false, "[::]:8480": false, "10.0.0.1:8480": false, "192.0.2.1:80": false,
		"example.com:8480": false, "127.0.0.1": false, "127.0.0.1:http": false, "127.0.0.1:65536": false, "": false,
		"127.0.0.1:+80": false, "127.1:8480": false,
	} {
		c := Default()
		c.Listen = address
		if err := c.Validate(); (err == nil) != loopback {
			t.Errorf("listen %s: got %v, want it accepted: %v", address, err, loopback)
		}
	}
}

func TestLoadNamesAFileThatIsNotThere(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v, want one that wraps os.ErrNotExist and names the file", err)
	}
}

func TestFaultsFitInOneLineEach(t *testing.T) {
	_, err := Parse("x.yaml", []byte("data: {dir: \"a\\0b\\nc\"}\nlog: {level: \""+strings.Repeat("y", 500)+"\"}\n"))
	if err == nil {
		t.Fatal("no fault found")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 2 || len(lines[1]) > 300 {
		t.Errorf("got %d lines, want one for each of two faults, shortened:\n%s", len(lines), err)
	}
}

func FuzzParse(f *testing.F) {
	// Small ones, of a section or two each: the fuzzer joins them, and shrinks what it finds within its time.
	for _, text := range []string{
		"listen: 127.0.0.1:0\nadmin: \"[::1]:8481\"\ndata: {dir: x, min_free: 1GiB, max_webhook: 2048}\n",
		"retention: {metadata: 1d12h, body: 0s, max_size: 10GB}\nlog: {level: warn, format: json}\n",
		"egress: {max_in_flight: 5, allow_nets: [10.0.0.0/8, \"::1\"], deny_nets: [10.0.0.1], ports: [443]}\n",
		"limits:\n  default: {by: path:2, start: unlimited, ceiling: 5/min, concurrency: {max: 3}}\n",
		"limits: {hosts: [{match: '*.x.example', windows: [1/s, 9/24h], share: .5}, {match: a, fixed: 1/s}]}\n",
		"breaker: {failure_ratio: 1e-1, min_requests: 1, window: 1m, cool_down_max: 5s, probes: 2}\n",
		"policies: {default:, slow: {extends: braze, timeout: 5s, connect_timeout: 1s}}\nshutdown: {timeout: 0}\n",
		"data: &a {dir: *a}\nlog:\n  <<: *a\n---\n", "lissten: ~\nlog: []\nlog: {\"le vel\": !!int x}\n? [k]\n: v\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("x.yaml", data)
		if err != nil {
			checkFaults(t, err, data)
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatalf("what Parse accepts, Validate refuses: %v", err)
		}
		c.Limits.Index()
		dumped, err := yaml.Dump(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("dumped.yaml", dumped)
		if err != nil {
			t.Fatalf("what was written from a valid configuration is not valid: %v\n%s", err, dumped)
		}
		if forgetEmpty(c); !reflect.DeepEqual(c, again) {
			t.Fatalf("%+v was written as\n%s\nand read as %+v", c, dumped, again)
		}
	})
}

// forgetEmpty has lists of a host's limits that are given and empty be as if they had not been given: both mean the same, and
// they are written alike.
func forgetEmpty(c *Config) {
	for i := range c.Limits.Hosts {
		h := &c.Limits.Hosts[i]
		if len(h.Windows) == 0 {
			h.Windows = nil
		}
		if len(h.Headers.Ignore) == 0 {
			h.Headers.Ignore = nil
		}
	}
}

func checkFaults(t *testing.T, err error, data []byte) {
	t.Helper()
	var faults Faults
	if !errors.As(err, &faults) || len(faults) == 0 {
		t.Fatalf("got %T %v, want Faults", err, err)
	}
	for _, fault := range faults {
		if fault.Problem == "" || fault.Want == "" || fault.File != "x.yaml" {
			t.Errorf("%+v: want a file, a problem and what would be right", fault)
		}
		if lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 3; fault.Line > lines {
			t.Errorf("%+v: the file has at most %d lines", fault, lines)
		}
		if strings.ContainsAny(fault.String(), "\n\r") {
			t.Errorf("%q: want it in one line", fault.String())
		}
	}
}
