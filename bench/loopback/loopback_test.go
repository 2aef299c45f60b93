package loopback

import (
	"net"
	"testing"
)

func TestNoAddressIsGivenTwice(t *testing.T) {
	seen := map[string]bool{}
	for range 2000 {
		addr, err := FreeAddr()
		if err != nil {
			t.Fatal(err)
		}
		if seen[addr] {
			t.Fatalf("%s was given twice", addr)
		}
		seen[addr] = true
	}
	for addr := range seen {
		if first(addr) {
			t.Fatalf("%s would be given again", addr)
		}
	}
}

func TestAProgramCanListenOnAnAddressThatWasGiven(t *testing.T) {
	addr, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
