package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// harness is a server in a synctest bubble and a way to call it.
type harness struct {
	t      *testing.T
	server *Server
	ln     *fasthttputil.InmemoryListener
	served chan error
}

// inBubble runs test against a server of that configuration, in virtual time. The virtual clock begins on a whole
// second, so windows of a second begin with the test.
func inBubble(t *testing.T, config Config, test func(t *testing.T, h *harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		config.NoDate = true
		s, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		h := &harness{t: t, server: s, ln: fasthttputil.NewInmemoryListener(), served: make(chan error, 1)}
		go func() { h.served <- s.Serve(h.ln) }()
		test(t, h)
		h.stop(nil)
		time.Sleep(time.Minute) // fasthttp's idle workers end; a bubble must be left empty
	})
}

// stop ends the server and checks how it ended; a second call does nothing.
func (h *harness) stop(want error) {
	h.t.Helper()
	if h.served == nil {
		return
	}
	if err := h.server.Shutdown(h.t.Context()); !errors.Is(err, want) {
		h.t.Errorf("Shutdown: %v, want %v", err, want)
	}
	if err := <-h.served; err != nil {
		h.t.Errorf("Serve: %v", err)
	}
	h.served = nil
}

// answer is a response as it came over the wire.
type answer struct {
	status int
	lines  []string // header lines as spelled
	body   string
}

func (a answer) has(line string) bool { return slices.Contains(a.lines, line) }

// send makes one call on a connection of its own.
func (h *harness) send(method, target, body string, headers ...string) answer {
	h.t.Helper()
	conn, err := h.ln.Dial()
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return h.sendOn(conn, method, target, body, headers...)
}

func (h *harness) sendOn(conn net.Conn, method, target, body string, headers ...string) answer {
	h.t.Helper()
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: sink\r\n", method, target)
	for _, line := range headers {
		request += line + "\r\n"
	}
	if body != "" {
		request += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := io.WriteString(conn, request+"\r\n"+body); err != nil {
		h.t.Fatal(err)
	}
	var wire bytes.Buffer
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &wire)), nil)
	if err != nil {
		h.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	head, _, _ := strings.Cut(wire.String(), "\r\n\r\n")
	return answer{response.StatusCode, strings.Split(head, "\r\n")[1:], string(text)}
}

func (h *harness) wantStatus(want int, a answer) {
	h.t.Helper()
	if a.status != want {
		h.t.Errorf("status %d, want %d", a.status, want)
	}
}

func fixed(limit int, per time.Duration) destination.Spec {
	return destination.Spec{Algorithm: destination.Fixed, Limit: limit, Per: per}
}

func TestCallsBeyondTheLimitAreRefusedAndAllAreTold(t *testing.T) {
	config := Config{Limiter: fixed(2, time.Second), Headers: destination.XRateLimitDelta}
	inBubble(t, config, func(t *testing.T, h *harness) {
		for i, want := range []struct{ status, remaining int }{{200, 1}, {200, 0}, {429, 0}} {
			a := h.send("POST", "/hook", fmt.Sprint(i))
			h.wantStatus(want.status, a)
			if !a.has("X-Rate-Limit-Limit: 2") || !a.has("X-Rate-Limit-Reset: 1") ||
				!a.has(fmt.Sprintf("X-Rate-Limit-Remaining: %d", want.remaining)) {
				t.Errorf("call %d: headers %q", i, a.lines)
			}
		}
		time.Sleep(time.Second)
		h.wantStatus(200, h.send("POST", "/hook", "4"))
	})
}

func TestHeaderNamesAreSpelledAsTheDraftsSpellThem(t *testing.T) {
	config := Config{Limiter: fixed(2, time.Minute), Headers: destination.Draft6}
	inBubble(t, config, func(t *testing.T, h *harness) {
		a := h.send("POST", "/", "")
		for _, line := range []string{"RateLimit-Policy: 2;w=60", "RateLimit-Limit: 2", "RateLimit-Remaining: 1"} {
			if !a.has(line) {
				t.Errorf("no %q in %q", line, a.lines)
			}
		}
	})
}

func TestRetryAfterComesWithRefusalsOnly(t *testing.T) {
	config := Config{Limiter: fixed(1, 10*time.Second), Headers: destination.RetryAfterOnly, FailFor: time.Second}
	inBubble(t, config, func(t *testing.T, h *harness) {
		var got []string
		for _, wait := range []time.Duration{0, time.Second, 0} {
			time.Sleep(wait)
			a := h.send("POST", "/", "")
			got = append(got, fmt.Sprint(a.status))
			for _, line := range a.lines {
				if strings.HasPrefix(line, "Retry-After") {
					got = append(got, line)
				}
			}
		}
		if s := strings.Join(got, " "); !strings.HasPrefix(s, "500 200 429 Retry-After: ") {
			t.Errorf("answers %s; want Retry-After with the 429 alone", s)
		}
	})
}

