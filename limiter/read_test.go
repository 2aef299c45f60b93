package limiter

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
	"time"
)

// headerCase is one response of testdata/*.json, and what must be read from it.
type headerCase struct {
	Name, Source, Note string
	Status             int
	Headers            map[string]string
	Body               string
	Now                time.Time
	Expect             struct {
		RetryAfterMs     *int64 `json:"retry_after_ms"`
		Limit            *int64 `json:"limit"`
		Remaining        *int64 `json:"remaining"`
		ResetAtMsFromNow *int64 `json:"reset_at_ms_from_now"`
		WindowMs         *int64 `json:"window_ms"`
	}
}

func loadCases(t testing.TB) []headerCase {
	t.Helper()
	var all []headerCase
	for _, file := range []string{"testdata/header_cases.json", "testdata/more_cases.json"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []headerCase
		if err := json.Unmarshal(b, &cases); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, cases...)
	}
	return all
}

// read reads the case with its fields in the order of their names, forwards or backwards.
func (c *headerCase) read(r *Reader, backwards bool) Hint {
	r.Reset(c.Status, c.Now, c.Now)
	names := make([]string, 0, len(c.Headers))
	for name := range c.Headers {
		names = append(names, name)
	}
	slices.Sort(names)
	if backwards {
		slices.Reverse(names)
	}
	for _, name := range names {
		r.Field([]byte(name), []byte(c.Headers[name]))
	}
	r.Body([]byte(c.Body))
	var h Hint
	r.Hint(&h)
	return h
}

func TestEveryDialectIsRead(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range loadCases(t) {
		if seen[c.Name] {
			t.Errorf("two cases are called %s", c.Name)
		}
		seen[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			for _, backwards := range []bool{false, true} {
				h := c.read(new(Reader), backwards)
				compare(t, "retry_after_ms", c.Expect.RetryAfterMs, h.HasRetryAfter, ms(h.RetryAfter))
				w := Window{Limit: Unknown, Remaining: Unknown}
				if b := h.Binding(); b != nil {
					w = *b
				}
				compare(t, "limit", c.Expect.Limit, w.Limit != Unknown, w.Limit)
				compare(t, "remaining", c.Expect.Remaining, w.Remaining != Unknown, w.Remaining)
				compare(t, "reset_at_ms_from_now", c.Expect.ResetAtMsFromNow, w.HasReset, ms(w.ResetAt.Sub(c.Now)))
				compare(t, "window_ms", c.Expect.WindowMs, w.Length > 0, ms(w.Length))
				if t.Failed() {
					t.Fatalf("backwards %v: %v\nread %+v", backwards, c.Headers, h)
				}
			}
		})
	}
}

func compare(t *testing.T, what string, want *int64, told bool, got int64) {
	t.Helper()
	switch {
	case want == nil && told:
		t.Errorf("%s: read %d, want nothing", what, got)
	case want != nil && !told:
		t.Errorf("%s: read nothing, want %d", what, *want)
	case want != nil && *want != got:
		t.Errorf("%s: read %d, want %d", what, got, *want)
	}
}

func ms(d time.Duration) int64 { return int64(math.Round(float64(d) / float64(time.Millisecond))) }

// Traefik rounds Retry-After up to whole seconds and tells the same in X-Retry-In; of a bucket that is filled a hundred times
// a second, the difference is a second of silence for ten milliseconds.
func TestARoundedDelayIsKeptAsFineAsItIsTold(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after, in string
		want      time.Duration
	}{
		{"1", "9.989896ms", 9989896 * time.Nanosecond},
		{"2", "1.5s", 1500 * time.Millisecond},
		{"30", "10ms", 0}, // it is about something else
		{"1", "soon", 0},
		{"", "10ms", 10 * time.Millisecond}, // oxy
	} {
		var r Reader
		var h Hint
		r.Reset(429, at, at)
		r.Field([]byte("Retry-After"), []byte(c.after))
		r.Field([]byte("X-Retry-In"), []byte(c.in))
		if r.Hint(&h); h.RetryIn != c.want {
			t.Errorf("Retry-After: %s, X-Retry-In: %s: read as %s, want %s", c.after, c.in, h.RetryIn, c.want)
		}
	}
}

// TestAPolicyOfFewerCallsThanTheLimitIsAGateOfItsOwn: a bucket tells what it holds as its limit, and how it is filled as its policy.
func TestAPolicyOfFewerCallsThanTheLimitIsAGateOfItsOwn(t *testing.T) {
	var r Reader
	now := time.Unix(1e9, 0)
	r.Reset(200, now, now)
	r.Field([]byte("RateLimit-Policy"), []byte("5;w=10"))
	r.Field([]byte("RateLimit"), []byte("limit=10, remaining=9, reset=2"))
	var h Hint
	r.Hint(&h)
	found := false
	for _, w := range h.Windows[:h.N] {
		found = found || w.Limit == 5 && w.Length == 10*time.Second
	}
	if h.N != 2 || !found {
		t.Errorf("%d windows, %+v; want 10 calls of which 9 remain, and 5 in 10 s", h.N, h.Windows[:h.N])
	}
}
