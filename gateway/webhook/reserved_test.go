package webhook_test

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/webhook"
)

func TestWhatBelongsToAConnectionIsNeitherTakenNorPassedOnInAnyCase(t *testing.T) {
	for name, want := range map[string]struct{ reserved, hop bool }{
		"Host": {true, false}, "Content-Length": {true, false}, "Expect": {true, false},
		"Connection": {true, true}, "Keep-Alive": {true, true}, "Proxy-Connection": {true, true}, "TE": {true, true},
		"Trailer": {true, true}, "Transfer-Encoding": {true, true}, "Upgrade": {true, true},
		"Proxy-Authorization": {false, true}, "Proxy-Authenticate": {false, true},
		"": {}, "X": {}, "Via": {}, "Hosts": {}, "Authorization": {}, "Content-Type": {}, "Proxy-Status": {},
	} {
		for _, as := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if got := webhook.Reserved(as); got != want.reserved {
				t.Errorf("Reserved(%q): %t", as, got)
			}
			if got := webhook.HopByHop(as); got != want.hop {
				t.Errorf("HopByHop(%q): %t", as, got)
			}
		}
	}
}