func TestFailForCountsFromTheFirstCallAndSpendsNoAllowance(t *testing.T) {
	config := Config{Limiter: fixed(2, time.Hour), Headers: destination.XRateLimitDelta, FailFor: 30 * time.Second}
	inBubble(t, config, func(t *testing.T, h *harness) {
		time.Sleep(time.Minute) // nothing was asked yet, so nothing has failed yet
		for range 5 {
			a := h.send("POST", "/", "")
			h.wantStatus(500, a)
			if !a.has("X-Rate-Limit-Remaining: 2") {
				t.Errorf("a failed call spent allowance: %q", a.lines)
			}
		}
		time.Sleep(30*time.Second - time.Nanosecond)
		h.wantStatus(500, h.send("POST", "/", ""))
		time.Sleep(time.Nanosecond)
		for _, want := range []int{200, 200, 429} {
			h.wantStatus(want, h.send("POST", "/", ""))
		}
		stats := h.server.Stats()
		if stats.Failed != 6 || stats.Accepted != 2 || stats.Refused != 1 || stats.Received != 9 {
			t.Errorf("stats %+v", stats)
		}
	})
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		name          string
		config        Config
		before, after int // within and after a second
	}{
		{"default", Config{}, 200, 200},
		{"for good", Config{Status: 503}, 503, 503},
		{"while failing", Config{Status: 503, FailFor: time.Second}, 503, 200},
		{"default while failing", Config{FailFor: time.Second}, 500, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, c.config, func(_ *testing.T, h *harness) {
				h.wantStatus(c.before, h.send("POST", "/", ""))
				time.Sleep(time.Second)
				h.wantStatus(c.after, h.send("POST", "/", ""))
			})
		})
	}
}

func TestLatencyHoldsEachResponseAndNoOther(t *testing.T) {
	inBubble(t, Config{Latency: 3 * time.Second}, func(t *testing.T, h *harness) {
		begin := time.Now()
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() { h.send("POST", "/", "") })
		}
		calls.Wait()
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("50 calls at once took %s, want 3s", took)
		}
	})
}

func TestAQueuedCallIsAnsweredAtItsTurn(t *testing.T) {
	config := Config{
		Limiter: destination.Spec{Algorithm: destination.LeakyQueue, Limit: 1, Per: time.Second, Burst: 4},
		Latency: 100 * time.Millisecond,
	}
	inBubble(t, config, func(t *testing.T, h *harness) {
		begin := time.Now()
		var calls sync.WaitGroup
		for range 4 {
			calls.Go(func() { h.wantStatus(200, h.send("POST", "/", "")) })
		}
		calls.Wait()
		if took, want := time.Since(begin), 3*time.Second+100*time.Millisecond; took != want {
			t.Errorf("4 calls through a queue of one a second took %s, want %s", took, want)
		}
	})
}

func TestConcurrencyIsHeldUntilTheAnswer(t *testing.T) {
	config := Config{
		Limiter: destination.Spec{Algorithm: destination.Concurrency, Limit: 2},
		Latency: time.Second,
	}
	inBubble(t, config, func(t *testing.T, h *harness) {
		for range 2 { // the second round finds both places free again
			var calls sync.WaitGroup
			for range 5 {
				calls.Go(func() { h.send("POST", "/", "") })
			}
			calls.Wait()
		}
		if stats := h.server.Stats(); stats.Accepted != 4 || stats.Refused != 6 {
			t.Errorf("%d accepted and %d refused, want 4 and 6", stats.Accepted, stats.Refused)
		}
	})
}

func TestShutdownAnswersWhatWaits(t *testing.T) {
	inBubble(t, Config{Latency: time.Hour}, func(t *testing.T, h *harness) {
		begin := time.Now()
		answered := make(chan answer, 1)
		go func() { answered <- h.send("POST", "/", "") }()
		synctest.Wait()
		h.stop(nil)
		h.wantStatus(200, <-answered)
		if took := time.Since(begin); took >= time.Minute {
			t.Errorf("Shutdown took %s", took)
		}
	})
}

