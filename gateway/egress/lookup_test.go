package egress

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
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

// Whoever sends a webhook need not know the network it is sent from.
func TestALookupThatFailsDoesNotSayWhichServerWasAsked(t *testing.T) {
	server := &net.UDPAddr{IP: net.IPv4(10, 11, 12, 13), Port: 53}
	for _, op := range []*net.OpError{
		{Op: "read", Net: "udp", Source: &net.UDPAddr{IP: net.IPv4(10, 11, 12, 14), Port: 4711}, Addr: server, Err: syscall.ECONNREFUSED},
		{Op: "dial", Net: "udp", Addr: server, Err: syscall.ECONNREFUSED},
	} {
		c := New(Settings{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, op }}})
		var resp Response
		c.Do(&Request{Method: "GET", URL: "http://a.example./", Connect: time.Minute, Timeout: time.Minute}, &resp)
		text := resp.Err.Error()
		if resp.Class != policy.ClassDNS || strings.Contains(text, "10.11.12") || !strings.Contains(text, "the name server: connection refused") {
			t.Errorf("%s %v", resp.Class, resp.Err)
		}
		c.Close()
	}
}
