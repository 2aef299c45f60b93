package egress

import "net/netip"

// special is a block of addresses that is not called unless its network is allowed.
type special struct {
	net  netip.Prefix
	what string
}

func block(prefix, what string) special { return special{netip.MustParsePrefix(prefix), what} }

// special4 is the IANA IPv4 Special-Purpose Address Registry (RFC 6890), whole, globally reachable entries included,
// and what is missing there: multicast, and the address under which Azure's hosts answer their guests.
// https://www.iana.org/assignments/iana-ipv4-special-registry
var special4 = []special{
	block("0.0.0.0/8", `"this network" (RFC 791)`),
	block("10.0.0.0/8", "private use (RFC 1918)"),
	block("100.64.0.0/10", "shared address space (RFC 6598)"),
	block("127.0.0.0/8", "loopback (RFC 1122)"),
	block("168.63.129.16/32", "Azure's platform address"),
	block("169.254.0.0/16", "link-local, where clouds keep instance metadata (RFC 3927)"),
	block("172.16.0.0/12", "private use (RFC 1918)"),
	block("192.0.0.0/24", "IETF protocol assignments (RFC 6890)"),
	block("192.0.2.0/24", "documentation (RFC 5737)"),
	block("192.31.196.0/24", "AS112 (RFC 7535)"),
	block("192.52.193.0/24", "AMT (RFC 7450)"),
	block("192.88.99.0/24", "deprecated 6to4 relays (RFC 7526)"),
	block("192.168.0.0/16", "private use (RFC 1918)"),
	block("192.175.48.0/24", "AS112 (RFC 7534)"),
	block("198.18.0.0/15", "benchmarking (RFC 2544)"),
	block("198.51.100.0/24", "documentation (RFC 5737)"),
	block("203.0.113.0/24", "documentation (RFC 5737)"),
	block("224.0.0.0/4", "multicast (RFC 1112)"),
	block("255.255.255.255/32", "limited broadcast (RFC 919)"),
	block("240.0.0.0/4", "reserved (RFC 1112)"),
}

// global6 is all of IPv6 that is handed out for global unicast (RFC 4291 section 2.4, IANA's address space registry).
var global6 = netip.MustParsePrefix("2000::/3")

// special6 are the blocks within global6 that are not hosts on the Internet, from the IANA IPv6 Special-Purpose Address
// Registry. https://www.iana.org/assignments/iana-ipv6-special-registry
var special6 = []special{
	block("2001::/23", "IETF protocol assignments, Teredo among them (RFC 2928)"),
	block("2001:db8::/32", "documentation (RFC 3849)"),
	block("2002::/16", "6to4, which carries an IPv4 address (RFC 3056)"),
	block("2620:4f:8000::/48", "AS112 (RFC 7534)"),
	block("3fff::/20", "documentation (RFC 9637)"),
}

// beyond6 names blocks outside global6, so that a refusal can say what the address is.
var beyond6 = []special{
	block("::/128", "the unspecified address (RFC 4291)"),
	block("::1/128", "loopback (RFC 4291)"),
	block("::/96", "IPv4-compatible, deprecated (RFC 4291)"),
	block("64:ff9b::/96", "NAT64, which carries an IPv4 address (RFC 6052)"),
	block("64:ff9b:1::/48", "local-use NAT64 (RFC 8215)"),
	block("100::/64", "discard-only (RFC 6666)"),
	block("fc00::/7", "unique local, the private use of IPv6 (RFC 4193)"),
	block("fe80::/10", "link-local (RFC 4291)"),
	block("fec0::/10", "site-local, deprecated (RFC 3879)"),
	block("ff00::/8", "multicast (RFC 4291)"),
}

// Prefixes whose addresses carry an IPv4 address that traffic ends up at.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48")  // with the translator's prefix of 96 bits, which is usual (RFC 8215)
	translated = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765 section 2.1
	sixToFour  = netip.MustParsePrefix("2002::/16")
	compatible = netip.MustParsePrefix("::/96")
)

// embedded4 returns the IPv4 address that an IPv6 address carries, if it is of a form that does.
func embedded4(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	switch {
	case !addr.Is6():
		return netip.Addr{}, false
	case nat64.Contains(addr), localNAT64.Contains(addr), translated.Contains(addr), compatible.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

// specialUse says what an address is when it is not an ordinary host of the Internet, else "". The address is unmapped
// and has no zone.
func specialUse(addr netip.Addr) string {
	table := special4
	if addr.Is6() {
		if table = special6; !global6.Contains(addr) {
			table = beyond6
		}
	}
	for i := range table {
		if table[i].net.Contains(addr) {
			return table[i].what
		}
	}
	if addr.Is6() && !global6.Contains(addr) {
		return "outside 2000::/3, the global unicast space (RFC 4291)"
	}
	return ""
}