func TestDuplicatesAreSecondAcceptancesOfAWebhook(t *testing.T) {
	config := Config{Limiter: fixed(7, time.Hour)}
	inBubble(t, config, func(t *testing.T, h *harness) {
		for i, c := range []struct {
			method, target, body, id string
			duplicates               int // after it
		}{
			{"POST", "/a", "x", "Webhook-Id: 1", 0},
			{"POST", "/a", "x", "webhook-id: 2", 0}, // another id, though all else is the same
			{"PUT", "/b", "y", "webhook-id: 1", 1},  // the same id, though all else differs
			{"POST", "/a", "x", "X-Any: 1", 1},      // no id: known by what it is
			{"POST", "/a?q", "x", "X-Any: 1", 1},
			{"POST", "/a", "z", "X-Any: 1", 1},
			{"POST", "/a", "x", "X-Any: 2", 2},
			{"POST", "/a", "x", "webhook-id: 1", 2}, // refused: no duplicate, for nothing was done
		} {
			h.send(c.method, c.target, c.body, c.id)
			if got := h.server.Stats().Duplicates; got != c.duplicates {
				t.Errorf("after call %d: %d duplicates, want %d", i, got, c.duplicates)
			}
		}
	})
}

func TestMaxPerSecondSlides(t *testing.T) {
	// 3 calls late in one second and 4 early in the next: no clock second has more than 4, one sliding second all 7.
	inBubble(t, Config{}, func(t *testing.T, h *harness) {
		time.Sleep(900 * time.Millisecond)
		for i := range 7 {
			if i == 3 {
				time.Sleep(200 * time.Millisecond)
			}
			h.send("POST", "/", "")
		}
		time.Sleep(800 * time.Millisecond) // a full second after the first three
		for range 3 {
			h.send("POST", "/", "")
		}
		if got := h.server.Stats().MaxPerSecond; got != 7 {
			t.Errorf("MaxPerSecond %d, want 7", got)
		}
	})
}

func TestStatsAreServedAndNotCounted(t *testing.T) {
	config := Config{Limiter: fixed(1, time.Hour), FailFor: time.Second}
	inBubble(t, config, func(t *testing.T, h *harness) {
		const none = `{"received":0,"accepted":0,"refused":0,"failed":0,"duplicates":0,"max_per_second":0,` +
			`"first_at":null,"last_at":null,"by_status":{}}` + "\n"
		for range 2 {
			if a := h.send("GET", "/_stats", ""); a.body != none || !a.has("Content-Type: application/json") {
				t.Errorf("before the first call: %q %q", a.lines, a.body)
			}
		}
		time.Sleep(1500 * time.Millisecond) // asking did not begin the failing
		for range 2 {
			h.send("POST", "/hook", "")
			time.Sleep(time.Second)
		}
		h.send("POST", "/_stats", "")
		const want = `{"received":3,"accepted":1,"refused":1,"failed":1,"duplicates":0,"max_per_second":1,` +
			`"first_at":"2000-01-01T00:00:01.500Z","last_at":"2000-01-01T00:00:03.500Z",` +
			`"by_status":{"200":1,"429":1,"500":1}}` + "\n"
		if a := h.send("GET", "/_stats", ""); a.body != want {
			t.Errorf("stats\n%swant\n%s", a.body, want)
		}
	})
}

func TestConnectionsAreReused(t *testing.T) {
	inBubble(t, Config{}, func(_ *testing.T, h *harness) {
		conn, err := h.ln.Dial()
		if err != nil {
			h.t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		for i := range 3 {
			h.wantStatus(200, h.sendOn(conn, "POST", "/", fmt.Sprint(i)))
		}
	})
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := New(Config{Limiter: destination.Spec{Algorithm: "lava", Limit: 1, Per: time.Second}, Headers: "loud",
		Latency: -time.Second, Status: 42, FailFor: -1})
	for _, want := range []string{`algorithm "lava"`, `headers "loud"`, "latency -1s", "status 42: must be 200 to 599",
		"fail for -1ns"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v; want %q in it", err, want)
		}
	}
}

func TestShutdownGivesUpWhenItsContextEnds(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, h *harness) {
		conn, err := h.ln.Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := io.WriteString(conn, "POST /slow HTTP/1.1\r\n"); err != nil { // the rest takes its time
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v, want %v", err, context.DeadlineExceeded)
		}
		if _, err := io.WriteString(conn, "Host: sink\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := h.server.Stats().Accepted; got != 1 {
			t.Errorf("%d calls answered, want the one that was under way", got)
		}
	})
}

// logLine is a line of the log as a reader of it sees it.
type logLine struct {
	TimeNs    int64  `json:"time_ns"`
	WebhookID string `json:"webhook_id"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Status    int    `json:"status"`
	Size      int    `json:"size"`
	Sha256    string `json:"sha256"`
}

func readLog(t *testing.T, text string) (lines []logLine) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	for decoder.More() {
		var line logLine
		if err := decoder.Decode(&line); err != nil {
			t.Fatalf("log %q: %v", text, err)
		}
		lines = append(lines, line)
	}
	return lines
}
