package egress

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// host is the host of a URL: a name or an address.
type host struct {
	name string     // ASCII, lower case, a trailing dot kept; of an address its usual form
	addr netip.Addr // unmapped; the zero Addr: a name
}

// destination is what a URL's scheme and authority say.
type destination struct {
	https     bool
	host      host
	port      uint16
	authority string // for the Host field: as written, in ASCII, an empty port dropped
}

// address is what is dialled. Every name of localhost is, whatever a name server would say of it (RFC 6761 section 6.3).
func (d *destination) address() string {
	name := d.host.name
	if d.host.isLocalhost() {
		name = "localhost"
	}
	return net.JoinHostPort(name, strconv.Itoa(int(d.port)))
}

// splitURL splits an absolute URL behind its authority (RFC 3986 section 3.2): key is its beginning, target the rest
// without the fragment, both byte for byte.
func splitURL(url string) (key, target string, err error) {
	i := strings.Index(url, "://")
	if i < 0 {
		return "", "", fmt.Errorf("%w: a URL without scheme: want http://… or https://…", ErrAddress)
	}
	end := i + 3
	if n := strings.IndexAny(url[end:], "/?#"); n >= 0 {
		end += n
	} else {
		end = len(url)
	}
	target, _, _ = strings.Cut(url[end:], "#")
	return url[:end], target, nil
}

// parseDestination reads scheme and authority.
func parseDestination(key string) (destination, error) {
	var d destination
	scheme, authority, _ := strings.Cut(key, "://")
	switch {
	case strings.EqualFold(scheme, "http"):
		d.port = 80
	case strings.EqualFold(scheme, "https"):
		d.https, d.port = true, 443
	default:
		return d, fmt.Errorf("%w: scheme %q: want http or https", ErrAddress, scheme)
	}
	if strings.Contains(authority, "@") {
		return d, fmt.Errorf("%w: user information in the URL: want an Authorization header instead", ErrAddress)
	}
	name, port := authority, ""
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		name, port = authority[:i], authority[i+1:]
	}
	if strings.Contains(name, ":") && !strings.HasPrefix(name, "[") {
		return d, fmt.Errorf("%w: host %q: want an IPv6 address in brackets, as in [2001:db8::1]", ErrAddress, name)
	}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return d, fmt.Errorf("%w: port %q: want 1 to 65535", ErrAddress, port)
		}
		d.port = uint16(n)
	}
	var err error
	if d.host, err = parseHost(name); err != nil {
		return d, err
	}
	d.authority = name
	if !isASCII(name) {
		d.authority = d.host.name
	}
	if port != "" {
		d.authority += ":" + port
	}
	return d, nil
}

// maxName is the longest host name in its text form, without the trailing dot (RFC 1035 section 2.3.4).
const maxName = 253

// parseHost reads the host of a URL. IPv4 addresses have exactly one form, four decimal numbers: the shorter, octal and
// hexadecimal forms that inet_aton takes (127.1, 017700000001, 0x7f.1) are refused rather than guessed at, because what
// they mean depends on who reads them. So is what only becomes an address when decoded (%31%32%37.0.0.1). Names beyond
// ASCII are put in their ASCII form first (RFC 5891), and that form is judged.
func parseHost(s string) (host, error) {
	bad := func(want string) (host, error) {
		return host{}, fmt.Errorf("%w: host %.300q: %s", ErrAddress, s, want)
	}
	name := s
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if name, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(name, ":") {
			return bad("want an IPv6 address between brackets")
		}
	}
	if strings.Contains(name, ":") {
		addr, err := netip.ParseAddr(name)
		if err != nil || addr.Zone() != "" {
			return bad("want an IPv6 address, without a zone")
		}
		return host{addr.Unmap().String(), addr.Unmap()}, nil
	}
	if !isASCII(name) {
		var err error
		if name, err = idna.Lookup.ToASCII(name); err != nil || !utf8.ValidString(s) {
			return bad("want a name that has an ASCII form (RFC 5891)")
		}
	}
	name = strings.ToLower(name)
	bare := strings.TrimSuffix(name, ".")
	if endsInNumber(bare) {
		addr, err := netip.ParseAddr(bare)
		if err != nil || !addr.Is4() {
			return bad("want an IPv4 address as four decimal numbers, as in 192.0.2.1")
		}
		return host{bare, addr}, nil
	}
	if len(bare) > maxName {
		return bad("want at most 253 characters")
	}
	for label := range strings.SplitSeq(bare, ".") {
		if len(label) == 0 || len(label) > 63 || strings.ContainsFunc(label, notInLabel) {
			return bad("want labels of 1 to 63 letters, digits, - and _ with dots between them")
		}
	}
	return host{name: name}, nil
}

// endsInNumber reports whether the last label is a number in one of inet_aton's notations, so that some resolver takes
// the whole for an address. No top-level domain is (RFC 3696 section 2).
func endsInNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// notInLabel: the underscore is in no host name by RFC 1123, and in many that are resolved every day.
func notInLabel(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
