package egress

import (
	"net/netip"
	"strings"
)

// knownName is what a name stands for wherever it is resolved. It is refused before it is, unless one of its addresses is
// allowed: the webhook's sender hears of it at once, and it does not depend on who answers.
type knownName struct {
	what  string
	at    []netip.Addr
	allow string // the network to allow
}

var (
	thisMachine = knownName{
		"names this machine", []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, "127.0.0.0/8",
	}
	metadataService = knownName{
		"names the service where clouds keep instance metadata", []netip.Addr{netip.AddrFrom4([4]byte{169, 254, 169, 254})}, "169.254.169.254/32",
	}
)

// knownNames are, beside localhost: what systems write into their hosts file for the loopback addresses, and the names
// that clouds document for the metadata service: Google (metadata.google.internal, metadata.goog), Amazon
// (instance-data.ec2.internal), Tencent (metadata.tencentyun.com).
var knownNames = map[string]*knownName{
	"localhost.localdomain":      &thisMachine,
	"localhost4":                 &thisMachine,
	"localhost4.localdomain4":    &thisMachine,
	"localhost6":                 &thisMachine,
	"localhost6.localdomain6":    &thisMachine,
	"ip6-localhost":              &thisMachine,
	"ip6-loopback":               &thisMachine,
	"metadata":                   &metadataService,
	"metadata.google.internal":   &metadataService,
	"metadata.goog":              &metadataService,
	"instance-data":              &metadataService,
	"instance-data.ec2.internal": &metadataService,
	"metadata.tencentyun.com":    &metadataService,
}

// knownName returns what a name stands for; nil: that only its resolution tells.
func (h host) knownName() *knownName {
	if h.isLocalhost() {
		return &thisMachine
	}
	return knownNames[strings.TrimSuffix(h.name, ".")]
}

// isLocalhost reports whether a name is localhost, or below it.
func (h host) isLocalhost() bool {
	name := strings.TrimSuffix(h.name, ".")
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
