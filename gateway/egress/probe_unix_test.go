//go:build unix

package egress

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestConnectionsClosedByTheServerAreNotTrustedWithARequest(t *testing.T) {
	s := serve(t, func(cn net.Conn, _ []byte) string {
		cn.Close() // behind the answer, which does not say so
		return ok
	})
	c := local(t, Settings{})
	for i := range 5 {
		if resp := do(c, Request{Method: "POST", URL: s.url}); resp.Err != nil || resp.Reused {
			t.Errorf("request %d: reused %t, %v", i, resp.Reused, resp.Err)
		}
		for cn := range c.live { // the one
			awaitEnd(t, cn.Conn.(*net.TCPConn))
		}
	}
}

// awaitEnd waits until something can be read of a connection: its end.
func awaitEnd(t *testing.T, cn *net.TCPConn) {
	raw, err := cn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for n := 0; n < 1; n, _ = unix.Poll(fds, 1000) { // a signal interrupts it
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
