package configs

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Egress bounds what is sent out and where it may go. Without it, addresses that are not on the public Internet are
// refused, and so are Sluice's own.
type Egress struct {
	// MaxInFlight bounds the calls under way at once, to all destinations together.
	MaxInFlight int `yaml:"max_in_flight"`
	// AllowNets are networks that may be called though they are private, on any port.
	AllowNets []Net `yaml:"allow_nets"`
	// DenyNets are networks that are never called; they go before AllowNets.
	DenyNets []Net `yaml:"deny_nets"`
	// AllowHosts, when not empty, are the only hosts that may be called: api.example.com, *.example.com. Their addresses
	// are checked all the same: unlike AllowNets it opens nothing, it closes all the rest.
	AllowHosts []string `yaml:"allow_hosts"`
	// DenyHosts are hosts that are never called; they go before everything that allows.
	DenyHosts []string `yaml:"deny_hosts"`
	// Ports are the TCP ports that may be called outside AllowNets.
	Ports []int `yaml:"ports"`
	// Hosts say how some hosts are reached.
	Hosts []Way `yaml:"hosts"`
}

const (
	// DefaultMaxInFlight is what fits the memory of a small server: calls under way cost some 50 KiB each.
	DefaultMaxInFlight = 10_000

	maxMaxInFlight = 60_000 // one source address has fewer ports than that for one destination
)

// DefaultPorts returns those of http and https (RFC 9110, sections 4.2.1 and 4.2.2): a webhook to another port is
// more often a probe of someone's network than a webhook.
func DefaultPorts() []int { return []int{80, 443} }

func defaultEgress() Egress {
	return Egress{
		MaxInFlight: DefaultMaxInFlight, AllowNets: []Net{}, DenyNets: []Net{}, AllowHosts: []string{}, DenyHosts: []string{},
		Ports: DefaultPorts(), Hosts: []Way{},
	}
}

func (e *Egress) check(k *checker) {
	within(k, "egress.max_in_flight", e.MaxInFlight, 1, maxMaxInFlight)
	for i, deny := range e.DenyNets {
		checkNet(k, fmt.Sprintf("egress.deny_nets[%d]", i), deny, e.DenyNets[:i])
	}
	for i, allow := range e.AllowNets {
		path := fmt.Sprintf("egress.allow_nets[%d]", i)
		checkNet(k, path, allow, e.AllowNets[:i])
		for _, deny := range e.DenyNets {
			if k.sound(path) && deny.covers(allow) {
				k.fail(path, allow, "is denied as a whole by "+deny.String()+" in deny_nets, which go first",
					"a network outside deny_nets")
			}
		}
	}
	checkHosts(k, "egress.deny_hosts", e.DenyHosts)
	checkHosts(k, "egress.allow_hosts", e.AllowHosts)
	checkWays(k, e.Hosts)
	if len(e.Ports) == 0 {
		k.fail("egress.ports", "[]", "lets nothing out", "at least one port, such as 443")
	}
	for i, port := range e.Ports {
		path := fmt.Sprintf("egress.ports[%d]", i)
		within(k, path, port, 1, 65535)
		if slices.Contains(e.Ports[:i], port) {
			k.fail(path, port, "is listed twice", "each port once")
		}
	}
}

func checkNet(k *checker, path string, n Net, before []Net) {
	switch {
	case !n.IsValid():
		if k.sound(path) {
			k.fail(path, `""`, "is not a network", wantNet)
		}
	case slices.Contains(before, n):
		k.fail(path, n, "is listed twice", "each network once")
	}
}

// Net is a network in YAML: CIDR (`10.0.0.0/8`, `fd00::/8`) or one address. The zero value is no network.
type Net struct{ netip.Prefix }

const wantNet = "a network such as 10.0.0.0/8 or fd00::/8, or one address"

// UnmarshalText reads a network; YAML, JSON and command-line flags read by it. Bits beyond the prefix are refused,
// because whoever writes 10.1.2.3/8 may have meant either.
func (n *Net) UnmarshalText(text []byte) error {
	s := string(text)
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" || addr.Is4In6() {
			return &valueError{"is not a network", wantNet}
		}
		n.Prefix = netip.PrefixFrom(addr, addr.BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(s)
	switch {
	case err != nil || prefix.Addr().Is4In6():
		return &valueError{"is not a network", wantNet}
	case prefix != prefix.Masked():
		return &valueError{
			fmt.Sprintf("has bits beyond its /%d", prefix.Bits()),
			prefix.Masked().String() + ", or the address alone",
		}
	}
	n.Prefix = prefix
	return nil
}

// covers reports whether o lies wholly within n.
func (n Net) covers(o Net) bool {
	return n.IsValid() && o.IsValid() && n.Bits() <= o.Bits() && n.Contains(o.Addr())
}

// Prefixes returns the networks as netip has them.
func Prefixes(nets []Net) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(nets))
	for i, n := range nets {
		prefixes[i] = n.Prefix
	}
	return prefixes
}
