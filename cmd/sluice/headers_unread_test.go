package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAHeaderThatCannotBeReadIsNamedWithWhatWouldBeRight(t *testing.T) {
	for _, c := range []struct {
		response string
		args     []string
		want     []string // of each line that says it; none: nothing is unread
	}{
		{"HTTP/1.1 429 X\nRetry-After: soon\n\n", nil, []string{"Retry-After: soon (want seconds"}},
		{"HTTP/1.1 429 X\nRetry-After: soon\nX-RateLimit-Reset: 30\n\n", nil, []string{"Retry-After: soon (want seconds"}},
		{"HTTP/1.1 429 X\nRetry-After: 30\nX-RateLimit-Reset: 30\n\n", nil, nil},
		{"HTTP/1.1 200 OK\nRetry-After: 3\n\n", nil, []string{"Retry-After: 3 (a 200 asks for nothing"}},
		{"HTTP/1.1 200 OK\nX-RateLimit-Limit: many\nX-RateLimit-Remaining: 3\n\n", nil, []string{"X-RateLimit-Limit: many (want a whole number"}},
		{"HTTP/1.1 200 OK\nX-RateLimit-Limit:\n\n", nil, []string{"X-RateLimit-Limit:  (it is empty"}},
		{"HTTP/1.1 200 OK\nRateLimit: foo\nRateLimit-Policy: foo\n\n", nil, []string{`RateLimit: foo (want a list`, `RateLimit-Policy: foo (want a list`}},
		{"HTTP/1.1 200 OK\nX-RateLimit-Limit: 10\n\n", []string{"--ignore", "x-ratelimit-*"}, []string{"X-RateLimit-Limit: 10 (left aside"}},
		{"HTTP/1.1 200 OK\nX-RateLimit-Limit: 10\nX-RateLimit-Remaining: 3\nContent-Type: text/html\n\n", nil, nil},
	} {
		out, _, err := explained(t, c.response, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(out) {
			if f, ok := strings.CutPrefix(line, "not read: "); ok {
				got = append(got, f)
			}
		}
		ok := len(got) == len(c.want)
		for i := range c.want {
			ok = ok && strings.HasPrefix(got[i], c.want[i])
		}
		if !ok {
			t.Errorf("%q: %q, want %q", c.response, got, c.want)
		}
		out, _, err = explained(t, c.response, append(c.args, "-o", "json")...)
		var answer struct {
			NotRead []unread `json:"not_read"`
		}
		if err := json.Unmarshal([]byte(out), &answer); err != nil || len(answer.NotRead) != len(c.want) {
			t.Errorf("%q: %s (%v), want %d not read", c.response, out, err, len(c.want))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
