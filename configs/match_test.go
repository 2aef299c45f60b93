package configs

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestExactHostBeatsTheLongestSuffix(t *testing.T) {
	l := defaultLimits()
	for _, match := range []string{
		"api.example.com", "*.example.com", ".eu.example.com", "Crm.Example.com.", "crm.example.com:8443", ".example.com:81",
		"192.0.2.7", "[2001:db8::1]:9000", "bücher.example", "[2001:DB8:0::2]",
	} {
		l.Hosts = append(l.Hosts, Host{Match: match})
	}
	x := l.Index()
	for host, want := range map[string]string{
		"api.example.com":       "api.example.com",
		"api.example.com:80":    "api.example.com", // no port named: any
		"www.example.com":       "*.example.com",
		"www.example.com:80":    "*.example.com",
		"www.example.com:81":    ".example.com:81", // of two equal suffixes, the one with the port
		"a.b.example.com":       "*.example.com",
		"example.com":           "", // not below itself
		"badexample.com":        "",
		"eu.example.com":        "*.example.com",
		"x.eu.example.com":      ".eu.example.com",
		"x.eu.example.com:81":   ".eu.example.com", // the longer suffix, port or not
		"crm.example.com":       "Crm.Example.com.",
		"crm.example.com:8443":  "crm.example.com:8443",
		"192.0.2.7:9099":        "192.0.2.7",
		"2.7":                   "",
		"[2001:db8::1]:9000":    "[2001:db8::1]:9000",
		"[2001:db8::1]":         "",
		"[2001:db8::2]":         "[2001:DB8:0::2]",
		"xn--bcher-kva.example": "bücher.example",
		"":                      "",
	} {
		if got := x.Match(host).Match; got != want {
			t.Errorf("%q has the limit of %q, want %q", host, got, want)
		}
		if got := l.Match(host).Match; got != want {
			t.Errorf("without an index, %q has the limit of %q, want %q", host, got, want)
		}
	}
}

// TestIndexAgreesWithLookingAtEveryEntry compares the index with the rule said plainly: of all entries that match, the
// most exact one.
func TestIndexAgreesWithLookingAtEveryEntry(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	name := func() string {
		labels := make([]string, 1+r.IntN(4))
		for i := range labels {
			labels[i] = string(rune('a' + r.IntN(3)))
		}
		return strings.Join(labels, ".")
	}
	port := func() string { return []string{"", "", ":80", ":81"}[r.IntN(4)] }
	for range 200 {
		l := defaultLimits()
		for range r.IntN(12) {
			l.Hosts = append(l.Hosts, Host{Match: []string{"", "."}[r.IntN(2)] + name() + port()})
		}
		x := l.Index()
		for range 50 {
			host := name() + port()
			if got, want := x.Match(host).Match, mostExact(l.Hosts, host); !strings.EqualFold(got, want) {
				t.Fatalf("%q has the limit of %q, want %q, of %+v", host, got, want, l.Hosts)
			}
		}
	}
}

func mostExact(hosts []Host, host string) (match string) {
	best := -1
	for _, h := range hosts {
		pattern, wantPort, _ := strings.Cut(h.Match, ":")
		name, port, _ := strings.Cut(host, ":")
		suffix := strings.HasPrefix(pattern, ".")
		if suffix && !strings.HasSuffix(name, pattern) || !suffix && name != pattern || wantPort != "" && wantPort != port {
			continue
		}
		exactness := 2 * len(pattern)
		if !suffix {
			exactness += 1000
		}
		if wantPort != "" {
			exactness++
		}
		if exactness >= best {
			best, match = exactness, h.Match
		}
	}
	return match
}

func TestMatchAddsTheDefaultToWhatAnEntryLeavesOut(t *testing.T) {
	tenth := Rate{N: 1, Per: 10 * time.Second}
	for name, tt := range map[string]struct{ entry, want Host }{
		"nothing said": {
			Host{Match: "a.example"},
			Host{
				Match: "a.example", By: By{Kind: ByHost}, Start: DefaultStart, Ceiling: DefaultCeiling, Share: 1,
				Concurrency: Concurrency{16, 512}, MaxPause: hour,
			},
		},
		"a low ceiling lowers the start": {
			Host{Match: "a.example", Ceiling: tenth},
			Host{
				Match: "a.example", By: By{Kind: ByHost}, Start: tenth, Ceiling: tenth, Share: 1,
				Concurrency: Concurrency{16, 512}, MaxPause: hour,
			},
		},
		"a fixed pace is start and ceiling": {
			Host{Match: "a.example", Fixed: tenth, By: By{Kind: ByPath, Segments: 2}},
			Host{
				Match: "a.example", By: By{Kind: ByPath, Segments: 2}, Start: tenth, Ceiling: tenth, Fixed: tenth, Share: 1,
				Concurrency: Concurrency{16, 512}, MaxPause: hour,
			},
		},
		"unlimited lifts the ceiling": {
			Host{Match: "a.example", Start: Unlimited, Concurrency: Concurrency{Max: 8}, Share: 0.5, MaxPause: minute},
			Host{
				Match: "a.example", By: By{Kind: ByHost}, Start: Unlimited, Ceiling: Unlimited, Share: 0.5,
				Concurrency: Concurrency{8, 8}, MaxPause: minute,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := defaultLimits()
			l.Hosts = []Host{tt.entry}
			if got := l.Match("a.example"); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			tt.want.Match = ""
			if got := l.Match("other.example"); got.Match != "" || got.Ceiling != DefaultCeiling || !got.Fixed.IsZero() {
				t.Errorf("another host has %+v, want the default", got)
			}
		})
	}
}

func TestAnUnlimitedDefaultHoldsForHostsThatSayNothingElse(t *testing.T) {
	c, err := Parse("x.yaml", []byte("limits: {default: {start: unlimited}, hosts: [{match: a, ceiling: 5/s}, {match: b, start: 3/s}, {match: c, start: 2000/s}]}"))
	if err != nil {
		t.Fatal(err)
	}
	five, three := Rate{5, time.Second}, Rate{3, time.Second}
	for host, want := range map[string][2]Rate{
		"a": {five, five}, "b": {three, DefaultCeiling}, "c": {{2000, time.Second}, {2000, time.Second}}, "other": {Unlimited, Unlimited},
	} {
		if of := c.Limits.Match(host); of.Start != want[0] || of.Ceiling != want[1] {
			t.Errorf("%s goes from %v to %v, want %v", host, of.Start, of.Ceiling, want)
		}
	}
}

func TestMatchRefusesWhatIsNoHost(t *testing.T) {
	for _, match := range []string{
		"", ".", "*", "*.", "a.*.example", "https://a.example", "a.example/path", "user@a.example", "a.example:0",
		"a.example:65536", "a.example:443", "a.example:http", "a b.example", ".192.0.2.7", "[::1", "::1", "[192.0.2.7]",
		"a..example", "-a.example", "a.example:", "[fe80::1%25eth0]",
	} {
		if p, err := parsePattern(match); err == nil {
			t.Errorf("%q was read as %+v, want it refused", match, p)
		}
	}
}

func BenchmarkIndexMatch(b *testing.B) {
	l := defaultLimits()
	for i := range 1000 {
		l.Hosts = append(l.Hosts, Host{Match: fmt.Sprintf("h%d.example.com", i)})
	}
	x := l.Index()
	for b.Loop() {
		x.Match("a.b.c.d.example.org:8443")
	}
}
