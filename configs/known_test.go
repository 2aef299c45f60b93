package configs

import (
	"strings"
	"testing"
	"time"
)

func TestWellKnownHostsAreAFileThatAUserCouldHaveWritten(t *testing.T) {
	c, err := Parse("hosts.yaml", WellKnown)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Limits.Hosts) < 15 {
		t.Errorf("%d entries", len(c.Limits.Hosts))
	}
	lines := strings.Split(string(WellKnown), "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "- {") && !strings.HasPrefix(strings.TrimSpace(lines[i-1]), "#") &&
			!strings.Contains(lines[i-1], "nube") {
			t.Errorf("line %d has no source above it: %s", i+1, line)
		}
	}
}

func TestAUsersEntryReplacesWhatIsKnownOfAHost(t *testing.T) {
	known := Default()
	if h := known.Limits.Match("api.hubapi.com"); h.By.Kind != ByAuthorization || h.Ceiling != (Rate{N: 190, Per: 10 * time.Second}) {
		t.Errorf("api.hubapi.com: by %s, ceiling %s; want what hosts.yaml says", h.By.Kind, h.Ceiling)
	}
	own, err := Parse("own.yaml", []byte(`limits: {hosts: [{match: "*.hubapi.com", ceiling: 5/s}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if h := own.Limits.Match("api.hubapi.com"); h.By.Kind != ByHost || h.Ceiling != (Rate{N: 5, Per: time.Second}) {
		t.Errorf("api.hubapi.com: by %s, ceiling %s; want what the user says", h.By.Kind, h.Ceiling)
	}
}

func TestHeadersOfAHostAreReadAsItsEntrySays(t *testing.T) {
	c, err := Parse("own.yaml", []byte("limits: {hosts: [{match: a.example, headers: {family: x-rate-limit, reset: delta-milliseconds, ignore: [x-quota-*]}}]}"))
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"a.example": true, "b.example": false, "api.tiendanube.com": true} {
		h := c.Limits.Match(host)
		o, err := h.Override()
		if err != nil || (o != nil) != want {
			t.Errorf("%s: override %v (%v), want one: %v", host, o, err, want)
		}
	}
	_, err = Parse("own.yaml", []byte("limits: {hosts: [{match: a.example, headers: {family: \"x y\", reset: fortnights, ignore: [\"\"]}}]}"))
	for _, want := range []string{"headers.family: x y", "headers.reset: fortnights", "headers.ignore[0]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("fault %q is not named by %v", want, err)
		}
	}
}
