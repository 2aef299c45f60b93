// Package loopback finds addresses for programs that are told where to listen when they are started.
package loopback

import (
	"net"
	"sync"
)

var (
	mu    sync.Mutex
	given = map[string]bool{}
)

// FreeAddr returns host:port of 127.0.0.1 where nobody listens, and never the same one twice in a process: the kernel would
// give a port again before the program that it is for has taken it. An error is the system's.
func FreeAddr() (string, error) {
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		addr := l.Addr().String()
		if err := l.Close(); err != nil {
			return "", err
		}
		if first(addr) {
			return addr, nil
		}
	}
}

// first reports whether addr was not given to anybody yet, and notes that it is now.
func first(addr string) bool {
	mu.Lock()
	defer mu.Unlock()
	was := given[addr]
	given[addr] = true
	return !was
}
