package configs

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestOneFaultIsOneLine has a file for each check, with the one line that is said about it.
func TestOneFaultIsOneLine(t *testing.T) {
	for text, want := range map[string]string{
		// addresses
		"listen: 127.0.0.1:9\nadmin: 127.0.0.1:9": "2: admin: 127.0.0.1:9: is the front door's address too; want another port",
		"admin: 192.0.2.1:8481":                   "1: admin: 192.0.2.1:8481: is reachable from other machines, and no token says who may see metrics and profiles; want a loopback",
		"listen: 0.0.0.0:8480":                    "1: listen: 0.0.0.0:8480: is reachable from other machines, and no token says who may send; want a loopback",
		"listen: localhost":                       "1: listen: localhost: is not host:port; want an address such as 127.0.0.1:8480",
		"listen: ~":                               "1: listen: ~: is empty; want a text",
		"listen: [127.0.0.1, 8480]":               "1: listen: is a list; want a text",
		// tokens; one of a tenant does not open the admin address
		"tokens: [{name: a, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, scopes: [admin], tenant: eu}]\nadmin: 0.0.0.0:1":                                                                         "2: admin: 0.0.0.0:1: is reachable from other machines, and no token says who may see",
		"tokens: [{name: a, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, scopes: [admin]}, {name: b, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, scopes: [admin]}]": "1: tokens[1].sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08: is that of tokens[0] too; want a token of its own for each",
		"tokens: [{name: a, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, scopes: [admin]}, {name: a, sha256: 0f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, scopes: [send]}]":  "1: tokens[1].name: a: is the name of tokens[0] too",
		"tokens: [{name: a, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, scopes: [admin], hosts: }]":                                                                                              "1: tokens[0].hosts: names none; want at least one",
		"tokens: [{name: a, sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, scopes: [admin], rate: 9000000/s}]":                                                                                      "1: tokens[0].rate: 9000000/s: is more than can be accepted; want at most 1000000/s",
		"credentials: {crm: {hosts: [a.example], value_file: v, tenants: []}}":                                                                                                                                                 "1: credentials.crm.tenants: names none; want at least one",
		"tls: {cert: a.pem}":            "1: tls.cert: a.pem: has no key beside it; want tls.key as well, or neither",
		"tls: {key: a.pem}":             "1: tls.key: a.pem: has no certificate beside it; want tls.cert as well",
		"tls: {client_ca: a.pem}":       "1: tls.client_ca: a.pem: is for TLS, which needs a certificate; want tls.cert",
		"connections: {per_address: 0}": "1: connections.per_address: 0: is too small; want 1 to 1000000",
		// data and retention
		"data: {dir: \"a\\0\"}":                 `1: data.dir: "a\x00": has a NUL byte`,
		"data: {encryption_key_file: \"a\\0\"}": `1: data.encryption_key_file: "a\x00": has a NUL byte`,
		"data: {dir: 7}":                        "1: data.dir: 7: is a number; want a text",
		"data: {min_free: 1MiB}":                "1: data.min_free: 1MiB: is too small; want 64MiB to 64TiB",
		"data: {min_free: }":                    "1: data.min_free: is empty; want a value in one line",
		"data: {min_free: {of: x}}":             "1: data.min_free: is a mapping; want a value in one line",
		"retention: {metadata: 1s}":             "1: retention.metadata: 1s: is too small; want 1m to 87600h",
		"retention: {max_size: 1KiB}":           "1: retention.max_size: 1KiB: is too small; want 64MiB to 64TiB",
		// egress
		"egress: {max_in_flight: 0}":                                              "1: egress.max_in_flight: 0: is too small; want 1 to 60000",
		"egress: {max_in_flight: 0x10}":                                           "1: egress.max_in_flight: 0x10: is not a whole number",
		"egress: {max_in_flight: 99999999999999999999}":                           "1: egress.max_in_flight: 99999999999999999999: is not a whole number",
		"egress: {max_in_flight: true}":                                           "1: egress.max_in_flight: true: is a truth value; want a whole number",
		"egress: {ports: []}":                                                     "1: egress.ports: []: lets nothing out; want at least one port",
		"egress: {ports: 443}":                                                    "1: egress.ports: 443: is a number; want a list, as in [a, b]",
		"egress: {deny_nets: [10.0.0.0/8, 10.0.0.0/8]}":                           "1: egress.deny_nets[1]: 10.0.0.0/8: is listed twice; want each network once",
		"egress: {deny_hosts: [http://a.example]}":                                "1: egress.deny_hosts[0]: http://a.example: is more than a host; want",
		"egress: {allow_hosts: [a.example, A.example.]}":                          "1: egress.allow_hosts[1]: A.example.: matches what egress.allow_hosts[0] matches; want each host once",
		"egress: {hosts: [{ca: x}]}":                                              "1: egress.hosts[0].match: is missing; want a host",
		"egress: {hosts: [{match: a.example}]}":                                   "1: egress.hosts[0]: a.example: says nothing of how its hosts are reached; want at least one of",
		"egress: {hosts: [{match: a.example, client_cert: x}]}":                   "1: egress.hosts[0].client_key: is missing; want the file",
		"egress: {hosts: [{match: a.example, source_address: x}]}":                "1: egress.hosts[0].source_address: x: is not an address; want one of this machine's",
		"egress: {hosts: [{match: a.example, proxy_url: 'socks5://p'}]}":          "1: egress.hosts[0].proxy_url: socks5://p: is not of a proxy that is spoken to by HTTP; want the URL",
		"egress: {hosts: [{match: a.example, proxy_url: 'http://u:pw@p:1'}]}":     "1: egress.hosts[0].proxy_url: http://…@p:1: has credentials, which belong in the file of proxy_credentials; want",
		"egress: {hosts: [{match: a.example, proxy_credentials: x}]}":             "1: egress.hosts[0].proxy_url: is missing; want the proxy",
		"egress: {hosts: [{match: a.example, ca: x}, {match: A.example, ca: x}]}": "1: egress.hosts[1].match: A.example: matches what egress.hosts[0] matches; want one entry for each",
		"egress: {allow_nets: [~]}":                                               "1: egress.allow_nets[0]: ~: is empty; want a value in one line",
		// limits
		"limits: {default: {ceiling: 2000000/s}}":                            "1: limits.default.ceiling: 2000000/s: is more than can be sent; want at most 1000000/s",
		"limits: {default: {start: 5/1000d}}":                                "1: limits.default.start: 5/1000d: counts over too long a time; want at most 744h",
		"limits: {default: {start: 2000/s}}":                                 "1: limits.default.start: 2000/s: is above the ceiling; want at most the ceiling, which is 1000/s, or unlimited",
		"limits: {default: {max_pause: 100d}}":                               "1: limits.default.max_pause: 100d: is too large; want 1s to 744h",
		"limits: {default: {concurrency: {start: 0}}}":                       "1: limits.default.concurrency.start: 0: is too small; want 1 to 60000",
		"limits: {default: {match: a.example}}":                              "1: limits.default.match: is not a known key, did you mean egress.hosts[].match or limits.hosts[].match or flows[].match or tenants[].match?",
		"limits: {hosts: {match: a.example}}":                                "1: limits.hosts: is a mapping; want a list, as in [a, b]",
		"limits: {hosts: [{match: \"\"}]}":                                   "1: limits.hosts[0].match: is not a host; want a host such as api.example.com",
		"limits: {hosts: [{match: a, start: 2000/s}]}":                       "1: limits.hosts[0].start: 2000/s: is above the ceiling; want at most the ceiling, which is 1000/s",
		"limits: {hosts: [{match: a, fixed: 1/s, start: unlimited}]}":        "1: limits.hosts[0].start: unlimited: contradicts fixed",
		"limits: {hosts: [{match: a, windows: [1/s, 1/m, 1/h, 1/d, 1/7d]}]}": "1: limits.hosts[0].windows: 5 windows: are too many; want at most 4",
		"limits: {hosts: [{match: a, concurrency: {max: 0}}]}":               "1: limits.hosts[0].concurrency.max: 0: is too small",
		"limits: {hosts: [{match: a, concurrency: {start: 513}}]}":           "1: limits.hosts[0].concurrency.start: 513: is above the max; want at most max, which is 512",
		"limits: {hosts: [{match: a, share: 0}]}":                            "1: limits.hosts[0].share: 0: is out of range; want a part above 0, at most 1",
		"limits: {hosts: [{match: a, share: .nan}]}":                         "1: limits.hosts[0].share: .nan: is not a number",
		"limits: {hosts: [{match: a, max_pause: 0s}]}":                       "1: limits.hosts[0].max_pause: 0s: is too small; want 1s to 744h",
		"limits: {hosts: [{match: \"*.a\"}, {match: .A}]}":                   "1: limits.hosts[1].match: .A: matches what limits.hosts[0] matches",
		"limits: {hosts: [{match: a, start: unlimited, ceiling: 5/s}]}":      "1: limits.hosts[0].ceiling: 5/s: contradicts start: unlimited, which has no ceiling",
		"limits: {default: {start: unlimited, ceiling: 5/s}}":                "1: limits.default.ceiling: 5/s: contradicts start: unlimited",
		// flows
		"flows: [{match: a*b}]":               "1: flows[0].match: a*b: has a star that is not at its end",
		"flows: [{match: a, weight: .inf}]":   "1: flows[0].weight: .inf: is ",
		"tenants: [{match: \"\", rate: 1/s}]": "1: tenants[0].match: is no name",
		"priorities: {floor: 0}":              "1: priorities.floor: 0: is out of range; want a part from 0.001 to 0.4",
		// breaker, policies, process
		"breaker: {failure_ratio: 0}":          "1: breaker.failure_ratio: 0: is out of range; want a part above 0, at most 1",
		"breaker: {cool_down_max: 2d}":         "1: breaker.cool_down_max: 2d: is too large; want 1s to 24h",
		"policies: {a: {timeout: 0s}}":         "1: policies.a.timeout: 0s: is too small; want 10ms to 10m",
		"policies: {a: {connect_timeout: 2m}}": "1: policies.a.connect_timeout: 2m: is longer than the whole attempt may take; want at most the timeout, which is 1m30s",
		"policies: {a: {extends: \"\"}}":       "1: policies.a.extends: is not known; want one of advocate, braze, chariow, ",
		"policies: [a]":                        "1: policies: is a list; want a mapping of keys to values",
		"policies: {\"a.b\": {}}":              `1: policies."a.b": a.b: is no name for a policy`,
		"shutdown: {timeout: 2h}":              "1: shutdown.timeout: 2h: is too large; want 0s to 1h",
		"log: {level: !secret info}":           "1: log.level: info: is a value tagged !secret; want a text",
		"log: {format: \"\"}":                  "1: log.format: is not known; want one of auto, console, json",
	} {
		_, err := Parse("f", []byte(text))
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "f:"+want) {
			t.Errorf("%s:\ngot  %v\nwant f:%s …", text, err, want)
		}
	}
}

