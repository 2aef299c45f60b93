package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Errors of the guard, wrapped with what was refused, by which rule, and what to set.
var (
	ErrBlocked = errors.New("destination not allowed")
	// ErrAddress is of what is no destination at all: no URL, no host name, no address in its usual form.
	ErrAddress = errors.New("not a destination")
)

// DefaultPorts are the ports that may be called on addresses that AllowNets does not contain.
var DefaultPorts = []uint16{80, 443}

// Guard says which destinations may be called. The zero value allows public addresses on DefaultPorts. It is not
// changed once in use, so that many may ask it at once.
//
// A host, as a URL names it, is refused when DenyHosts has it, or when AllowHosts is set and has it not; whatever else
// is set, its addresses are judged too.
//
// An address and port are judged by the first of these rules that applies:
//
//  1. Own: refused;
//  2. DenyNets contains it, or the IPv4 address that it carries: refused;
//  3. AllowNets contains it: allowed, on any port, though it be private; but a NAT64 address only if the IPv4 address
//     that it carries would be allowed too;
//  4. a port that is not of Ports: refused;
//  5. special-purpose addresses (special.go): refused;
//  6. allowed.
//
// IPv4 addresses mapped into IPv6 are judged as what they are, zones are ignored.
type Guard struct {
	AllowNets []netip.Prefix
	DenyNets  []netip.Prefix
	// AllowHosts and DenyHosts answer for an authority in lower case, without final dot, the port left out when it is
	// 443 (record.Lane's form). AllowHosts only ever narrows. Nil: no such rule.
	AllowHosts, DenyHosts func(host string) bool
	Ports                 []uint16 // nil: DefaultPorts
	// Own are the gateway's own listeners, so that a webhook cannot reach its admin side or make it call itself. An
	// unspecified address stands for all addresses of this machine.
	Own []netip.AddrPort
}

// CheckHost judges a host as written in a URL, with or without the brackets of IPv6, as far as it can be without
// resolving names: an address is judged as CheckAddr does, a name is judged again when it is dialled. Its errors wrap
// ErrAddress or ErrBlocked.
func (g *Guard) CheckHost(host string, port uint16) error {
	h, err := parseHost(host)
	if err != nil {
		return err
	}
	return g.check(h, port)
}

func (g *Guard) check(h host, port uint16) error {
	if err := g.checkName(h, port); err != nil {
		return err
	}
	if h.addr.IsValid() {
		return g.CheckAddr(netip.AddrPortFrom(h.addr, port))
	}
	if known := h.knownName(); known != nil && !slices.ContainsFunc(known.at, func(a netip.Addr) bool { return contains(g.AllowNets, a) }) {
		return refuse(h.name, known.what, known.allow)
	}
	// With networks allowed on any port, only the address can tell.
	if !g.portListed(port) && len(g.AllowNets) == 0 {
		return g.refusePort(h.name, port)
	}
	return nil
}

// checkName judges a host by the lists of hosts.
func (g *Guard) checkName(h host, port uint16) error {
	if g.AllowHosts == nil && g.DenyHosts == nil {
		return nil
	}
	name := h.authority(port)
	if g.DenyHosts != nil && g.DenyHosts(name) {
		return fmt.Errorf("%w: %s: it is denied by egress.deny_hosts", ErrBlocked, name)
	}
	if g.AllowHosts != nil && !g.AllowHosts(name) {
		return fmt.Errorf("%w: %s: want one of egress.allow_hosts, or put it there", ErrBlocked, name)
	}
	return nil
}

// CheckAddr judges an address as it is about to be dialled. Its errors wrap ErrBlocked.
func (g *Guard) CheckAddr(at netip.AddrPort) error {
	addr := at.Addr().Unmap().WithZone("")
	at = netip.AddrPortFrom(addr, at.Port())
	if !addr.IsValid() || at.Port() == 0 {
		return fmt.Errorf("%w: %s: want an address and a port from 1 to 65535", ErrBlocked, at)
	}
	if g.isOwn(at) {
		return fmt.Errorf("%w: %s: it is a listener of this gateway", ErrBlocked, at)
	}
	inner, carries := embedded4(addr)
	if contains(g.DenyNets, addr) || carries && contains(g.DenyNets, inner) {
		return fmt.Errorf("%w: %s: its network is denied by egress.deny_nets", ErrBlocked, at)
	}
	if contains(g.AllowNets, addr) {
		if nat64.Contains(addr) || localNAT64.Contains(addr) {
			return g.CheckAddr(netip.AddrPortFrom(inner, at.Port()))
		}
		return nil
	}
	if !g.portListed(at.Port()) {
		return g.refusePort(addr.String(), at.Port())
	}
	if what := specialUse(addr); what != "" {
		return refuse(addr.String(), what, netip.PrefixFrom(addr, addr.BitLen()).String())
	}
	return nil
}

func refuse(what, rule, allow string) error {
	return fmt.Errorf("%w: %s: %s; to call it all the same, allow its network: --allow-net %s, or egress.allow_nets",
		ErrBlocked, what, rule, allow)
}

func (g *Guard) refusePort(what string, port uint16) error {
	return fmt.Errorf("%w: port %d of %s: want one of egress.ports, %d, or a network of --allow-net or egress.allow_nets",
		ErrBlocked, port, what, g.ports())
}

func (g *Guard) ports() []uint16 {
	if g.Ports == nil {
		return DefaultPorts
	}
	return g.Ports
}

func (g *Guard) portListed(port uint16) bool { return slices.Contains(g.ports(), port) }

// contains reports whether one of the networks has an unmapped address; networks may be written as IPv4 mapped into
// IPv6.
func contains(nets []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(nets, func(p netip.Prefix) bool {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p.Contains(addr)
	})
}

// isOwn reports whether dialling an unmapped address would reach one of Own. The unspecified address, when dialled, is
// this machine too.
func (g *Guard) isOwn(at netip.AddrPort) bool {
	for _, own := range g.Own {
		if own.Port() != at.Port() {
			continue
		}
		addr := own.Addr().Unmap().WithZone("")
		if addr == at.Addr() || at.Addr().IsUnspecified() || addr.IsUnspecified() && ofThisMachine(at.Addr()) {
			return true
		}
	}
	return false
}

// ofThisMachine reports whether an interface has the address. Where interfaces cannot be listed every address counts:
// only ports of our own listeners are asked for.
func ofThisMachine(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		if !ok {
			return false
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		return ok && ip.Unmap() == addr
	})
}

// authority is the host as lists of hosts have it.
func (h host) authority(port uint16) string {
	name := strings.TrimSuffix(h.name, ".")
	if h.addr.Is6() {
		name = "[" + name + "]"
	}
	if port == 443 {
		return name
	}
	return name + ":" + strconv.Itoa(int(port))
}
