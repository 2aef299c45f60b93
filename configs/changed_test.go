package configs

import (
	"slices"
	"strings"
	"testing"
)

func TestChangedNamesWhatDiffersByItsPath(t *testing.T) {
	const base = "limits:\n  hosts:\n  - {match: a.example, share: 0.5}\n  - {match: b.example, windows: [100/10s]}\n" +
		"policies:\n  default: {max_age: 1h}\n  slow: {timeout: 30s}\n"
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"nothing":     {base, nil},
		"the order":   {"policies:\n  slow: {timeout: 30s}\n  default: {max_age: 60m}\nlimits:\n  hosts:\n  - {match: b.example, windows: [100/10s]}\n  - {match: a.example, share: 0.5}\n", nil},
		"empty lists": {base + "egress: {allow_nets: [], ports: [80, 443]}\n", nil},
		"an entry less": {
			"limits: {hosts: [{match: a.example, share: 0.5}]}\npolicies:\n  default: {max_age: 1h}\n  slow: {timeout: 30s}\n",
			[]string{"limits.hosts[b.example]"},
		},
		"within a policy": {
			strings.Replace(base, "timeout: 30s", "timeout: 30s, retry: {retries: 3}, identity: x, disable: {exhausted: 2}", 1),
			[]string{"policies.slow.retry.retries", "policies.slow.identity", "policies.slow.disable.exhausted"},
		},
		"an empty list that says something": {
			strings.Replace(base, "timeout: 30s", "timeout: 30s, sign: []", 1), []string{"policies.slow.sign"},
		},
		"values everywhere": {
			"listen: 127.0.0.1:1\nadmin: 127.0.0.1:2\nlog: {level: warn}\nretention: {metadata: 1h}\n" +
				"egress: {deny_nets: [192.0.2.0/24]}\nbreaker: {probes: 4}\n" +
				"limits:\n  default: {ceiling: 20/s, concurrency: {max: 99}}\n  hosts:\n  - {match: a.example, share: 0.6}\n" +
				"  - {match: b.example, windows: [100/10s, 1000/h]}\n  - {match: c.example}\n" +
				"policies:\n  default: {max_age: 2h}\n  fast: {timeout: 1s}\n",
			[]string{
				"listen", "admin", "retention.metadata", "retention.body", "egress.deny_nets",
				"limits.default.ceiling", "limits.default.concurrency.max",
				"limits.hosts[a.example].share", "limits.hosts[b.example].windows", "limits.hosts[c.example]",
				"breaker.probes", "policies.default.max_age", "policies.fast", "policies.slow", "log.level",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Parse("a.yaml", []byte(base))
			if err != nil {
				t.Fatal(err)
			}
			b, err := Parse("b.yaml", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got := Changed(a, b); !slices.Equal(got, tt.want) {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
			if got := Changed(b, a); !slices.Equal(got, tt.want) {
				t.Errorf("the other way round: got %q\nwant %q", got, tt.want)
			}
		})
	}
}
