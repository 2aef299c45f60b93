package limiter

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/bench/destination"
)

// told is one response of a host with a given Limit and Reset.
func told(limit, reset, date string, sent, received time.Time) Hint {
	var r Reader
	r.Reset(200, sent, received)
	r.Field([]byte("X-RateLimit-Limit"), []byte(limit))
	r.Field([]byte("X-RateLimit-Remaining"), []byte("1"))
	r.Field([]byte("X-RateLimit-Reset"), []byte(reset))
	r.Field([]byte("Date"), []byte(date))
	var h Hint
	r.Hint(&h)
	return h
}

func TestSlopeTellsTheUnit(t *testing.T) {
	const rtt = 50 * time.Millisecond
	for _, c := range []struct {
		name  string
		reset func(left time.Duration) string
		want  ResetForm
	}{
		{"seconds, rounded up", func(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }, DeltaSeconds},
		{"seconds, rounded down", func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }, DeltaSeconds},
		{"milliseconds", func(d time.Duration) string { return strconv.Itoa(int(d / time.Millisecond)) }, DeltaMillis},
		{"a constant", func(time.Duration) string { return "60" }, Constant},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Dialect
			var h Hint
			const window = 10 * time.Minute
			for at := time.Duration(0); at < window; at += 3700 * time.Millisecond {
				received := noon.Add(at)
				h = told("100", c.reset(window-at), "", received.Add(-rtt), received)
				d.Resolve(&h, received.Add(-rtt), received)
				if found := faults(&h, received); found != nil {
					t.Fatal(found)
				}
				w := h.Windows[0]
				end := noon.Add(window)
				if c.want == DeltaMillis && at > 20*time.Second || c.want == DeltaSeconds {
					if w.Reset.Lo.After(end) || w.Reset.Hi.Before(end) {
						t.Fatalf("after %v the window ends between %v and %v, want %v", at, w.Reset.Lo, w.Reset.Hi, end)
					}
				}
			}
			if got := h.Windows[0].ResetForm; got != c.want {
				t.Errorf("read as %v, want %v", got, c.want)
			}
		})
	}
}

func TestAConstantResetMayEndAtOnce(t *testing.T) {
	var d Dialect
	var h Hint
	received := noon
	for range 4 {
		received = received.Add(4 * time.Second)
		h = told("5", "60", "", received, received)
		d.Resolve(&h, received, received)
	}
	if w := h.Windows[0]; !w.Reset.Lo.Equal(received) || w.Reset.Hi.Before(received.Add(time.Minute)) {
		t.Errorf("between %v and %v of %v, want anywhere within the minute", w.Reset.Lo, w.Reset.Hi, received)
	}
}

// One comparison may have met two windows; a value that rises is of a new one.
func TestOneFallOrARiseSettlesNothing(t *testing.T) {
	var d Dialect
	received := noon
	for _, reset := range []string{"3600", "100", "3600", "100", "3599"} { // falls as milliseconds would, once each
		h := told("100", reset, "", received, received)
		d.Resolve(&h, received, received)
		if got := h.Windows[0].ResetForm; got != DeltaSeconds {
			t.Fatalf("%s read as %v, want %v", reset, got, DeltaSeconds)
		}
		received = received.Add(7 * time.Second)
	}
}

func TestADialectIsRememberedPerWindow(t *testing.T) {
	var d Dialect
	for i := range 4 {
		received := noon.Add(time.Duration(i) * 2 * time.Second)
		h := told("100", strconv.Itoa(600_000-2000*i), "", received, received)
		d.Resolve(&h, received, received)
	}
	later := noon.Add(time.Hour)
	known := told("100", "5000", "", later, later)
	d.Resolve(&known, later, later)
	if got := known.Windows[0].ResetAt.Sub(later); got != 5*time.Second {
		t.Errorf("the window that told milliseconds ends in %v, want 5s", got)
	}
	other := known
	other.Windows[0].Source, other.Windows[0].ResetForm = "RateLimit-*", DeltaSeconds
	d.Resolve(&other, later, later)
	if got := other.Windows[0].ResetForm; got != DeltaSeconds {
		t.Errorf("another family is read as %v, want %v", got, DeltaSeconds)
	}
}

// The host's clock is ahead by less than what its Date alone would correct: only the median tells.
func TestSkewIsTheMedianOfWhatDateTells(t *testing.T) {
	const ahead = 1300 * time.Millisecond
	const rtt = 80 * time.Millisecond
	rng := rand.New(rand.NewPCG(3, 4))
	var d Dialect
	var h Hint
	var received time.Time
	end := noon.Add(time.Hour)
	for i := range 30 {
		received = noon.Add(time.Duration(i)*time.Second + time.Duration(rng.Int64N(int64(time.Second))))
		theirs := received.Add(-rtt / 2).Add(ahead)
		date := theirs.Truncate(time.Second).Format("Mon, 02 Jan 2006 15:04:05 GMT")
		reset := strconv.FormatInt(end.Add(ahead).Unix(), 10)
		h = told("100", reset, date, received.Add(-rtt), received)
		d.Resolve(&h, received.Add(-rtt), received)
	}
	skew, known := d.Skew()
	if !known || (skew-ahead).Abs() > skewSlack {
		t.Errorf("skew %v (known: %v), want %v to within %v", skew, known, ahead, skewSlack)
	}
	if w := h.Windows[0]; w.Reset.Lo.After(end) || w.Reset.Hi.Before(end) {
		t.Errorf("the window ends between %v and %v, want %v", w.Reset.Lo, w.Reset.Hi, end)
	}
}

