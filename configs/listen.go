package configs

import (
	"net"
	"net/netip"
	"strconv"
)

// Default addresses: loopback, because nobody is asked who they are until tokens are configured.
const (
	DefaultListen = "127.0.0.1:8480"
	DefaultAdmin  = "127.0.0.1:8481"
)

func (c *Config) checkAddresses(k *checker) {
	checkLoopback(k, "listen", c.Listen, DefaultListen,
		"is reachable from other machines, and no token says who may send")
	checkLoopback(k, "admin", c.Admin, DefaultAdmin,
		"is reachable from other machines, and metrics and profiles ask nobody who they are")
	if k.sound("listen", "admin") && c.Listen == c.Admin && !takesFreePort(c.Admin) {
		k.fail("admin", c.Admin, "is the front door's address too", "another port than listen has")
	}
}

// checkLoopback checks a host:port that only this machine may reach; problem is what to say when others can.
func checkLoopback(k *checker, path, address, fallback, problem string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		k.fail(path, address, "is not host:port", "an address such as "+fallback)
		return
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		k.fail(path, address, "has no valid port", "a port from 1 to 65535, or 0 for a free one")
		return
	}
	if host == "localhost" {
		return
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host != "" && err != nil:
		k.fail(path, address, "has a name where an address belongs", "a loopback address such as "+fallback)
	case host == "" || !ip.Unmap().IsLoopback():
		k.fail(path, address, problem, "a loopback address such as "+fallback)
	}
}

func takesFreePort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	return err == nil && port == "0"
}
