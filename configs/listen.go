package configs

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
)

// Default addresses: loopback, because nobody is asked who they are until tokens are configured.
const (
	DefaultListen = "127.0.0.1:8480"
	DefaultAdmin  = "127.0.0.1:8481"
)

func (c *Config) checkAddresses(k *checker) {
	tokens := len(c.Tokens) > 0
	checkAddress(k, "listen", c.Listen, DefaultListen, tokens,
		"is reachable from other machines, and no token says who may send", "a loopback address such as "+DefaultListen+", or tokens")
	checkAddress(k, "admin", c.Admin, DefaultAdmin, slices.ContainsFunc(c.Tokens, func(t Token) bool { return t.administers() }),
		"is reachable from other machines, and no token says who may see metrics and profiles",
		"a loopback address such as "+DefaultAdmin+", or a token with the scope admin and no tenant")
	if k.sound("listen", "admin") && c.Listen == c.Admin && !takesFreePort(c.Admin) {
		k.fail("admin", c.Admin, "is the front door's address too", "another port than listen has")
	}
}

// checkNames checks the names of listeners on loopback, which are compared with Host as they stand.
func (c *Config) checkNames(k *checker) {
	for i, name := range c.Names {
		path := fmt.Sprintf("names[%d]", i)
		p, fault := parsePattern(name)
		switch {
		case fault != nil:
			k.fail(path, name, fault.problem, "a name such as sluice.internal")
		case p.suffix || p.port != "" || p.name != name:
			k.fail(path, name, "is not compared with Host as it stands", "one name in lower case, without port and final dot, such as sluice.internal")
		}
	}
}

// checkAddress checks a host:port, which only this machine may reach unless it is guarded; problem and want are what to say
// when others can.
func checkAddress(k *checker, path, address, fallback string, guarded bool, problem, want string) {
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
		k.fail(path, address, "has a name where an address belongs", "an address such as "+fallback)
	case !guarded && (host == "" || !ip.Unmap().IsLoopback()):
		k.fail(path, address, problem, want)
	}
}

func takesFreePort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	return err == nil && port == "0"
}
