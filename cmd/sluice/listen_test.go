package main_test

import (
	"net"
	"strings"
	"testing"
)

func TestAnAddressThatIsTakenIsSaidToBeAnothers(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	taken := l.Addr().String()
	for _, c := range []struct{ listen, admin, key string }{{taken, "127.0.0.1:0", "listen"}, {"127.0.0.1:0", taken, "admin"}} {
		code, _, stderr := sluice(t, "serve", "--listen", c.listen, "--admin", c.admin, "--data", t.TempDir())
		if code != 1 || !strings.Contains(stderr, c.key+": listen tcp "+taken) || !strings.Contains(stderr, "perhaps a gateway that runs already: want another address") {
			t.Errorf("%s: exit %d: %s", c.key, code, stderr)
		}
	}
}
