package operate

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
)

// What follows says in words an operator understands what holds something back.

func breakerWords(b *circuit.View, partial bool, until time.Time) string {
	whose := "its host's breaker is"
	if partial {
		whose = "its part of the host has a breaker of its own, which is"
	}
	switch {
	case b.Forced && b.State == circuit.Open:
		return "an operator has opened its host's breaker"
	case b.State == circuit.Closed:
		return fmt.Sprintf("%s closed again, and the host gets %.0f %% of its rate, all of it by %s", whose, 100*b.Share, clock(b.RampedBy))
	case b.State == circuit.HalfOpen:
		return fmt.Sprintf("%s half-open: %d probes are under way, %d succeeded", whose, b.Probes, b.Succeeded)
	}
	cause := b.Cause
	if cause == "" {
		cause = fmt.Sprintf("%d of %d calls failed", b.Failures, b.Calls)
	}
	return fmt.Sprintf("%s open: %s; probes at %s", whose, cause, clock(until))
}

func pauseWords(b *limiter.View, until time.Time) string {
	if b.PausedUntil.IsZero() && b.Probing {
		return fmt.Sprintf("the destination asked for a pause (%s); one call finds out whether it is over", b.PauseCause)
	}
	return fmt.Sprintf("the destination asked for a pause until %s (%s)", clock(until), b.PauseCause)
}

// gateWords names the rule of a flow or a tenant that keeps its own webhooks back, by its rate or by its calls under way.
func gateWords(g *schedule.GateView, byRate bool) string {
	whose := "flow " + g.Flow.Flow
	if g.OfTenant {
		whose = "tenant " + g.Flow.Tenant
	}
	if byRate {
		return fmt.Sprintf("%s has a rate of its own, %.4g per second on all hosts together", whose, g.Rate)
	}
	return fmt.Sprintf("%s has a concurrency of its own, %s at once on all hosts together, and as many are under way", whose, grouped(g.Most))
}

func concurrencyWords(b *limiter.View) string {
	if b.InFlight < b.Concurrency {
		return "all places for calls under way are taken, of the gateway or of its host, which has fewer while its last calls failed"
	}
	return fmt.Sprintf("%d calls are under way in its lane, the most for now is %d", b.InFlight, b.Concurrency)
}

// limitWords names the limit that sets a lane's pace, and where it is from: "20 per 1 s from X-RateLimit-*, resets 14:03:07".
func limitWords(v *limiter.View) string {
	w := slowest(v)
	if w == nil {
		if math.IsInf(v.Rate, 0) {
			return "no limit"
		}
		return fmt.Sprintf("%.4g per second (%s)", v.Rate, paceWords(v))
	}
	text := fmt.Sprintf("%s per %s from %s", grouped(int(w.Limit)), spell(w.Per), source(w))
	if !w.Reset.IsZero() {
		text += ", resets " + clock(w.Reset)
	}
	return text
}

// slowest is the window that sets the pace; nil: none does.
func slowest(v *limiter.View) *limiter.WindowView {
	if v.From != "window" {
		return nil
	}
	var of *limiter.WindowView
	for i := range v.Windows {
		w := &v.Windows[i]
		if w.Per > 0 && (of == nil || float64(w.Limit)/w.Per.Seconds() < float64(of.Limit)/of.Per.Seconds()) {
			of = w
		}
	}
	return of
}

// paceWords says what a pace comes from that no window sets.
func paceWords(v *limiter.View) string {
	switch v.From {
	case "start":
		if len(v.Windows) > 0 {
			return "the configured start, until the limit that the host told has proved right"
		}
		return "the configured start, nothing is known of the host yet"
	case "refusals":
		return "found by what the host refused"
	case "ceiling":
		return "the configured ceiling"
	case "fixed":
		return "fixed by the configuration"
	}
	return v.From
}

// spell writes a window's length as people do: 1 s, 15 min, 24 h.
func spell(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if d >= u.unit && d%u.unit == 0 {
			return fmt.Sprintf("%d %s", d/u.unit, u.name)
		}
	}
	return d.String()
}

func source(w *limiter.WindowView) string {
	if w.Configured {
		return "configured"
	}
	return w.Source
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000 UTC") }

// grouped writes a number with commas between its thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
