package front_test

import (
	"io"
	"net"
	"testing"

	"github.com/sluice-gateway/sluice/gateway/front"
)

// callers is a listener of connections that say where they are from.
type callers struct {
	conns chan net.Conn
}

func (c callers) Accept() (net.Conn, error) {
	if conn, ok := <-c.conns; ok {
		return conn, nil
	}
	return nil, io.EOF
}
func (callers) Close() error   { return nil }
func (callers) Addr() net.Addr { return &net.TCPAddr{} }

type caller struct {
	net.Conn
	from   string
	closed bool
}

func (c *caller) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(c.from), Port: 1} }
func (c *caller) Close() error         { c.closed = true; return nil }

func TestConnectionsOfAnAddressAreBoundedAndThoseOfOthersAreNot(t *testing.T) {
	in := callers{make(chan net.Conn, 16)}
	ln := front.BoundPerAddress(in, 2)
	comes := func(from string) net.Conn { // nil: it was closed
		t.Helper()
		one, marker := &caller{from: from}, &caller{from: "127.0.0.1"}
		in.conns <- one
		in.conns <- marker // never bounded
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if one.closed {
			return nil
		}
		if _, err := ln.Accept(); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	first := comes("192.0.2.1")
	if first == nil || comes("192.0.2.1") == nil || comes("::ffff:192.0.2.1") != nil {
		t.Fatal("of three connections of one address not exactly two came in")
	}
	if comes("192.0.2.2") == nil || comes("2001:db8:0:1::1") == nil {
		t.Error("another address is kept out")
	}
	if comes("2001:db8:0:1:ffff::2") == nil || comes("2001:db8:0:1::3") != nil || comes("2001:db8:0:2::1") == nil {
		t.Error("an address of IPv6 is not its /64")
	}
	_ = first.Close()
	_ = first.Close() // servers may do so twice
	if comes("192.0.2.1") == nil || comes("192.0.2.1") != nil {
		t.Error("a closed connection makes room for other than one")
	}
	for range 10 {
		if comes("::1") == nil {
			t.Error("loopback is bounded")
		}
	}
}
