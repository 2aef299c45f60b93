package limiter

import (
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"
)

func TestDatesAreReadAsNetHTTPReadsThem(t *testing.T) {
	for at := noon; at.Before(noon.Add(20 * 365 * day)); at = at.Add(97*day + 3*time.Hour + 7*time.Minute + 11*time.Second) {
		for _, layout := range []string{http.TimeFormat, time.RFC850, time.ANSIC, time.RFC3339, time.RFC1123, time.UnixDate} {
			text := at.Format(layout)
			got, _, ok := parseDate([]byte(text), at)
			if !ok || !got.Equal(at) {
				t.Errorf("%q: read %v (%v), want %v", text, got, ok, at)
			}
		}
	}
}

func TestDates(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Time // zero: not a date
		fine time.Duration
	}{
		{"2026-03-01T12:00Z", noon, time.Second},
		{"2026-03-01T14:00:00+02:00", noon, time.Second},
		{"2026-03-01T14:00:00+0200", noon, time.Second},
		{"2026-03-01 12:00:00", noon, time.Second},
		{"2026-03-01 12:00:00 UTC", noon, time.Second},
		{"2026-03-01 05:00:00 -0700", noon, time.Second},
		{"2026-03-01T12:00:00.5Z", noon.Add(500 * time.Millisecond), 100 * time.Millisecond},
		{"2026-03-01T12:00:00.123456789Z", noon.Add(123456789), time.Nanosecond},
		{"Sun, 01 Mar 2026 12:00:00 UTC", noon, time.Second},
		{"Sun, 01 Mar 2026 13:00:00 +0100", noon, time.Second},
		{"Sun Mar 01 2026 13:00:00 GMT+0100 (Central European Standard Time)", noon, time.Second},
		{"01 Mar 2026 12:00:00 GMT", noon, time.Second},
		{"Sunday, March 1, 2026 12:00:00 PM GMT", noon, time.Second},
		{"Sunday, March 1, 2026 12:00:00 AM GMT", noon.Add(-12 * time.Hour), time.Second},
		{"Sunday, March 1, 2026 13:00:00 PM GMT", time.Time{}, 0},
		{"Sunday, 06-Nov-94 08:49:37 GMT", time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC), time.Second},
		{"Saturday, 01-Mar-75 12:00:00 GMT", time.Date(2075, 3, 1, 12, 0, 0, 0, time.UTC), time.Second},
		{"Sun, 31 Feb 2026 12:00:00 GMT", time.Time{}, 0},
		{"2026-13-01T12:00:00Z", time.Time{}, 0},
		{"2026-03-01T25:00:00Z", time.Time{}, 0},
		{"2026-03-01T12:00:00+99:00", time.Time{}, 0},
		{"2026-03-01T12:00:00Zulu", time.Time{}, 0},
		{"Sun, 01 Mar 2026", time.Time{}, 0},
		{"Sun, 01 Mar 2026 12:00:00 CEST", time.Time{}, 0},
		{"soon, very soon indeed", time.Time{}, 0},
	} {
		got, fine, ok := parseDate([]byte(c.text), noon)
		if ok != !c.want.IsZero() || ok && (!got.Equal(c.want) || fine != c.fine) {
			t.Errorf("%q: read %v to %v (%v), want %v to %v", c.text, got, fine, ok, c.want, c.fine)
		}
	}
}

func TestDurationsAreReadAsTimeParseDurationReadsThem(t *testing.T) {
	for _, text := range []string{"1s", "6m0s", "12ms", "2m59.56s", "7.66s", "1h2m3.5s", "250us", "3µs", "100ns", "0s"} {
		want, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, ok := parseDuration([]byte(text)); !ok || got != want {
			t.Errorf("%q: read %v (%v), want %v", text, got, ok, want)
		}
	}
	for text, want := range map[string]time.Duration{
		"456 seconds": 456 * time.Second, "1 minute, 30 seconds": 90 * time.Second, "1d 2h": 26 * time.Hour,
		"00:00:03": 3 * time.Second, "01:02:03.5": time.Hour + 2*time.Minute + 3500*time.Millisecond,
	} {
		if got, _, ok := parseDuration([]byte(text)); !ok || got != want {
			t.Errorf("%q: read %v (%v), want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "5", "s", "5 parsecs", "1s2", "-5s", "12:30", "00:00:03s", "00:61:00", "99999999999999999h"} {
		if got, _, ok := parseDuration([]byte(text)); ok {
			t.Errorf("%q: read %v, want nothing", text, got)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"1", "-2", "1e1", "599.0", ".5", "5.", "1795282751.878692", "0x10", "inf", "1_000", "1e999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, _, ok := parseNumber([]byte(text))
		if !ok {
			return
		}
		want, err := strconv.ParseFloat(string(trim([]byte(text))), 64)
		if err != nil || math.Abs(got-want) > 1e-9*math.Abs(want) {
			t.Errorf("%q: read %v, strconv says %v, %v", text, got, want, err)
		}
	})
}

func TestRoundingIsAnInterval(t *testing.T) {
	rtt := 80 * time.Millisecond
	for _, c := range []struct {
		name, value, date string
		lo, hi            time.Duration
	}{
		{"a delta may be rounded either way, and was written since the request was sent", "5", "", 4*time.Second - rtt, 6 * time.Second},
		{"a fraction is rounded finer", "5.25", "", 5240*time.Millisecond - rtt, 5260 * time.Millisecond},
		{"an epoch is rounded too", "1772366405", "", 4 * time.Second, 6 * time.Second},
		{"in milliseconds by less", "1772366405000", "", 4999 * time.Millisecond, 5001 * time.Millisecond},
		{"a clock that is off is read from Date, which is cut to the second", "1772366705", "Sun, 01 Mar 2026 12:05:00 GMT",
			3*time.Second - rtt, 6 * time.Second},
		{"the past is now", "1772366300", "", 0, 0},
	} {
		var r Reader
		r.Reset(200, noon.Add(-rtt), noon)
		r.Field([]byte("Date"), []byte(c.date))
		r.Field([]byte("X-RateLimit-Reset"), []byte(c.value))
		r.Field([]byte("X-RateLimit-Remaining"), []byte("1"))
		var h Hint
		r.Hint(&h)
		if w := h.Windows[0]; w.Reset != (Interval{noon.Add(c.lo), noon.Add(c.hi)}) {
			t.Errorf("%s: between %v and %v, want %v and %v", c.name, w.Reset.Lo.Sub(noon), w.Reset.Hi.Sub(noon), c.lo, c.hi)
		}
	}
}
