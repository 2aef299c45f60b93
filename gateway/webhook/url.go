package webhook

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Target is where a URL points.
type Target struct {
	// Host is the authority as lanes have it (record.Lane): in lower case, without a final dot, the port left out
	// only for https on 443, IPv6 literals in brackets and in the canonical form of RFC 5952, those that map an IPv4
	// address as that one.
	Host   string
	Scheme string // http or https
	Name   string // the host alone, without brackets and port
	Port   uint16 // 80 or 443 when the URL names none
	Path   string // as written, without the query; empty when the URL has none
}

const wantURL = "an absolute URL such as https://api.example.com/hook"

// Locate reads a webhook's URL (RFC 3986, as RFC 9110 section 4.2 narrows it). It is stricter than what browsers read,
// because two parsers that disagree about where a URL points are a hole: no user information, no fragment, ASCII only
// behind the host, and no host of numbers that is not a plain IPv4 address. A host beyond ASCII is known by its ASCII
// form (RFC 5891).
func Locate(raw string) (Target, error) {
	t, fault := locate(raw)
	if fault != nil {
		return Target{}, fault
	}
	return t, nil
}

func locate(raw string) (t Target, fault *complaint) {
	if len(raw) > MaxURL {
		return t, &complaint{fmt.Sprintf("%d bytes are too many", len(raw)), fmt.Sprintf("at most %d bytes", MaxURL)}
	}
	if fault := checkBytes(raw); fault != nil {
		return t, fault
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return t, &complaint{"is not an absolute URL", wantURL}
	}
	https := strings.EqualFold(scheme, "https")
	if !https && !strings.EqualFold(scheme, "http") {
		return t, &complaint{fmt.Sprintf("scheme %q cannot be called", Shorten(scheme)), "http or https"}
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority := rest[:end]
	if !isASCII(rest[end:]) {
		return t, &complaint{"holds a character that is not ASCII behind the host", "it percent-encoded, as in %C3%A9"}
	}
	t.Path, _, _ = strings.Cut(rest[end:], "?")
	if strings.IndexByte(authority, '@') >= 0 {
		return t, &complaint{"has user information before the host", "credentials in an Authorization header"}
	}
	t.Port, t.Scheme = 80, "http"
	if https {
		t.Port, t.Scheme = 443, "https"
	}
	if fault := t.authority(authority); fault != nil {
		return t, fault
	}
	t.Host = t.Name
	if strings.IndexByte(t.Name, ':') >= 0 {
		t.Host = "[" + t.Name + "]"
	}
	if !https || t.Port != 443 {
		t.Host += ":" + strconv.Itoa(int(t.Port))
	}
	return t, nil
}

func checkBytes(raw string) *complaint {
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == ' ':
			return &complaint{"holds a space", "spaces written as %20"}
		case c < ' ' || c == 0x7f:
			return &complaint{"holds a control character", "only printable characters"}
		case c == '#':
			return &complaint{"has a fragment, which is never sent", "the URL without #, or # written as %23"}
		case c == '%' && (i+2 >= len(raw) || !isHex(raw[i+1]) || !isHex(raw[i+2])):
			return &complaint{"has a % that no two hex digits follow", "% itself written as %25"}
		}
	}
	return nil
}

// authority reads host and port.
func (t *Target) authority(s string) *complaint {
	name, port, hasPort := s, "", false
	if strings.HasPrefix(s, "[") {
		closing := strings.IndexByte(s, ']')
		if closing < 0 {
			return &complaint{"has an IPv6 address without its closing bracket", "as in http://[2001:db8::1]:8080/"}
		}
		name = s[:closing+1]
		switch rest := s[closing+1:]; {
		case rest == "":
		case rest[0] == ':':
			port, hasPort = rest[1:], true
		default:
			return &complaint{"has something between ] and the port", "as in http://[2001:db8::1]:8080/"}
		}
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 {
		name, port, hasPort = s[:i], s[i+1:], true
	}
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || port[0] == '+' {
			return &complaint{fmt.Sprintf("port %q is none", Shorten(port)), "a port from 1 to 65535"}
		}
		t.Port = uint16(n)
	}
	var fault *complaint
	t.Name, fault = hostName(name)
	return fault
}

func hostName(name string) (string, *complaint) {
	if strings.HasPrefix(name, "[") {
		addr, err := netip.ParseAddr(name[1 : len(name)-1])
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return "", &complaint{fmt.Sprintf("%s is no IPv6 address", Shorten(name)), "as in [2001:db8::1], without a zone"}
		}
		return addr.Unmap().String(), nil
	}
	if !isASCII(name) {
		ascii, err := idna.Lookup.ToASCII(name)
		if err != nil {
			return "", &complaint{fmt.Sprintf("%q is no host name", Shorten(name)), "a name that has an ASCII form (RFC 5891)"}
		}
		name = ascii // it is judged in this form: it may even be an address, written in other digits
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "" {
		return "", &complaint{"has no host", wantURL}
	}
	if len(name) > 253 { // RFC 1035 section 2.3.4, as text
		return "", &complaint{fmt.Sprintf("a host name of %d bytes is too long", len(name)), "at most 253"}
	}
	label := ""
	for rest, more := name, true; more; {
		label, rest, more = strings.Cut(rest, ".")
		if label == "" || len(label) > 63 || strings.Trim(label, labelBytes) != "" {
			return "", &complaint{
				fmt.Sprintf("%q is no host name", Shorten(name)),
				"labels of 1 to 63 letters, digits, - and _, with dots between them",
			}
		}
	}
	// The last label tells an address from a name (WHATWG URL, "ends in a number"). Short, octal, hexadecimal and
	// decimal forms, which C libraries read as addresses, are refused.
	if !isNumber(label) {
		return name, nil
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return "", &complaint{fmt.Sprintf("%q is no IPv4 address", Shorten(name)), "four decimal numbers, as in 192.0.2.1"}
	}
	return addr.String(), nil
}

const labelBytes = "abcdefghijklmnopqrstuvwxyz0123456789-_"

func isNumber(label string) bool {
	if hex, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// url reads where the webhook goes.
func (r *reading) url(w *record.Webhook) Target {
	raw := r.raw[fieldURL]
	if raw == nil {
		r.faults.add(Fault{Path: fieldURL.path(), Problem: "is missing", Want: wantURL})
		return Target{}
	}
	if raw.Kind() != '"' {
		r.wrongKind(fieldURL.path(), raw, wantURL)
		return Target{}
	}
	w.URL = unquote(raw)
	t, fault := locate(w.URL)
	if fault == nil {
		if problem, want := r.defaults.Policies.Refuses(w.Policy, t.Scheme, t.Port); problem != "" {
			fault = &complaint{problem, want}
		}
	}
	if fault == nil && r.defaults.Destination != nil {
		if err := r.defaults.Destination(t.Name, t.Port); err != nil {
			fault = &complaint{err.Error(), "a destination that may be called"}
		}
	}
	if fault != nil {
		r.faults.add(Fault{
			Path: fieldURL.path(), Value: Shorten(MaskURL(w.URL)), Problem: fault.problem, Want: fault.want,
		})
		return Target{}
	}
	w.Host = t.Host
	return t
}
