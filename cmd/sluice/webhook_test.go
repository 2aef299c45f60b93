package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// logGateway answers as a gateway's log does, in pages of one.
func logGateway(t *testing.T) *httptest.Server {
	t.Helper()
	row := func(id, state string) string {
		return `{"id":"` + id + `","state":"` + state + `","host":"a.example","flow":"spring","type":"","updated_at":"2026-01-31T09:30:00.000Z","status":404,"error_class":null,"tries":{"used":1}}`
	}
	looked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var answer string
		switch what := r.Method + " " + r.URL.Path; {
		case what == "GET /v1/webhooks" && r.URL.Query().Get("status") != "4xx":
			w.WriteHeader(400)
			answer = `{"title":"asked for something else","status":400}`
		case what == "GET /v1/webhooks" && r.URL.Query().Get("cursor") == "":
			answer = `{"webhooks":[` + row("A", "failed") + `],"next":"n"}`
		case what == "GET /v1/webhooks":
			answer = `{"webhooks":[` + row("B", "failed") + `],"next":null}`
		case what == "GET /v1/webhooks/A":
			answer = strings.TrimSuffix(row("A", "pending"), "}") + `,"method":"POST","url":"https://a.example/","policy":"default",
				"waiting":{"reason":"pause","detail":"asked for 30 s","until":null},
				"attempts":[{"n":1,"at":"2026-01-31T09:30:00.000Z","duration_ms":7,"status":429,"outcome":"throttled","error_class":null,"response_body":"slow\u001b[2Jdown"}]}`
		case what == "POST /v1/webhooks/A/retry":
			answer = `{"id":"C","replays":"A"}`
		case what == "POST /v1/webhooks/B/retry":
			answer = `{"id":"B","replays":null}`
		case what == "DELETE /v1/webhooks/A":
			answer = row("A", "cancelled")
		case what == "POST /v1/replays" && strings.Contains(string(body), "dry_run"):
			answer = `{"count":1200,"whole":true}`
		case what == "POST /v1/replays" && string(body) == `{"filter":{"state":"failed"}}`:
			w.WriteHeader(202)
			answer = `{"id":"job_1","state":"running"}`
		case what == "GET /v1/jobs/job_1":
			state := []string{"running", "done"}[min(looked, 1)]
			looked++
			answer = `{"id":"job_1","state":"` + state + `","done":1200,"skipped":3}`
		default:
			w.WriteHeader(404)
			answer = `{"title":"no such thing","status":404}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestWebhooksAreListedShownAndRepaired(t *testing.T) {
	s := logGateway(t)
	for _, tt := range []struct {
		args string
		code int
		want []string
	}{
		{"list --status 4xx", 0, []string{"ID  STATE", "A   failed", "B   failed", "404"}},
		{"list --status 4xx --limit 1 -o json", 0, []string{`{"id":"A"`}},
		{"list --limit 0 --status 4xx", exitUsage, nil},
		{"show A", 0, []string{"A  pending  POST https://a.example/", "waits (pause): asked for 30 s", `"slow\x1b[2Jdown"`}},
		{"show X", exitFailed, nil},
		{"retry A", 0, []string{"C repeats A"}},
		{"retry B", 0, []string{"B is due now"}},
		{"cancel A", 0, []string{"A is cancelled"}},
		{"replay --state failed --dry-run", 0, []string{"1,200\n"}},
		{"replay --state failed", 0, []string{"job_1 done: 1,197 accepted anew, 3 without a payload left"}},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"webhook"}, strings.Fields(tt.args)...)
		if code := run(append(args, "--gateway", s.URL), &out, &errs); code != tt.code {
			t.Errorf("%s: exit %d, want %d: %s%s", tt.args, code, tt.code, out.String(), errs.String())
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s prints %q, want %q", tt.args, out.String(), want)
			}
		}
	}
}

func TestAPeriodIsAnInstantOrHowLongAgo(t *testing.T) {
	now := time.Now()
	asked := make(chan url.Values, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query()
		_, _ = io.WriteString(w, `{"webhooks":[],"next":null}`)
	}))
	t.Cleanup(s.Close)
	if code, _, stderr := ran("webhook", "list", "--since", "2h", "--until", "2026-01-31T09:30:00+01:00", "--gateway", s.URL); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	q := <-asked
	since, err := time.Parse(time.RFC3339Nano, q.Get("since"))
	if ago := now.Sub(since); err != nil || ago > 2*time.Hour || ago < 2*time.Hour-time.Minute {
		t.Errorf("since %q is %v ago, %v; want 2h", q.Get("since"), ago, err)
	}
	if got := q.Get("until"); got != "2026-01-31T08:30:00Z" {
		t.Errorf("until %q", got)
	}
	if code, _, stderr := ran("webhook", "list", "--since", "yesterday", "--gateway", s.URL); code != exitUsage || !strings.Contains(stderr, "2h") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestAListIsFollowedOverItsPages(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := map[string]string{
			"": `{"hosts":[{"host":"a.example","held":true,"held_since":"2026-01-31T09:30:00.000Z"}],"next":"c1"}`, "c1": `{"hosts":[{"host":"b.example"}],"next":null}`,
		}
		_, _ = io.WriteString(w, page[r.URL.Query().Get("cursor")])
	}))
	t.Cleanup(s.Close)
	if code, stdout, stderr := ran("host", "list", "--gateway", s.URL); code != 0 || !strings.Contains(stdout, "a.example") ||
		!strings.Contains(stdout, "b.example") || !strings.Contains(stdout, "paused, ") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
	const want = `{"hosts":[{"host":"a.example","held":true,"held_since":"2026-01-31T09:30:00.000Z"},{"host":"b.example"}],"next":null}`
	if _, stdout, _ := ran("host", "list", "-o", "json", "--gateway", s.URL); strings.TrimSpace(stdout) != want {
		t.Errorf("%s", stdout)
	}
}

func TestALogOfWhichThereMayBeMoreSaysSo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := map[string]string{
			"": `{"webhooks":[{"id":"1","host":"a.example"}],"next":"c1"}`, "c1": `{"webhooks":[{"id":"2","host":"b.example"}],"next":null}`,
		}
		_, _ = io.WriteString(w, page[r.URL.Query().Get("cursor")])
	}))
	t.Cleanup(s.Close)
	for limit, told := range map[string]bool{"1": true, "2": false, "3": false} {
		if code, stdout, stderr := ran("webhook", "list", "--limit", limit, "--gateway", s.URL); code != 0 || strings.Contains(stderr, "there may be more") != told {
			t.Errorf("--limit %s: exit %d: %s%s", limit, code, stdout, stderr)
		}
	}
}

func TestOneSubscriptionIsNotMany(t *testing.T) {
	for matched, want := range map[int]string{0: "e1: 0 subscriptions\n", 1: "e1: 1 subscription\n", 2: "e1: 2 subscriptions\n"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"id":"e1","matched":%d,"deliveries":[]}`, matched)
		}))
		if code, stdout, stderr := ran("event", "send", "a", "--data", "{}", "--gateway", s.URL); code != 0 || !strings.Contains(stdout+stderr, want) {
			t.Errorf("exit %d: %s%s", code, stdout, stderr)
		}
		s.Close()
	}
}

// ran runs the command and returns its exit code and what it printed.
func ran(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}
