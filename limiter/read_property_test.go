package limiter

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// faults lists what no hint may say, whatever a destination sent.
func faults(h *Hint, received time.Time) []string {
	var found []string
	fault := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	if h.RetryAfter < 0 || h.RetryAfter > maxDelay || !h.HasRetryAfter && h.RetryAfter != 0 {
		fault("RetryAfter %v (told: %v)", h.RetryAfter, h.HasRetryAfter)
	}
	if !(h.Rate >= 0) || math.IsInf(h.Rate, 0) {
		fault("Rate %v", h.Rate)
	}
	if h.N < 0 || h.N > MaxWindows {
		fault("N %d", h.N)
	}
	for i, w := range h.Windows[:h.N] {
		if w.Limit < Unknown || w.Limit > maxCount || w.Remaining < Unknown || w.Remaining > maxCount {
			fault("window %d: %d of %d", i, w.Remaining, w.Limit)
		}
		if w.Length < 0 || w.Length > MaxReset {
			fault("window %d: length %v", i, w.Length)
		}
		if len(w.Name) > maxLabel || len(w.Unit) > maxLabel {
			fault("window %d: a name of %d bytes, a unit of %d", i, len(w.Name), len(w.Unit))
		}
		if w.Unit == "" || w.Source == "" {
			fault("window %d: unit %q, source %q", i, w.Unit, w.Source)
		}
		if !w.HasReset {
			if w.ResetForm != ResetUntold || !w.ResetAt.IsZero() || w.Reset != (Interval{}) {
				fault("window %d: a reset that was not told: %+v", i, w)
			}
			continue
		}
		if w.Reset.Lo.After(w.Reset.Hi) || w.Reset.Lo.Before(received) || w.Reset.Hi.After(received.Add(MaxReset)) {
			fault("window %d: reset between %v and %v", i, w.Reset.Lo, w.Reset.Hi)
		}
		if w.ResetAt.Before(received) || w.ResetAt.After(received.Add(MaxReset)) {
			fault("window %d: reset at %v", i, w.ResetAt)
		}
		if !(w.ResetRaw >= 0) || math.IsInf(w.ResetRaw, 0) || w.ResetForm == ResetUntold {
			fault("window %d: raw reset %v as %v", i, w.ResetRaw, w.ResetForm)
		}
	}
	return found
}

func TestADestinationsNamesAreKeptUpToTheirBound(t *testing.T) {
	long := "x" + strings.Repeat("ä", 200)
	var r Reader
	r.Reset(200, noon, noon)
	r.Field([]byte("RateLimit"), []byte(`"`+long+`";r=5;t=5;qu="`+long+`"`))
	var h Hint
	r.Hint(&h)
	want := long[:maxLabel-1] // no half of a letter
	if h.N != 1 || h.Windows[0].Name != want || h.Windows[0].Unit != want {
		t.Errorf("read %+v, want name and unit %q", h.Windows[:h.N], want)
	}
	b := New(DefaultConfig(), noon)
	b.Restore(Snapshot{Version: SnapshotVersion, At: noon.UnixMilli(), Windows: []SavedWindow{{
		Name: long, Source: "RateLimit", Limit: 10, PerMs: 10_000,
	}}}, noon)
	if len(b.windows) != 1 || b.windows[0].name != want {
		t.Errorf("restored %d windows, want one named %q", len(b.windows), want)
	}
}

// FuzzReader reads any response head with a reader and a dialect that have read it once before.
func FuzzReader(f *testing.F) {
	for _, c := range loadCases(f) {
		var head bytes.Buffer
		for name, value := range c.Headers {
			fmt.Fprintf(&head, "%s: %s\n", name, value)
		}
		f.Add(head.Bytes(), []byte(c.Body), c.Status, int64(0))
	}
	f.Fuzz(func(t *testing.T, head, body []byte, status int, rtt int64) {
		received := noon
		sent := received.Add(-time.Duration(rtt))
		var r Reader
		var d Dialect
		for range 2 {
			r.Reset(status, sent, received)
			for line := range bytes.Lines(head) {
				name, value, _ := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(":"))
				r.Field(name, bytes.TrimSpace(value))
			}
			r.Body(body)
			var h Hint
			r.Hint(&h)
			if found := faults(&h, received); found != nil {
				t.Fatalf("read: %v", found)
			}
			d.Resolve(&h, sent, received)
			if found := faults(&h, received); found != nil {
				t.Fatalf("resolved: %v", found)
			}
			received, sent = received.Add(1500*time.Millisecond), sent.Add(1500*time.Millisecond)
		}
	})
}

// field is a header field as a destination might send it.
type field struct{ name, value string }

