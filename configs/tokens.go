package configs

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Token says who may use the front door: whoever presents a text of its digest. `sluice token new` makes one.
type Token struct {
	// Name is what it is called in logs and answers: 1 to 64 of a-z, 0-9, - and _, no two the same.
	Name string `yaml:"name"`
	// SHA256 is the digest of the token's text, which is kept nowhere.
	SHA256 SHA256 `yaml:"sha256"`
	// Tenant, or Tenants, are those it is confined to; the first is that of definitions that name none. Neither: it is
	// not confined, and its own tenant is the default one.
	Tenant  string   `yaml:"tenant,omitempty"`
	Tenants []string `yaml:"tenants,omitempty"`
	// Scopes are what it allows: send, read, read:body, admin. None implies another.
	Scopes []string `yaml:"scopes"`
	// Hosts are those it may send to and see, as in limits.hosts[].match; none given: all.
	Hosts []string `yaml:"hosts,omitempty"`
	// Flows are those it may send in, see and steer: names, or beginnings of names before a final *; none given: all.
	Flows []string `yaml:"flows,omitempty"`
	// Rate bounds its requests, and its webhooks where a request holds several; not given: unlimited.
	Rate Rate `yaml:"rate,omitempty"`
}

// The bounds of Tokens.
const (
	maxTokens     = 1000 // each request is compared with every one
	maxTokenName  = 64
	maxTenantName = 256       // webhook.MaxName
	maxFlowName   = 128       // webhook.MaxFlow
	maxTokenRate  = 1_000_000 // per second
)

// Scopes are the words of Token.Scopes.
var Scopes = []string{"send", "read", "read:body", "admin"}

// SHA256 is a digest, in YAML 64 hexadecimal digits. One that was misspelt is not a digest, and is not repeated in a
// fault: it may be the token itself.
type SHA256 struct {
	Sum   [32]byte
	valid bool
}

// SHA256Of is a digest that was computed.
func SHA256Of(sum [32]byte) SHA256 { return SHA256{sum, true} }

// IsZero reports whether no digest was given.
func (s SHA256) IsZero() bool { return s == SHA256{} }

// MarshalText returns the digits.
func (s SHA256) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s.Sum[:]), nil }

// UnmarshalText reads digits. It does not fail: Validate does, without repeating what was read.
func (s *SHA256) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	*s = SHA256{}
	if err == nil && len(b) == len(s.Sum) {
		*s = SHA256Of([32]byte(b))
	}
	return nil
}

// Confined are the tenants that the token is confined to; none: it is not.
func (t *Token) Confined() []string {
	if t.Tenant != "" {
		return []string{t.Tenant}
	}
	return t.Tenants
}

// Host returns what reports whether the token may send to a host, an authority in lower case as lanes have it; nil: it
// may to all. The token must be valid.
func (t *Token) Host() func(host string) bool {
	if len(t.Hosts) == 0 {
		return nil
	}
	entries := make(map[pattern]bool, len(t.Hosts))
	for _, h := range t.Hosts {
		if p, err := parsePattern(h); err == nil {
			entries[p] = true
		}
	}
	return func(host string) bool {
		_, ok := match(entries, host)
		return ok
	}
}

// Flow returns what reports whether the token may send in a flow; nil: it may in all. The token must be valid.
func (t *Token) Flow() func(flow string) bool {
	if len(t.Flows) == 0 {
		return nil
	}
	return func(flow string) bool {
		return slices.ContainsFunc(t.Flows, func(pattern string) bool {
			begin, ok := strings.CutSuffix(pattern, "*")
			return flow == pattern || ok && strings.HasPrefix(flow, begin)
		})
	}
}

func (c *Config) checkTokens(k *checker) {
	if n := len(c.Tokens); n > maxTokens {
		k.fail("tokens", fmt.Sprintf("%d tokens", n), "are too many", fmt.Sprintf("at most %d", maxTokens))
		return
	}
	names, digests := map[string]string{}, map[[32]byte]string{}
	for i := range c.Tokens {
		t, path := &c.Tokens[i], fmt.Sprintf("tokens[%d]", i)
		t.check(k, path)
		unique(k, join(path, "name"), t.Name, names, t.Name == "")
		if first, twice := digests[t.SHA256.Sum]; twice && t.SHA256.valid {
			k.fail(join(path, "sha256"), "", "is that of "+first+" too", "a token of its own for each")
		}
		digests[t.SHA256.Sum] = path
	}
}

