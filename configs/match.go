package configs

import (
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// pattern is a Host.Match in canonical form.
type pattern struct {
	name   string // lower case, ASCII, no trailing dot; an IPv6 address in brackets
	port   string // empty: any
	suffix bool   // hosts below name, not name itself
}

const wantPattern = "a host such as api.example.com, or *.example.com for all below it"

// parsePattern reads a Match. Names are compared in the ASCII form of IDNA (RFC 5890), as lanes have them.
func parsePattern(match string) (pattern, *valueError) {
	var p pattern
	name := match
	switch {
	case strings.ContainsAny(match, "/@?#"):
		return p, &valueError{"is more than a host", wantPattern + ", without scheme, user and path"}
	case strings.HasPrefix(match, "*."):
		name, p.suffix = match[2:], true
	case strings.HasPrefix(match, "."):
		name, p.suffix = match[1:], true
	}
	name, p.port = splitPort(name)
	if n, err := strconv.ParseUint(p.port, 10, 16); p.port != "" && (err != nil || n == 0 || p.port[0] == '0') {
		return p, &valueError{"has no valid port", "a port from 1 to 65535, or none"}
	}
	if p.port == "443" {
		return p, &valueError{"names the port of https, which hosts go without", name + ", which is any port, 443 too"}
	}
	if strings.Contains(name, "*") {
		return p, &valueError{"has a * that is not its first label", wantPattern + "; for every host, limits.default"}
	}
	if addr, ok := parseAddr(name); ok {
		if p.suffix {
			return p, &valueError{"is below an address", wantPattern}
		}
		p.name = addr
		return p, nil
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
	if err != nil || ascii == "" || strings.HasPrefix(ascii, ".") || strings.Contains(ascii, "..") ||
		strings.ContainsAny(ascii, ":[] ") {
		return p, &valueError{"is not a host", wantPattern}
	}
	p.name = ascii
	return p, nil
}

// splitPort cuts the port off an authority. What follows the last colon is one unless that is within brackets.
func splitPort(authority string) (name, port string) {
	colon := strings.LastIndexByte(authority, ':')
	if colon < 0 || strings.IndexByte(authority[colon:], ']') >= 0 || colon == len(authority)-1 {
		return authority, ""
	}
	return authority[:colon], authority[colon+1:]
}

// parseAddr returns an address's canonical form, an IPv6 address in brackets as in URLs (RFC 3986, section 3.2.2).
func parseAddr(name string) (canonical string, ok bool) {
	inner, bracketed := strings.CutPrefix(name, "[")
	if bracketed {
		inner, bracketed = strings.CutSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(inner)
	switch {
	case err != nil || addr.Zone() != "" || bracketed != addr.Is6():
		return "", false
	case bracketed:
		return "[" + addr.String() + "]", true
	}
	return addr.String(), true
}

// Index answers which limit a host has. Lookups take a time that does not depend on how many hosts are configured.
// It is a copy: later changes of the Limits do not show in it. It may be used from many goroutines.
type Index struct {
	own, known map[pattern]Host // the user's entries, and WellKnown behind them
	fallback   Host
}

// Index returns the limits' index. Limits must be valid; entries whose Match cannot be read are not in it.
func (l *Limits) Index() *Index {
	return &Index{own: l.byPattern(l.Hosts), known: l.byPattern(wellKnown()), fallback: l.merged(Host{})}
}

func (l *Limits) byPattern(hosts []Host) map[pattern]Host {
	m := make(map[pattern]Host, len(hosts))
	for _, h := range hosts {
		if p, err := parsePattern(h.Match); err == nil {
			m[p] = l.merged(h)
		}
	}
	return m
}

// Match returns the limit of a host, which is an authority in lower case, as lanes have it: the entry that names it
// with its port, else without, else the longest suffix, each with what limits.default adds; entries of WellKnown only
// where none of the user's matches. Match is empty in a limit that no entry names. Its Windows must not be changed.
func (x *Index) Match(host string) Host {
	for _, entries := range []map[pattern]Host{x.own, x.known} {
		if h, ok := match(entries, host); ok {
			return h
		}
	}
	return x.fallback
}

// match returns the entry of the longest pattern that a host, as lanes have it, has.
func match[T any](entries map[pattern]T, host string) (none T, ok bool) {
	if len(entries) == 0 {
		return none, false
	}
	name, port := splitPort(host)
	for suffix := false; ; suffix = true {
		if h, ok := entries[pattern{name, port, suffix}]; ok {
			return h, true
		}
		if h, ok := entries[pattern{name, "", suffix}]; ok {
			return h, true
		}
		dot := strings.IndexByte(name, '.')
		if dot < 0 {
			return none, false
		}
		name = name[dot+1:]
	}
}

// Match returns the limit of one host; see Index.Match. Who asks often keeps an Index.
func (l *Limits) Match(host string) Host { return l.Index().Match(host) }

// merged returns h with what the default adds to it. An inherited start is never above h's own ceiling or max; an
// unlimited start has an unlimited ceiling, and a fixed pace is its own start and ceiling.
func (l *Limits) merged(h Host) Host {
	of := l.Default
	if h.By.IsZero() {
		h.By = of.By
	}
	if h.Start.IsZero() {
		if h.Start = of.Start; above(h.Start, h.Ceiling) {
			h.Start = h.Ceiling
		}
	}
	switch {
	case !h.Ceiling.IsZero():
	case h.Start.IsUnlimited():
		h.Ceiling = Unlimited
	case of.Ceiling.IsZero(): // the default starts unlimited, this host does not
		if h.Ceiling = DefaultCeiling; above(h.Start, h.Ceiling) {
			h.Ceiling = h.Start
		}
	default:
		h.Ceiling = of.Ceiling
	}
	if !h.Fixed.IsZero() {
		h.Start, h.Ceiling = h.Fixed, h.Fixed
	}
	if h.Share == 0 {
		h.Share = 1
	}
	if h.Concurrency.Max == 0 {
		h.Concurrency.Max = of.Concurrency.Max
	}
	if h.Concurrency.Start == 0 {
		h.Concurrency.Start = min(of.Concurrency.Start, h.Concurrency.Max)
	}
	if h.MaxPause == 0 {
		h.MaxPause = of.MaxPause
	}
	return h
}
