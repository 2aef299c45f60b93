package rules

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/sluice-gateway/sluice/configs"
	"github.com/sluice-gateway/sluice/gateway/webhook"
)

func rulesOf(t testing.TB, yaml string) *Rules {
	t.Helper()
	conf, err := configs.Parse("sluice.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return New(conf, Read{}, nil)
}

func TestWhatRulesSayOfAHostIsThatOfItsEntryHoweverOftenAndBesideHowManyTheyAreAsked(t *testing.T) {
	r := rulesOf(t, `limits: {hosts: [{match: "*.example.com", by: authorization, mask_path: true, breaker: {min_requests: 7}}]}`)
	for range 3 {
		if got := r.laneBy("a.example.com").By; got != webhook.ByAuthorization {
			t.Errorf("its lanes are by %v, want by authorization", got)
		}
		if got := r.hostLabel("a.example.com"); got != "*.example.com" {
			t.Errorf("it is counted as %q, want by its entry", got)
		}
		if got := r.showURL("a.example.com", "https://a.example.com/secret"); got == "https://a.example.com/secret" {
			t.Errorf("it is shown as %q, want its path masked", got)
		}
		if got := r.breakerOf("a.example.com").circuit.MinRequests; got != 7 {
			t.Errorf("its breaker asks for %d requests, want 7", got)
		}
		if got := r.hostLabel("example.org"); got != "other" {
			t.Errorf("another host is counted as %q, want other", got)
		}
		for n := range maxKnownHosts { // of whoever posts
			r.laneBy(fmt.Sprintf("h%d.example.net", n))
		}
	}
	known := 0
	r.known.byName.Range(func(_, _ any) bool { known++; return true })
	if known > maxKnownHosts {
		t.Errorf("%d hosts are known, want %d at most", known, maxKnownHosts)
	}
}

// A host's name may be of a request's memory, which the next request is read into.
func TestRulesOfAHostAreKnownByItsNameAndNotByTheMemoryThatItWasReadInto(t *testing.T) {
	r := rulesOf(t, `limits: {hosts: [{match: aaaa.example, by: authorization}]}`)
	memory := []byte("aaaa.example")
	r.laneBy(unsafe.String(&memory[0], len(memory)))
	copy(memory, "bbbb.example")
	if got := r.laneBy("bbbb.example").By; got != webhook.ByHost {
		t.Errorf("the lanes of another host are by %v, want by host", got)
	}
	if got := r.laneBy("aaaa.example").By; got != webhook.ByAuthorization {
		t.Errorf("the host's lanes are by %v, want by authorization", got)
	}
}

func BenchmarkRulesOfAHost(b *testing.B) {
	r := rulesOf(b, "{}")
	b.ReportAllocs()
	for b.Loop() {
		r.hostLabel("127.1.2.3:45678")
	}
}
