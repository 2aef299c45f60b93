package configs

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Way is how the hosts that it matches are reached. The exact name goes before the longest suffix, and exactly one
// entry counts. Files are read at the start and at every reload.
type Way struct {
	// Match is a host such as api.example.com, or *.example.com for all below it.
	Match string `yaml:"match"`
	// ClientCert and ClientKey are files in PEM: the certificate, its chain behind it, and its key. Shown to a
	// destination that asks for one (RFC 8446, section 4.3.2).
	ClientCert string `yaml:"client_cert"`
	ClientKey  string `yaml:"client_key"`
	// CA is a file of certificates in PEM that the destination's is verified against, instead of the system's.
	CA string `yaml:"ca"`
	// SourceAddress is the address of this machine that calls come from. Empty: the system's choice.
	SourceAddress string `yaml:"source_address"`
	// ProxyURL is a proxy through which the destinations are reached by CONNECT (RFC 9110, section 9.3.6):
	// http://proxy.example:3128, or https. It resolves names and connects, so the check of addresses is its own.
	ProxyURL string `yaml:"proxy_url"`
	// ProxyCredentials is a file with user:password for it, one line. Empty: none are sent.
	ProxyCredentials string `yaml:"proxy_credentials"`
}

const wantProxy = "the URL of a proxy, such as http://proxy.example:3128"

func checkWays(k *checker, ways []Way) {
	matches := make([]string, len(ways))
	for i := range ways {
		path := fmt.Sprintf("egress.hosts[%d]", i)
		matches[i] = ways[i].Match
		ways[i].check(k, path)
	}
	seen := map[pattern]int{}
	for i, text := range matches {
		p, err := parsePattern(text)
		if err != nil {
			continue
		}
		if first, twice := seen[p]; twice {
			k.fail(fmt.Sprintf("egress.hosts[%d].match", i), text,
				fmt.Sprintf("matches what egress.hosts[%d] matches", first), "one entry for each")
			continue
		}
		seen[p] = i
	}
}

func (w *Way) check(k *checker, path string) {
	match := path + ".match"
	if !k.given(match, w.Match == "") {
		k.missing(match, wantPattern)
	} else if _, err := parsePattern(w.Match); err != nil && k.sound(match) {
		k.fail(match, w.Match, err.problem, err.want)
	}
	switch {
	case w.ClientCert != "" && w.ClientKey == "":
		k.missing(path+".client_key", "the file of client_cert's key")
	case w.ClientKey != "" && w.ClientCert == "":
		k.missing(path+".client_cert", "the file of client_key's certificate")
	}
	if w.SourceAddress != "" {
		if a, err := netip.ParseAddr(w.SourceAddress); err != nil || a.IsUnspecified() || a.IsMulticast() {
			k.fail(path+".source_address", w.SourceAddress, "is not an address", "one of this machine's, such as 192.0.2.10")
		}
	}
	if w.ProxyURL != "" {
		if problem := proxyProblem(w.ProxyURL); problem != "" {
			at := path + ".proxy_url"
			k.failAt(k.nearest(at), at, withoutUser(w.ProxyURL), problem, wantProxy) // never what is written: a password
		}
	} else if w.ProxyCredentials != "" {
		k.missing(path+".proxy_url", "the proxy that proxy_credentials are for")
	}
	if *w == (Way{Match: w.Match}) && k.sound(path, match) {
		k.fail(path, w.Match, "says nothing of how its hosts are reached",
			"at least one of client_cert, ca, source_address, proxy_url")
	}
}

// proxyProblem says what is wrong with a proxy's URL; "": nothing.
func proxyProblem(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "is not of a proxy that is spoken to by HTTP"
	case u.User != nil:
		return "has credentials, which belong in the file of proxy_credentials"
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return "has more than a host and a port"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "has no valid port"
		}
	}
	return ""
}

// withoutUser cuts credentials out of what is shown of a URL.
func withoutUser(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if at := strings.LastIndexByte(rest, '@'); ok && at >= 0 {
		return scheme + "://…" + rest[at:]
	}
	return text
}

// WayIndex answers how a host is reached. Lookups take a time that does not depend on how many hosts are configured. It
// may be used from many goroutines.
type WayIndex struct{ entries map[pattern]int }

// Ways returns the index of Hosts, which must be valid.
func (e *Egress) Ways() WayIndex {
	x := WayIndex{entries: make(map[pattern]int, len(e.Hosts))}
	for i, w := range e.Hosts {
		if p, err := parsePattern(w.Match); err == nil {
			x.entries[p] = i
		}
	}
	return x
}

// Match returns which entry of Hosts is for a host, an authority in lower case as lanes have it.
func (x WayIndex) Match(host string) (i int, ok bool) { return match(x.entries, host) }

// Warnings are what is valid and yet worth knowing, one line each.
func (c *Config) Warnings() (lines []string) {
	for i, w := range c.Egress.Hosts {
		if w.ProxyURL != "" {
			lines = append(lines, fmt.Sprintf(
				"egress.hosts[%d].proxy_url: for %s the check of resolved addresses is the proxy's: allow there what may be called",
				i, w.Match))
		}
	}
	return append(lines, c.Credentials.warnings()...)
}
