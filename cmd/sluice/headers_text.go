package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/limiter"
)

// explain says in a few lines what a response told, and why it was read so.
func explain(h *limiter.Hint, rest []unread, status int, now time.Time, o *limiter.Override) string {
	var b strings.Builder
	if h.HasRetryAfter {
		fmt.Fprintf(&b, "the %d asks to be left alone for %s\n", status, seconds(h.RetryAfter))
	}
	for i := range h.N {
		w := &h.Windows[i]
		b.WriteString(explainWindow(w, now, o))
		switch {
		case w == h.Binding() && h.N > 1:
			b.WriteString("; this one binds first")
		case w.Unit != limiter.UnitRequests:
			b.WriteString("; counts no calls, so it never binds")
		}
		b.WriteByte('\n')
	}
	if h.Rate > 0 {
		fmt.Fprintf(&b, "%s calls per second are allowed\n", strconv.FormatFloat(h.Rate, 'g', 4, 64))
	}
	if h.Concurrency {
		b.WriteString("calls at once are limited, not calls per time\n")
	}
	if b.Len() == 0 {
		b.WriteString("nothing about limits\n")
	}
	for _, f := range rest {
		fmt.Fprintf(&b, "not read: %s: %s (%s)\n", printable(f.Name), printable(f.Value), f.Why)
	}
	return b.String()
}

func explainWindow(w *limiter.Window, now time.Time, o *limiter.Override) string {
	var parts []string
	limit, unit := "an untold number", ""
	if w.Limit != limiter.Unknown {
		limit = strconv.FormatInt(w.Limit, 10)
	}
	if w.Unit != limiter.UnitRequests {
		unit = " " + w.Unit
	}
	per := " per window of untold length"
	if w.Length > 0 {
		per = " per " + period(w.Length)
	}
	parts = append(parts, limit+unit+per)
	if w.Remaining != limiter.Unknown {
		parts = append(parts, strconv.FormatInt(w.Remaining, 10)+" left")
	}
	if w.HasReset {
		parts = append(parts, "resets in "+seconds(w.ResetAt.Sub(now)))
	}
	text := strings.Join(parts, ", ")
	if w.Name != "" {
		text = fmt.Sprintf("%s: %s", printable(w.Name), text)
	}
	text += "; from " + w.Source
	if w.HasReset {
		text += fmt.Sprintf(", read as %s because %s", strings.ReplaceAll(w.ResetForm.String(), "-", " "), because(w, o))
	}
	return text
}

// because says why a reset was read as it was.
func because(w *limiter.Window, o *limiter.Override) string {
	raw := strconv.FormatFloat(w.ResetRaw, 'f', -1, 64)
	switch {
	case o != nil && o.Reset == w.ResetForm:
		return "this is known of the host"
	case w.ResetForm == limiter.ResetDuration:
		return "it carries its units"
	case w.ResetForm == limiter.ResetDate:
		return "it is a date"
	case w.ResetForm == limiter.DeltaMillis && w.ResetRaw > limiter.MaxReset.Seconds():
		return raw + " seconds would be more than 31 days"
	case w.ResetForm == limiter.DeltaMillis:
		return "the field's name says so"
	case w.ResetForm.Absolute():
		return fmt.Sprintf("%s is too large for a delay and is near now", raw)
	}
	return raw + " is too small for an instant"
}

// period names the length of a window: "second", "15 minutes".
func period(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch n := d / u.unit; {
		case n == 0 || d%u.unit != 0:
		case n == 1:
			return u.name
		default:
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return seconds(d)
}

// seconds writes a time as seconds to the millisecond, and in larger units where there are many.
func seconds(d time.Duration) string {
	s := strconv.FormatFloat(math.Round(d.Seconds()*1000)/1000, 'f', -1, 64) + " s"
	if d >= 2*time.Minute {
		s += fmt.Sprintf(" (%s)", d.Round(time.Second))
	}
	return s
}

// printable keeps what a destination wrote from steering the terminal.
func printable(s string) string {
	quoted := strconv.Quote(s)
	if quoted == `"`+s+`"` {
		return s
	}
	return quoted
}