func TestOverrides(t *testing.T) {
	override := func(family, reset string, ignore ...string) *Override {
		o, err := NewOverride(family, reset, ignore)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	read := func(o *Override) Hint {
		var r Reader
		r.Use(o)
		r.Reset(429, noon, noon)
		for _, f := range fields("X-RateLimit-Limit", "10", "X-RateLimit-Remaining", "1", "X-Rate-Limit-Limit", "70",
			"X-Rate-Limit-Remaining", "60", "X-Rate-Limit-Reset", "5000", "Retry-After", "7", "Sforce-Limit-Info", "api-usage=5/5") {
			r.Field(f.name, f.value)
		}
		var h Hint
		r.Hint(&h)
		return h
	}
	if h := read(override("X-Rate-Limit-*", "")); h.N != 1 || h.Windows[0].Limit != 70 || !h.HasRetryAfter {
		t.Errorf("family: %+v, want the window of 70 alone, and the delay", h)
	}
	if h := read(override("x-rate-limit", "delta-milliseconds")); h.Windows[0].ResetAt.Sub(noon) != 5*time.Second {
		t.Errorf("reset: %+v, want 5 s", h.Windows[0])
	}
	if h := read(override("", "", "retry-after", "x-rate-limit*", "sforce-limit-info")); h.N != 1 || h.Windows[0].Limit != 10 || h.HasRetryAfter {
		t.Errorf("ignore: %+v, want the window of 10 alone", h)
	}
	for _, c := range []struct{ family, reset, ignore, want string }{
		{"", "seconds", "x-a", "delta-seconds"},
		{"", "constant", "x-a", "delta-seconds"},
		{"x rate", "", "x-a", "name of a field"},
		{"", "", "*", "want the name"},
	} {
		if _, err := NewOverride(c.family, c.reset, []string{c.ignore}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one that says %q", c, err, c.want)
		}
	}
}

// What is stored may be damaged, or of another release.
func FuzzDialect(f *testing.F) {
	f.Add("X-RateLimit-*", uint8(2), uint8(200), uint8(77), 5000.0, int64(1), int64(1<<62), "3000", int64(2000))
	f.Fuzz(func(t *testing.T, source string, form, measured, turn uint8, raw float64, at, skew int64, reset string, apart int64) {
		d := Dialect{Measured: measured, Turn: turn}
		for i := range d.Resets {
			d.Resets[i] = ResetMemory{Source: source, Form: ResetForm(form), Raw: raw, At: at, Votes: form, Limit: 10}
		}
		for i := range d.Skews {
			d.Skews[i] = skew
		}
		received := noon
		for range 3 {
			received = received.Add(time.Duration(apart % int64(time.Hour)))
			h := told("10", reset, "Sun, 01 Mar 2026 12:00:00 GMT", received, received)
			d.Resolve(&h, received, received)
			if found := faults(&h, received); found != nil {
				t.Fatal(found)
			}
		}
	})
}

func TestASkewThatDateCannotTellFromNoneMovesNoReset(t *testing.T) {
	for _, c := range []struct {
		skew  time.Duration
		moved bool
	}{{400 * time.Millisecond, false}, {-700 * time.Millisecond, false}, {90 * time.Second, true}} {
		var d Dialect
		for i := range 9 {
			received := noon.Add(time.Duration(i) * time.Second)
			d.measure(received.Add(c.skew-time.Second/2), received, received)
		}
		received := noon.Add(10 * time.Second)
		var r Reader
		r.Reset(200, received, received)
		r.Field([]byte("X-RateLimit-Limit"), []byte("20"))
		r.Field([]byte("X-RateLimit-Remaining"), []byte("3"))
		r.Field([]byte("X-RateLimit-Reset"), fmt.Appendf(nil, "%d", received.Add(c.skew.Truncate(time.Second)).Unix()+1))
		var h Hint
		r.Hint(&h)
		as := h.Windows[0].ResetAt
		d.Resolve(&h, received, received)
		if moved := !h.Windows[0].ResetAt.Equal(as); h.N != 1 || moved != c.moved {
			t.Errorf("skew %v: reset at %v was reread as %v", c.skew, as, h.Windows[0].ResetAt)
		}
	}
}

// A reset in milliseconds falls below a second's worth while it is open in which unit it is told, and that of a window of a second is never
// more: 900 of them are no quarter of an hour, in whatever phase of its window the lane begins.
func TestMillisecondsAreNotTakenForSecondsInWhateverPhase(t *testing.T) {
	for _, per := range []time.Duration{time.Second, 5 * time.Second, 10 * time.Second} {
		for _, limit := range []int{10, 100} {
			for phase := range 19 { // not its last 60 ms
				s := study{
					cfg: DefaultConfig(), spec: destination.Spec{Algorithm: destination.Fixed, Limit: limit, Per: per},
					dialect: destination.XRateLimitMs, rtt: 80 * time.Millisecond, noise: 2 * time.Millisecond,
					after: time.Duration(phase) * (per - 60*time.Millisecond) / 19, within: 2 * time.Minute,
				}
				if f := s.run(t); f.use(s.spec) < 0.95 || f.refused > 1 {
					t.Errorf("%d per %s, %s into a window: use %.3f, %d refused; want 0.95, 1", limit, per, s.after, f.use(s.spec), f.refused)
				}
			}
		}
	}
}
