package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// explained runs `sluice headers` over a response.
func explained(t *testing.T, response string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, talk bytes.Buffer
	var cli struct {
		Headers headersCmd `cmd:""`
	}
	cli.Headers.stdin = strings.NewReader(response)
	parser, err := kong.New(&cli, kong.Writers(&out, &talk), kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(append([]string{"headers"}, args...))
	if err != nil {
		return "", "", err
	}
	err = parsed.Run()
	return out.String(), talk.String(), err
}

// Every dialect that the reader is tested with, the way a person gives it: as text, and shown as JSON.
func TestHeadersShowsEveryDialectAsJSON(t *testing.T) {
	var all []struct {
		Name, Now, Body string
		Status          int
		Headers         map[string]string
		Expect          map[string]any
	}
	for _, file := range []string{"header_cases.json", "more_cases.json"} {
		text, err := os.ReadFile("../../limiter/testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		all = nil
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			var head strings.Builder
			for name, value := range c.Headers {
				fmt.Fprintf(&head, "%s: %s\r\n", name, value)
			}
			out, _, err := explained(t, head.String()+"\r\n"+c.Body, "-o", "json", "--now", c.Now, "--status", strconv.Itoa(c.Status))
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
				continue
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%s: %v in %s", c.Name, err, out)
			}
			windows, isList := got["windows"].([]any)
			if !isList {
				t.Errorf("%s: windows is %v, want a list", c.Name, got["windows"])
			}
			for _, w := range windows {
				for _, field := range []string{"name", "unit", "limit", "remaining", "reset_at_ms_from_now", "window_ms", "source"} {
					if _, ok := w.(map[string]any)[field]; !ok {
						t.Errorf("%s: window %v has no %s", c.Name, w, field)
					}
				}
			}
			delete(got, "windows")
			delete(got, "not_read")
			if !reflect.DeepEqual(got, c.Expect) {
				t.Errorf("%s: %v, want %v", c.Name, got, c.Expect)
			}
		}
	}
}

func TestHeadersExplains(t *testing.T) {
	const now = "--now=2026-03-01T12:00:00Z"
	for _, c := range []struct {
		name, response, want string
		args                 []string
	}{
		{"a window", "HTTP/1.1 200 OK\nX-RateLimit-Limit: 20\nX-RateLimit-Remaining: 3\nX-RateLimit-Reset: 1772366400.4\nX-RateLimit-Period: 1\n",
			"20 per second, 3 left, resets in 0.4 s; from X-RateLimit-*, read as epoch seconds because 1772366400.4 is too large for a delay and is near now\n", nil},
		{"a refusal", "HTTP/2 429 \r\nretry-after: 300\r\n\r\n", "the 429 asks to be left alone for 300 s (5m0s)\n", nil},
		{"silence", "HTTP/1.1 200 OK\nServer: nginx\n\n", "nothing about limits\n", nil},
		{"what curl -v shows, behind an interim response", "< HTTP/1.1 103 Early Hints\r\n< Link: </a>\r\n< \r\n< HTTP/1.1 503 Busy\r\n< Retry-After: 1\r\n< \r\n",
			"the 503 asks to be left alone for 1 s\n", nil},
		{"several windows", "RateLimit-Policy: \"a\";q=10;w=60, \"b\";q=900;w=3600;qu=\"tokens\"\nRateLimit: \"a\";r=4;t=9, \"b\";r=1;t=90\n",
			"a: 10 per minute, 4 left, resets in 9 s; from RateLimit, read as delta seconds because 9 is too small for an instant; this one binds first\n" +
				"b: 900 tokens per hour, 1 left, resets in 90 s; from RateLimit, read as delta seconds because 90 is too small for an instant; counts no calls, so it never binds\n",
			[]string{"--status=200"}},
		{"what is known of the host", "HTTP/1.1 429 x\nX-Rate-Limit-Remaining: 0\nX-Rate-Limit-Reset: 600000\n",
			"an untold number per window of untold length, 0 left, resets in 600 s (10m0s); from X-Rate-Limit-*, read as delta milliseconds because this is known of the host\n",
			[]string{"--host=API.prisjakt.nu"}},
		{"what the caller knows", "HTTP/1.1 429 x\nX-Rate-Limit-Remaining: 0\nX-Rate-Limit-Reset: 5000\n",
			"an untold number per window of untold length, 0 left, resets in 5 s; from X-Rate-Limit-*, read as delta milliseconds because this is known of the host\n",
			[]string{"--reset=delta-milliseconds"}},
		{"a rate and calls at once", "HTTP/1.1 429 x\nx-amzn-RateLimit-Limit: 0.5\nStripe-Rate-Limited-Reason: global-concurrency\n",
			"0.5 calls per second are allowed\ncalls at once are limited, not calls per time\n", nil},
		{"a name that would steer the terminal", "HTTP/1.1 200 x\nX-RateLimit-Remaining: 1\nX-RateLimit-Name: \x1b[31mred\n",
			"\"\\x1b[31mred\": an untold number per window of untold length, 1 left; from X-RateLimit-*\n", nil},
	} {
		out, _, err := explained(t, c.response, append(c.args, now)...)
		if err != nil || out != c.want {
			t.Errorf("%s:\n%s(%v), want\n%s", c.name, out, err, c.want)
		}
	}
}

func TestHeadersNamesWhatItCannotRead(t *testing.T) {
	for _, c := range []struct {
		response, want string
		args           []string
	}{
		{"HTTP/1.1 200 OK\nnonsense\n", `line 2: "nonsense": want a field`, nil},
		{"HTTP/1.1 abc\n", `line 1: "HTTP/1.1 abc": want a status line`, nil},
		{" folded: x\n", `line 1: " folded: x": begins with a blank`, nil},
		{"", "--status 99: must be 100 to 999", []string{"--status=99"}},
		{"", "want one of delta-seconds", []string{"--reset=minutes"}},
	} {
		if _, _, err := explained(t, c.response, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %v: error %v, want one that says %q", c.response, c.args, err, c.want)
		}
	}
}

func TestHeadersSaysThatAStatusWasNotTold(t *testing.T) {
	_, talk, err := explained(t, "Retry-After: 5\n")
	if err != nil || !strings.Contains(talk, "--status") {
		t.Errorf("stderr %q, error %v; want a word about --status", talk, err)
	}
}

func FuzzHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 x\r\nA: b\r\n c\r\n\r\nbody"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := parseHead(text)
		if err != nil {
			return
		}
		for _, field := range h.fields {
			if bytes.ContainsAny(field[0], "\n:") || bytes.Contains(field[1], []byte("\n")) {
				t.Errorf("field %q", field)
			}
		}
		if !bytes.HasSuffix(text, h.body) {
			t.Errorf("body %q", h.body)
		}
	})
}
