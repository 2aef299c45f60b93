package notice

import (
	"context"
	"maps"
	"time"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// dayOfErrors counts failed attempts of the last 24 hours, by the hour.
type dayOfErrors struct {
	hours [24]struct{ hour, errors int64 }
	told  time.Time // zero: not yet
}

// count takes one more, and reports whether it is to be told of: more than most, and not within a day of the last time.
func (d *dayOfErrors) count(now time.Time, most int) bool {
	hour := now.Unix() / 3600
	h := &d.hours[hour%24]
	if h.hour != hour {
		h.hour, h.errors = hour, 0
	}
	h.errors++
	if !d.told.IsZero() && now.Sub(d.told) < 24*time.Hour {
		return false
	}
	sum := int64(0)
	for _, h := range d.hours {
		if h.hour > hour-24 {
			sum += h.errors
		}
	}
	if sum <= int64(most) {
		return false
	}
	d.told = now
	return true
}

// over reports whether nothing of it counts any more.
func (d *dayOfErrors) over(now time.Time) bool {
	for _, h := range d.hours {
		if h.errors > 0 && h.hour > now.Unix()/3600-24 {
			return false
		}
	}
	return now.Sub(d.told) >= 24*time.Hour
}

// forgetErrors forgets tenants of which nothing counts any more.
func (n *Teller) forgetErrors(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.errors, func(_ string, d *dayOfErrors) bool { return d.over(now) })
}

// distress is what is known of a host that is not well.
type distress struct {
	openSince time.Time // its breaker was first seen not closed; zero: it is closed
	openTold  bool      // of this time
	waitTold  time.Time
	seen      bool // at the last look
}

// againAfter is how long it takes until it is said again that webhooks wait too long for a host.
const againAfter = time.Hour

// lookAround looks for breakers that are open too long, and webhooks that wait too long, as far as that is to be told.
func (n *Teller) lookAround(ctx context.Context) {
	n.forgetErrors(time.Now())
	if n.set.BreakerOpen <= 0 && n.set.OldestWaiting <= 0 {
		return
	}
	for _, d := range n.distress {
		d.seen = false
	}
	for from, more := uint64(0), true; more; {
		var found []schedule.Distress
		var at time.Time
		if n.set.Look(ctx, func(s *schedule.Schedule, now time.Time) {
			at = now
			from, more = s.Distressed(from, n.set.OldestWaiting > 0, func(d schedule.Distress) { found = append(found, d) })
		}) != nil {
			return // it is stopping
		}
		for i := range found {
			n.judge(at, &found[i])
		}
	}
	for host, d := range n.distress {
		if !d.seen {
			delete(n.distress, host)
		}
	}
}

func (n *Teller) judge(now time.Time, found *schedule.Distress) {
	late := n.set.OldestWaiting > 0 && found.Oldest != (record.ID{}) && now.Sub(found.Oldest.Timestamp()) > n.set.OldestWaiting
	if found.Breaker == circuit.Closed && !late {
		return
	}
	d := n.distress[found.Host]
	if d == nil {
		d = &distress{}
		n.distress[found.Host] = d
	}
	d.seen = true
	switch {
	case found.Breaker == circuit.Closed:
		d.openSince, d.openTold = time.Time{}, false
	case d.openSince.IsZero():
		d.openSince = now
	case !d.openTold && n.set.BreakerOpen > 0 && now.Sub(d.openSince) > n.set.BreakerOpen:
		d.openTold = true
		n.add(notice{kindBreaker, "a host's breaker does not close", map[string]any{
			"host": found.Host, "since": d.openSince.UTC().Format(time.RFC3339),
		}, now})
	}
	if late && (d.waitTold.IsZero() || now.Sub(d.waitTold) >= againAfter) {
		d.waitTold = now
		n.add(notice{kindWaiting, "webhooks wait too long", map[string]any{
			"host": found.Host, "oldest": found.Oldest.String(), "accepted": found.Oldest.Timestamp().UTC().Format(time.RFC3339),
		}, now})
	}
}