// TestValidateChecksWhatNoTextCanSay has values that only code can set: Parse would refuse their texts.
func TestValidateChecksWhatNoTextCanSay(t *testing.T) {
	for want, set := range map[string]func(*Config){
		"limits.default.ceiling: is missing":                 func(c *Config) { c.Limits.Default.Ceiling = Rate{} },
		"limits.default.by: \"\": is not known":              func(c *Config) { c.Limits.Default.By = By{} },
		"limits.default.start: 0/s: lets nothing through":    func(c *Config) { c.Limits.Default.Start = Rate{Per: DefaultStart.Per} },
		"limits.hosts[0].windows[0]: is no window":           func(c *Config) { c.Limits.Hosts = []Host{{Match: "a", Windows: make([]Window, 1)}} },
		"limits.hosts[0].match: is missing":                  func(c *Config) { c.Limits.Hosts = []Host{{}} },
		"egress.allow_nets[0]: \"\": is not a network":       func(c *Config) { c.Egress.AllowNets = []Net{{}} },
		"retention.body: 73h: outlives the metadata":         func(c *Config) { c.Retention.Body = 73 * hour },
		"retention.body: -1s: is too small; want 0s to":      func(c *Config) { c.Retention.Body = -second },
		"breaker.cool_down: 11m: is longer than the longest": func(c *Config) { c.Breaker.CoolDown = 11 * minute },
		"limits.hosts[0].match: a b: is not a host":          func(c *Config) { c.Limits.Hosts = []Host{{Match: "a b"}} },
	} {
		c := Default()
		set(&c)
		if err := c.Validate(); err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s …", err, want)
		}
	}
}

func TestTwoAddressesMayBothTakeAFreePort(t *testing.T) {
	if _, err := Parse("f", []byte("listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n")); err != nil {
		t.Error(err)
	}
}

func TestLoadReadsWhatParseReads(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(name, []byte("egress: {allow_nets: [10.0.0.0/8, \"::1\"]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	if got := Prefixes(c.Egress.AllowNets); !reflect.DeepEqual(got, want) {
		t.Errorf("networks are %v, want %v", got, want)
	}
}

func TestLoadOfADirectoryIsAnError(t *testing.T) {
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a directory was read as a configuration")
	}
}
