package operate

import (
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

func shownHost(h *schedule.HostView, now time.Time) front.HostView {
	v := front.HostView{
		Host: h.Host, Held: h.Held, Since: front.Instant{Time: h.HeldSince}, Breaker: shownBreaker(&h.Breaker), Lanes: []front.LaneView{},
	}
	allowed, limited := 0.0, len(h.Lanes) > 0
	var oldest record.ID
	for i := range h.Lanes {
		l := &h.Lanes[i]
		v.Waiting += l.Waiting
		v.More = v.More || l.More
		v.InFlight += l.InFlight
		v.Achieved += l.Achieved
		allowed += l.Budget.Rate
		limited = limited && !math.IsInf(l.Budget.Rate, 0)
		if l.Oldest != (record.ID{}) && (oldest == (record.ID{}) || l.Oldest.Compare(oldest) < 0) {
			oldest = l.Oldest
		}
		for _, advice := range l.Budget.Advice {
			if !slices.Contains(v.Advice, advice) {
				v.Advice = append(v.Advice, advice)
			}
		}
		v.Lanes = append(v.Lanes, shownLane(h, l, now))
	}
	v.Achieved = shownRate(v.Achieved)
	if limited {
		allowed = shownRate(allowed)
		v.Allowed = &allowed
	}
	v.Cap = capOfHost(h, v.Lanes)
	v.DrainsAt = drained(h, now)
	v.OldestAt = acceptedAt(oldest)
	return v
}

// shownRate rounds calls per second to four digits: what is behind them is the sum's, not the host's.
func shownRate(perSecond float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(perSecond, 'g', 4, 64), 64)
	if err != nil {
		return perSecond
	}
	return rounded
}

func shownBreaker(b *circuit.View) front.BreakerView {
	v := front.BreakerView{
		State: b.State.String(), Forced: b.Forced, Until: front.Instant{Time: b.OpenUntil}, Requests: b.Calls, Failures: b.Failures,
		Share: b.Share, RampedBy: front.Instant{Time: b.RampedBy}, Changes: []front.BreakerChange{}, Parts: []front.BreakerPart{},
	}
	for i := range b.Changes {
		c := &b.Changes[i]
		change := front.BreakerChange{At: front.Instant{Time: c.At}, From: c.From.String(), To: c.To.String(), Cause: c.Cause}
		if c.Partial {
			change.Tenant, change.Key = &c.Of.Tenant, keyText(c.Of.Key)
		}
		v.Changes = append(v.Changes, change)
	}
	for i := range b.Parts {
		p := &b.Parts[i]
		v.Parts = append(v.Parts, front.BreakerPart{
			Tenant: p.Tenant, Key: keyText(p.Key), State: p.State.String(), Until: front.Instant{Time: p.OpenUntil},
			Requests: p.Calls, Failures: p.Failures, Share: p.Share,
		})
	}
	return v
}

// keyText is a lane's key as it is shown; empty: the whole host.
func keyText(key record.Digest) string {
	if key == (record.Digest{}) {
		return ""
	}
	return hex.EncodeToString(key[:])
}

// drained is about when nothing of a host waits any more; zero when that cannot be said.
func drained(h *schedule.HostView, now time.Time) front.Instant {
	if h.Held {
		return front.Instant{}
	}
	var last time.Time
	for i := range h.Lanes {
		at := h.Lanes[i].Drains
		if at.IsZero() || h.Breaker.State != circuit.Closed {
			return front.Instant{}
		}
		if at.After(now) && at.After(last) {
			last = at
		}
	}
	return front.Instant{Time: last}
}

func shownLane(h *schedule.HostView, l *schedule.LaneView, now time.Time) front.LaneView {
	v := front.LaneView{
		Key: keyText(l.Key), Achieved: shownRate(l.Achieved), Cap: capOfLane(h, l, now),
		Source: l.Budget.From, Windows: []front.WindowView{}, Probing: l.Budget.Probing,
		PauseUntil: front.Instant{Time: l.Budget.PausedUntil}, PauseCause: l.Budget.PauseCause,
		InFlight: l.InFlight, MaxFlight: l.Budget.Concurrency, Blocked: string(l.Blocked),
		BlockedTo: front.Instant{Time: l.Until}, Waiting: l.Waiting, More: l.More, Advice: l.Budget.Advice,
	}
	if !math.IsInf(l.Budget.Rate, 0) {
		rate := shownRate(l.Budget.Rate)
		v.Rate = &rate
	}
	for i := range l.Budget.Windows {
		v.Windows = append(v.Windows, shownWindow(&l.Budget.Windows[i]))
	}
	return v
}

func shownWindow(w *limiter.WindowView) front.WindowView {
	v := front.WindowView{
		Name: w.Name, Limit: &w.Limit, Used: w.Used, ResetAt: front.Instant{Time: w.Reset}, Source: source(w),
		Guessed: w.Guessed && !w.Confirmed, Since: front.Instant{Time: w.Since},
	}
	if !w.Configured {
		v.ToldAt = front.Instant{Time: w.Told}
	}
	if w.Remaining != limiter.Unknown {
		v.Remaining = &w.Remaining
	}
	if w.Per > 0 {
		seconds := w.Per.Seconds()
		v.Seconds = &seconds
	}
	return v
}