// unique checks that no other path has the same value.
func unique(k *checker, path, value string, seen map[string]string, absent bool) {
	if absent {
		return
	}
	if first, twice := seen[value]; twice {
		k.fail(path, value, "is the name of "+first+" too", "a name of its own for each")
		return
	}
	seen[value] = strings.TrimSuffix(path, ".name")
}

func (t *Token) check(k *checker, path string) {
	name, digest, tenant := join(path, "name"), join(path, "sha256"), join(path, "tenant")
	const wantDigest = "the 64 hexadecimal digits that `sluice token new` prints"
	switch {
	case t.Name == "" && !k.inFile(name):
		k.missing(name, "a name, to know it by in the log")
	case !isPolicyName(t.Name) || len(t.Name) > maxTokenName:
		k.fail(name, t.Name, "is no name for a token", "1 to 64 of a-z, 0-9, - and _")
	}
	switch {
	case t.SHA256.valid:
	case t.SHA256.IsZero() && !k.inFile(digest):
		k.missing(digest, wantDigest)
	case k.sound(digest):
		k.failAt(k.nearest(digest), digest, "", "is no SHA-256", wantDigest)
	}
	if t.Tenant != "" && len(t.Tenants) > 0 {
		k.fail(tenant, t.Tenant, "is given beside tenants", "one of the two")
	}
	if k.given(tenant, t.Tenant == "") {
		checkWord(k, tenant, t.Tenant, maxTenantName)
	}
	notEmpty(k, join(path, "tenants"), t.Tenants, func(at, one string) { checkWord(k, at, one, maxTenantName) })
	notEmpty(k, join(path, "hosts"), t.Hosts, func(at, one string) {
		if _, err := parsePattern(one); err != nil {
			k.fail(at, one, err.problem, err.want)
		}
	})
	notEmpty(k, join(path, "flows"), t.Flows, func(at, one string) {
		checkWord(k, at, one, maxFlowName)
		if begin := strings.TrimSuffix(one, "*"); strings.Contains(begin, "*") {
			k.fail(at, one, "has a * that is not its end", "a flow's name, or the beginning of names and *, as in campaign-*")
		}
	})
	scopes := join(path, "scopes")
	if len(t.Scopes) == 0 && k.sound(scopes) {
		k.failAt(k.nearest(scopes), scopes, "", "allows nothing", "some of "+strings.Join(Scopes, ", "))
	}
	for i, scope := range t.Scopes {
		oneOf(k, fmt.Sprintf("%s[%d]", scopes, i), scope, Scopes...)
	}
	if rate := join(path, "rate"); !t.Rate.IsZero() && !t.Rate.IsUnlimited() {
		switch {
		case t.Rate.PerSecond() > maxTokenRate:
			k.fail(rate, t.Rate, "is more than can be accepted", fmt.Sprintf("at most %d/s, or unlimited", maxTokenRate))
		case t.Rate.Per > 31*24*time.Hour:
			k.fail(rate, t.Rate, "counts over too long a time", "at most 31d")
		}
	}
}

// notEmpty checks each entry of a list that, where it is given, must have one: an empty list would mean the contrary of
// what it says.
func notEmpty(k *checker, path string, list []string, each func(path, entry string)) {
	if len(list) == 0 && k.inFile(path) && k.sound(path) {
		k.failAt(k.nearest(path), path, "", "names none", "at least one, or no such key for all")
	}
	for i, entry := range list {
		each(fmt.Sprintf("%s[%d]", path, i), entry)
	}
}

// checkWord checks a name that definitions use: printable, of 1 to most bytes.
func checkWord(k *checker, path, word string, most int) {
	if word == "" || len(word) > most || !isPlain(word) {
		k.fail(path, word, "is no name", fmt.Sprintf("1 to %d bytes of printable text", most))
	}
}

// administers reports whether the token may do what concerns all tenants, which off loopback the admin listener asks for.
func (t *Token) administers() bool {
	return slices.Contains(t.Scopes, "admin") && len(t.Confined()) == 0
}
