package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/sluice-gateway/sluice/bench/destination"
)

func parseSink(t *testing.T, flags ...string) (*sinkCmd, error) {
	t.Helper()
	command := new(sinkCmd)
	parser, err := kong.New(command)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(flags)
	return command, err
}

// startSink runs a sink on a free port. It returns where, and how to end it and hear how it ended.
func startSink(t *testing.T, flags ...string) (line, url string, end func() error) {
	t.Helper()
	command, err := parseSink(t, append(flags, "--listen", "127.0.0.1:0")...)
	if err != nil {
		t.Fatal(err)
	}
	talk, say := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		err := command.run(ctx, say)
		_ = say.CloseWithError(err)
		ended <- err
	}()
	line, err = bufio.NewReader(talk).ReadString('\n')
	if err != nil {
		t.Fatalf("the sink did not say where it listens: %v", err)
	}
	_, rest, _ := strings.Cut(line, "http://")
	address, _, _ := strings.Cut(rest, ",")
	return line, "http://" + address, func() error {
		cancel()
		return <-ended
	}
}

func ask(t *testing.T, method, url, body string) (status int, header http.Header, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(b)
}

func TestSinkLimitsCountsAndLogs(t *testing.T) {
	log := filepath.Join(t.TempDir(), "sink.jsonl")
	line, url, end := startSink(t, "--limit", "2/24h", "--headers", "x-rate-limit", "--algorithm", "fixed-first", "--log", log)
	if !strings.Contains(line, "limit 2/24h (fixed-first), headers x-rate-limit") {
		t.Errorf("it listens, and says %q", line)
	}
	for i, want := range []int{200, 200, 429} {
		status, header, _ := ask(t, "POST", url+"/hook", "x")
		if status != want || header.Get("X-Rate-Limit-Limit") != "2" {
			t.Errorf("call %d: status %d with %v, want %d", i, status, header, want)
		}
	}
	_, _, stats := ask(t, "GET", url+"/_stats", "")
	for _, want := range []string{`"received":3`, `"accepted":2`, `"refused":1`, `"duplicates":1`} {
		if !strings.Contains(stats, want) {
			t.Errorf("stats %s without %s", stats, want)
		}
	}
	if err := end(); err != nil {
		t.Errorf("told to end, it said %v", err)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), "\n"); got != 3 || !strings.Contains(string(text), `"path":"/hook"`) {
		t.Errorf("log of 3 calls:\n%s", text)
	}
}

func TestSinkAppendsToTheLogOfAnEarlierRun(t *testing.T) {
	log := filepath.Join(t.TempDir(), "sink.jsonl")
	for range 2 {
		_, url, end := startSink(t, "--log", log)
		ask(t, "POST", url, "x")
		if err := end(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), "\n"); got != 2 {
		t.Errorf("%d lines after 2 runs of one call, want 2", got)
	}
}

func TestSinkWithoutLimitAcceptsAndFailsAsTold(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  int
		line  string
	}{
		{nil, 200, "no limit"},
		{[]string{"--status", "503"}, 503, "no limit"},
		{[]string{"--fail-for", "1h"}, 500, "failing for 1h0m0s from the first call on"},
		{[]string{"--fail-for", "1h", "--status", "502"}, 502, "failing for 1h0m0s from the first call on"},
		{[]string{"--algorithm", "concurrency", "--limit", "3/1s"}, 200, "limit 3 at once"},
	} {
		line, url, end := startSink(t, c.flags...)
		if status, _, _ := ask(t, "POST", url, ""); status != c.want || !strings.Contains(line, c.line) {
			t.Errorf("%v: status %d, want %d; it said %q", c.flags, status, c.want, line)
		}
		if err := end(); err != nil {
			t.Errorf("%v: %v", c.flags, err)
		}
	}
}

func TestSinkNamesFaultyFlags(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  []string
	}{
		{[]string{"--limit", "20"}, []string{`--limit "20": must be N/DURATION`}},
		{[]string{"--limit", "0/1s"}, []string{`--limit "0/1s": limit of 0 calls: must be 1 to`}},
		{[]string{"--algorithm", "lava"}, []string{`--algorithm "lava": must be one of fixed, fixed-first`}},
		{[]string{"--headers", "loud"}, []string{`--headers "loud": must be one of none, retry-after`}},
		{[]string{"--status", "99"}, []string{"--status 99: must be 200 to 599"}},
		{[]string{"--latency=-1s"}, []string{"--latency -1s: must be 0s or more"}},
		{[]string{"--fail-for=-1s"}, []string{"--fail-for -1s: must be 0s or more"}},
		{[]string{"--listen", "9099"}, []string{`--listen "9099": must be HOST:PORT`}},
		{[]string{"--latency", "soon"}, []string{"--latency", `"soon"`}},
		{[]string{"--limit", "x", "--status", "1", "--headers", "y"}, []string{`--limit "x"`, "--status 1", `--headers "y"`}},
	} {
		_, err := parseSink(t, c.flags...)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v; want %q in it", c.flags, err, want)
			}
		}
	}
}

func TestSinkHelpNamesEveryAlgorithmAndDialect(t *testing.T) {
	parser, err := kong.New(new(sinkCmd))
	if err != nil {
		t.Fatal(err)
	}
	var algorithms, dialects []string
	for _, a := range destination.Algorithms() {
		algorithms = append(algorithms, string(a))
	}
	for _, d := range destination.Dialects() {
		dialects = append(dialects, string(d))
	}
	for _, flag := range parser.Model.Flags {
		want, listed := map[string][]string{"algorithm": algorithms, "headers": dialects}[flag.Name]
		if !listed {
			continue
		}
		_, list, _ := strings.Cut(strings.TrimSuffix(flag.Help, " ("+flag.Default+")."), ": ")
		if got := strings.Split(strings.Replace(list, " or ", ", ", 1), ", "); !slices.Equal(got, want) {
			t.Errorf("--%s: its help names %v, want %v", flag.Name, got, want)
		}
	}
}

func TestSinkSaysWhatItCouldNotOpen(t *testing.T) {
	_, url, end := startSink(t)
	taken := strings.TrimPrefix(url, "http://")
	for want, flags := range map[string][]string{
		"--listen: listen tcp " + taken: {"--listen", taken},
		"--log: open":                   {"--log", filepath.Join(t.TempDir(), "none", "sink.jsonl")},
	} {
		command, err := parseSink(t, flags...)
		if err != nil {
			t.Fatal(err)
		}
		if err := command.run(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; want %q", flags, err, want)
		}
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}
