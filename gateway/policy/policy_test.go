package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

func TestBrazesFiguresAreThoseItDocuments(t *testing.T) {
	p := braze(t)
	if p.Timeout != 90*time.Second || p.ConnectTimeout > p.Timeout || p.MaxAge != 24*time.Hour || p.Identity != "" {
		t.Errorf("got %+v", p)
	}
	if !slices.Equal(p.Methods, []string{"POST", "PUT", "DELETE", "GET"}) {
		t.Errorf("methods %v", p.Methods)
	}
	if p.Allows("PATCH") || !p.Allows("PUT") || p.Allows("put") {
		t.Error("PATCH or put is allowed, or PUT is not")
	}
}

func TestDefaultPolicyExtendsBrazeAndAllowsAllMethods(t *testing.T) {
	set, err := policy.NewSet(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := set[policy.Default]
	if d == nil || d.Name != "default" || d.Timeout != 90*time.Second || !d.Allows("PATCH") || !d.Allows("HEAD") || d.Allows("CONNECT") {
		t.Errorf("got %+v", d)
	}
	if methods, known := set.Methods("braze"); !known || slices.Contains(methods, "PATCH") {
		t.Errorf("braze: methods %v, known %v", methods, known)
	}
	if _, known := set.Methods("other"); known {
		t.Error("a policy that nobody defined is known")
	}
	if got := strings.Join(set.Names(), " "); got != "braze default" {
		t.Errorf("names %s", got)
	}
}

func TestOverridesChangeOnlyWhatTheyName(t *testing.T) {
	set, err := policy.NewSet(map[string]policy.Overrides{
		"default": {Extends: "braze", MaxAge: time.Hour},
		"quick":   {Timeout: 5 * time.Second},
		"patient": {ConnectTimeout: 30 * time.Second, Timeout: 3 * time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][3]time.Duration{
		"default": {time.Hour, 90 * time.Second, 10 * time.Second},
		"quick":   {24 * time.Hour, 5 * time.Second, 5 * time.Second},
		"patient": {24 * time.Hour, 3 * time.Minute, 30 * time.Second},
		"braze":   {24 * time.Hour, 90 * time.Second, 10 * time.Second},
	} {
		p := set[name]
		if got := [3]time.Duration{p.MaxAge, p.Timeout, p.ConnectTimeout}; got != want || p.Name != name {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestAllFaultsOfPoliciesAreTold(t *testing.T) {
	_, err := policy.NewSet(map[string]policy.Overrides{
		"a":     {Extends: "brase"},
		"b":     {MaxAge: -time.Hour, Timeout: time.Second, ConnectTimeout: time.Minute},
		"braze": {MaxAge: time.Hour},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	want := `policy "a": extends "brase": want one of braze
policy "b": max_age -1h0m0s: want more than 0
policy "b": connect_timeout 1m0s: want at most the timeout, 1s
policy "braze": the name is a preset's: want another name, with extends: braze`
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
}
