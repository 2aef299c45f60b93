package egress

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway/policy"
)

// Whoever asks must be able to tell it from a name that does not resolve: that is the host's failure, this is ours.
func TestALookupThatNoFileCouldBeOpenedForSaysSo(t *testing.T) {
	for _, want := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE} {
		full := &net.Resolver{PreferGo: true, Dial: func(_ context.Context, network, _ string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("socket", want)}
		}}
		c := New(Settings{Resolver: full})
		var resp Response
		c.Do(&Request{Method: "GET", URL: "http://a.example./", Connect: time.Minute, Timeout: time.Minute}, &resp)
		if resp.Class != policy.ClassDNS || !errors.Is(resp.Err, want) {
			t.Errorf("%s %v, want %s and %v", resp.Class, resp.Err, policy.ClassDNS, want)
		}
		c.Close()
	}
}
