package operate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
)

// What follows says in words an operator understands what something waits for.

// waiting is why one webhook waits.
type waiting struct {
	schedule.Waiting
	flow     schedule.FlowName
	flowHeld bool
	disabled bool // the subscription whose flow it is
}

// words says it in a sentence.
func (w *waiting) words() string {
	switch w.Reason {
	case schedule.Due:
		return "not due before " + clock(w.Until)
	case schedule.Held:
		switch {
		case w.disabled:
			return fmt.Sprintf("its subscription, %s, is disabled", w.flow.Flow)
		case w.flowHeld:
			return fmt.Sprintf("an operator holds its flow, %s", w.flow.Flow)
		}
		return "an operator holds its host"
	case schedule.Limit:
		if w.Gate.Rate > 0 {
			return gateWords(&w.Gate, true) + w.place()
		}
		return limitWords(&w.Budget) + w.place()
	case schedule.Pause:
		return pauseWords(&w.Budget, w.Until) + w.place()
	case schedule.Breaker:
		return breakerWords(&w.Breaker, w.Partial, w.Until) + w.place()
	case schedule.Concurrency:
		if w.Gate.Most > 0 {
			return gateWords(&w.Gate, false) + w.place()
		}
		return concurrencyWords(&w.Budget) + w.place()
	case schedule.Ordering:
		return "the one before it under its ordering key is not done"
	}
	if place := w.place(); place != "" {
		return strings.TrimPrefix(place, "; ")
	}
	return fmt.Sprintf("others of flow %s go before it", w.flow.Flow)
}

// Blocked says what holds a call back that stands in no queue.
func Blocked(w *schedule.Waiting) *front.Waiting {
	of := waiting{Waiting: *w}
	of.Position = -1
	shown := &front.Waiting{Reason: string(w.Reason), Detail: of.words(), Until: front.Instant{Time: w.Until}, Position: -1}
	if w.Reason == schedule.Turn {
		shown.Detail = "others of its lane go before it"
	}
	return shown
}

// place says where it stands in its flow and about when its turn comes; empty: nothing of that is known.
func (w *waiting) place() string {
	switch {
	case w.Position < 0 && w.Before > 0:
		return fmt.Sprintf("; on disk, behind %s or more of flow %s", grouped(w.Before), w.flow.Flow)
	case w.Position < 0:
		return ""
	case w.About.IsZero():
		return fmt.Sprintf("; position %s in flow %s", grouped(w.Position+1), w.flow.Flow)
	}
	return fmt.Sprintf("; position %s in flow %s, about %s", grouped(w.Position+1), w.flow.Flow, w.About.UTC().Format("15:04:05 UTC"))
}

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
		return fmt.Sprintf("%.4g per second (%s)", v.Rate, paceWords(v.From))
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
func paceWords(from string) string {
	switch from {
	case "start":
		return "the configured start, nothing is known of the host yet"
	case "refusals":
		return "found by what the host refused"
	case "ceiling":
		return "the configured ceiling"
	case "fixed":
		return "fixed by the configuration"
	}
	return from
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

// The reasons of front.CapView that are no schedule.Reason.
const (
	capDemand = "demand" // nothing waits
	capRamp   = "ramp"   // it comes back after an outage
	capSlots  = "slots"  // the gateway's places are taken
)

// capOfLane says what keeps a lane from sending more.
func capOfLane(h *schedule.HostView, l *schedule.LaneView, now time.Time) front.CapView {
	until := front.Instant{Time: l.Until}
	switch {
	case h.Held:
		return front.CapView{Reason: string(schedule.Held), Detail: "an operator holds the host"}
	case h.Breaker.State != circuit.Closed:
		return front.CapView{
			Reason: string(schedule.Breaker), Detail: breakerWords(&h.Breaker, false, h.Breaker.OpenUntil),
			Until: front.Instant{Time: h.Breaker.OpenUntil},
		}
	case l.Waiting == 0 && !l.More:
		return front.CapView{Reason: capDemand, Detail: "nothing waits; " + limitWords(&l.Budget) + " would be allowed"}
	case l.Budget.PausedUntil.After(now) || l.Blocked == schedule.Pause:
		return front.CapView{Reason: string(schedule.Pause), Detail: pauseWords(&l.Budget, l.Budget.PausedUntil), Until: until}
	case h.Breaker.Share < 1:
		return front.CapView{
			Reason: capRamp, Detail: breakerWords(&h.Breaker, false, time.Time{}), Until: front.Instant{Time: h.Breaker.RampedBy},
		}
	case l.Blocked == schedule.Breaker:
		return front.CapView{Reason: string(schedule.Breaker), Detail: "its part of the host fails, see the breaker's parts", Until: until}
	case l.Blocked == schedule.Limit:
		return front.CapView{Reason: string(schedule.Limit), Detail: limitWords(&l.Budget), Until: until}
	case l.Blocked == schedule.Concurrency:
		return front.CapView{Reason: string(schedule.Concurrency), Detail: concurrencyWords(&l.Budget)}
	case l.Blocked == schedule.Due:
		return front.CapView{Reason: string(schedule.Due), Detail: "the next of those that wait is due at " + clock(l.Until), Until: until}
	case l.Blocked == schedule.Idle && l.Gate.Most > 0 && l.Until.IsZero():
		return front.CapView{Reason: string(schedule.Concurrency), Detail: gateWords(&l.Gate, false)}
	case l.Blocked == schedule.Idle && l.Gate.Rate > 0:
		return front.CapView{Reason: string(schedule.Limit), Detail: gateWords(&l.Gate, true), Until: until}
	case l.Blocked == schedule.Idle:
		return front.CapView{Reason: capDemand, Detail: "nothing that waits may go: it is held, or behind another of its ordering key"}
	}
	return front.CapView{Reason: capSlots, Detail: "the gateway's places for calls under way are taken"}
}

// capOfHost is that of the lane with the most waiting.
func capOfHost(h *schedule.HostView, lanes []front.LaneView) front.CapView {
	most := -1
	for i := range lanes {
		if most < 0 || lanes[i].Waiting > lanes[most].Waiting {
			most = i
		}
	}
	switch {
	case most >= 0:
		return lanes[most].Cap
	case h.Held:
		return front.CapView{Reason: string(schedule.Held), Detail: "an operator holds the host"}
	}
	return front.CapView{Reason: capDemand, Detail: "nothing waits"}
}