// vocabulary returns names and values to make heads of: those of the cases, and values that are extreme, ill-formed or
// of another family.
func vocabulary(tb testing.TB) (names, values []string) {
	for _, c := range loadCases(tb) {
		for name, value := range c.Headers {
			names, values = append(names, name), append(values, value)
		}
	}
	return names, append(values, "", "0", "-1", "-0", "1e308", "-1e308", "9223372036854775807", "18446744073709551616", "1e15",
		"1e15, 1e15;w=1e15", "NaN", "Inf", "0.0000001", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00+14:00",
		"Fri, 31 Dec 9999 23:59:59 GMT", `"a";r=1e99;t=1e99`, "limit=-1, remaining=-1, reset=-1", "2678400", "2678400001",
		"0/0", "1/0", "5:0, 0:5", "99999999h", "1e15r/m", "1;w=-1", "30/10",
		`"`+strings.Repeat("ä", 200)+`";r=5;t=5;qu="`+strings.Repeat("u", 200)+`"`)
}

func TestNoHeadersMakeAHintThatCannotBe(t *testing.T) {
	names, values := vocabulary(t)
	rng := rand.New(rand.NewPCG(1, 2))
	var r Reader
	for range 20_000 {
		received := noon.Add(time.Duration(rng.Int64N(int64(time.Hour))))
		sent := received.Add(-time.Duration(rng.Int64N(int64(3 * time.Second))))
		r.Reset([]int{200, 429, 503, 403, 400}[rng.IntN(5)], sent, received)
		var sentFields []field
		for range 1 + rng.IntN(10) {
			f := field{names[rng.IntN(len(names))], values[rng.IntN(len(values))]}
			sentFields = append(sentFields, f)
			r.Field([]byte(f.name), []byte(f.value))
		}
		var h Hint
		r.Hint(&h)
		if found := faults(&h, received); found != nil {
			t.Fatalf("%v\nread from %q", found, sentFields)
		}
	}
}

// Whatever is sent as headers, a lane is held no longer than max_pause (ten minutes where no refusal asked for it, a
// day's or month's window that was spent excepted: that is its allowance) and never sends above its ceiling.
func TestNoHeadersPauseALaneBeyondTheClampOrSendAboveTheCeiling(t *testing.T) {
	names, values := vocabulary(t)
	const ceiling, maxPause = 50.0, 5 * time.Minute
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		cfg := Config{Ceiling: ceiling, MaxPause: maxPause, ConcurrencyStart: 512}
		now := noon
		b := New(cfg, now)
		var r Reader
		var started []time.Time
		for range 400 {
			at, why := b.ReadyAt(now)
			if why == Ready {
				b.Start(now)
				started = append(started, now)
				sent := now
				now = now.Add(time.Duration(rng.Int64N(int64(5 * time.Millisecond))))
				status := []int{200, 200, 200, 429, 503, 403}[rng.IntN(6)]
				r.Reset(status, sent, now)
				for range rng.IntN(5) {
					r.Field([]byte(names[rng.IntN(len(names))]), []byte(values[rng.IntN(len(values))]))
				}
				var h Hint
				r.Hint(&h)
				b.Observe(now, Observation{Sent: sent, Received: now, Status: status, Hint: &h})
				if until := b.View(now).PausedUntil; until.Sub(now) > maxPause*11/10 {
					t.Fatalf("seed %d: paused for %v by %+v", seed, until.Sub(now), h)
				}
				continue
			}
			if at.Equal(Never) {
				t.Fatalf("seed %d: waits for ever for %v with nothing in flight", seed, why)
			}
			now = at
		}
		for i := range started {
			within := 0
			for _, s := range started[i:] {
				if s.Sub(started[i]) >= time.Second {
					break
				}
				within++
			}
			if float64(within) > ceiling+2 { // the pacer lets a late timer catch up
				t.Fatalf("seed %d: %d calls within a second, the ceiling is %v", seed, within, ceiling)
			}
		}
	}
}

func TestOrderOfFieldsChangesNothing(t *testing.T) {
	for _, c := range loadCases(t) {
		a, b := c.read(new(Reader), false), c.read(new(Reader), true)
		if x, y := a.Binding(), b.Binding(); (x == nil) != (y == nil) || x != nil && *x != *y {
			t.Errorf("%s: %+v\nbackwards: %+v", c.Name, x, y)
		}
	}
}

func TestReaderForgetsTheResponseBefore(t *testing.T) {
	var r Reader
	for _, c := range loadCases(t) {
		if used, fresh := c.read(&r, false), c.read(new(Reader), false); used != fresh {
			t.Errorf("%s: a used reader says %+v, a fresh one %+v", c.Name, used, fresh)
		}
	}
}
