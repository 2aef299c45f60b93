package configs

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Credentials are what definitions name instead of carrying it, by name.
type Credentials map[string]Credential

// Credential is a header's value that is looked up when a webhook is sent: from a file, or an access token.
type Credential struct {
	// Hosts are those that it is for: api.example.com, *.example.com. It is sent to no other.
	Hosts []string `yaml:"hosts"`
	// Tenants may name it; not given: all may.
	Tenants []string `yaml:"tenants"`
	// Header is the field it is the value of. Empty: Authorization.
	Header string `yaml:"header"`
	// ValueFile holds the value, one line. It is read again when it changes, a second later at most.
	ValueFile string `yaml:"value_file"`
	// OAuth2 is instead of ValueFile; it goes with the header Authorization only.
	OAuth2 OAuth2 `yaml:"oauth2"`
}

// OAuth2 says where access tokens come from: client credentials of RFC 6749, section 4.4.
type OAuth2 struct {
	// TokenURL is the token endpoint; https, and http only for a host of one's own network. egress decides whether it may
	// be called, as for every other destination.
	TokenURL string `yaml:"token_url"`
	ClientID string `yaml:"client_id"`
	// ClientSecretFile holds the client's secret, one line. It is read for every token.
	ClientSecretFile string `yaml:"client_secret_file"`
	// Scope is a list with spaces between (RFC 6749, section 3.3). Empty: none is asked for.
	Scope string `yaml:"scope"`
	// Audience is told to servers that ask for one. Empty: none is.
	Audience string `yaml:"audience"`
}

// DefaultCredentialHeader is where credentials usually go (RFC 9110, section 11.6.2).
const DefaultCredentialHeader = "Authorization"

// HeaderName is the header that a credential is the value of.
func (c *Credential) HeaderName() string {
	if c.Header == "" {
		return DefaultCredentialHeader
	}
	return c.Header
}

const wantEndpoint = "the URL of a token endpoint, such as https://login.example.com/oauth/token"

func (cs Credentials) check(k *checker) {
	for _, name := range slices.Sorted(maps.Keys(cs)) {
		c := cs[name]
		c.check(k, join("credentials", keyForm(name)))
		if name == "" || len(name) > 256 {
			k.fail(join("credentials", keyForm(name)), name, "is no name for a credential", "1 to 256 bytes")
		}
	}
}

func (c *Credential) check(k *checker, path string) {
	if len(c.Hosts) == 0 {
		k.missing(path+".hosts", "the hosts that it is for, as in [api.example.com]")
	}
	checkHosts(k, path+".hosts", c.Hosts)
	notEmpty(k, path+".tenants", c.Tenants, func(at, one string) { checkWord(k, at, one, maxTenantName) })
	if c.Header != "" && !isToken(c.Header) {
		k.fail(path+".header", c.Header, "is no header's name", "a name such as Authorization or X-Api-Key")
	} else if owned := connectionHeader(c.Header); owned {
		k.fail(path+".header", c.Header, "is set by the gateway itself", "a name such as Authorization or X-Api-Key")
	}
	o := &c.OAuth2
	switch {
	case c.ValueFile != "" && *o != (OAuth2{}):
		k.fail(path+".oauth2", "", "is given beside value_file", "one of the two")
	case c.ValueFile == "" && *o == (OAuth2{}):
		k.missing(path+".value_file", "the file of its value, or oauth2 instead")
	case c.ValueFile == "":
		o.check(k, path+".oauth2")
		if !strings.EqualFold(c.HeaderName(), DefaultCredentialHeader) {
			k.fail(path+".header", c.Header, "is not where access tokens go", "Authorization (RFC 6750, section 2.1), or nothing")
		}
	}
}

func (o *OAuth2) check(k *checker, path string) {
	u, err := url.Parse(o.TokenURL)
	switch at := path + ".token_url"; {
	case o.TokenURL == "":
		k.missing(at, wantEndpoint)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Fragment != "":
		k.failAt(k.nearest(at), at, withoutUser(o.TokenURL), "is not a URL to ask", wantEndpoint)
	case u.User != nil:
		k.failAt(k.nearest(at), at, withoutUser(o.TokenURL), "has credentials", "client_id and client_secret_file instead")
	}
	if o.ClientID == "" {
		k.missing(path+".client_id", "the client's identifier")
	}
	if o.ClientSecretFile == "" {
		k.missing(path+".client_secret_file", "the file of the client's secret")
	}
}

// isToken reports whether s may be a header's name (RFC 9110, section 5.6.2).
func isToken(s string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(marks, r)
	}) < 0
}

// connectionHeader reports whether a header is the connection's or the message's own (RFC 9110, sections 7.2 and 7.6.1).
func connectionHeader(name string) bool {
	return slices.Contains([]string{
		"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive",
		"proxy-connection",
	}, strings.ToLower(name))
}

// warnings of credentials: what is valid and yet worth knowing.
func (cs Credentials) warnings() (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(cs)) {
		if strings.HasPrefix(cs[name].OAuth2.TokenURL, "http:") {
			lines = append(lines, fmt.Sprintf("%s.oauth2.token_url: the client's secret goes there unencrypted",
				join("credentials", keyForm(name))))
		}
	}
	return lines
}
