//go:build unix

package egress

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// probe looks at a kept connection without reading from it.
type probe struct {
	raw      syscall.RawConn
	look     func(fd uintptr) // made once, so that looking allocates nothing
	readable bool             // what look saw: data, an end, or an error
}

// aim makes the probe look at a connection. One that has no descriptor, as those in memory, cannot be looked at.
func (p *probe) aim(cn net.Conn) {
	sc, ok := cn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	p.raw = raw
	p.look = func(fd uintptr) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0) //nolint:gosec // descriptors are small
		p.readable = n > 0 && err == nil
	}
}

// stale reports whether a connection on which nothing is expected was closed or has something to be read.
func (p *probe) stale() bool {
	if p.raw == nil {
		return false
	}
	err := p.raw.Control(p.look)
	return err != nil || p.readable
}
