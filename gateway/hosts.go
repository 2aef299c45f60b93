package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/sluice-gateway/sluice/circuit"
	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/limiter"
	"github.com/sluice-gateway/sluice/persist/record"
)

// hosts answers the front door's questions about destinations and waiting out of the dispatcher's schedule, and is the
// operator's hand on it (hand.go).
type hosts struct {
	dispatcher *dispatch.Dispatcher
	log        zerolog.Logger
}

func (h hosts) ask(ctx context.Context, question func(*schedule.Schedule, time.Time)) error {
	err := h.dispatcher.Ask(ctx, question)
	if errors.Is(err, dispatch.ErrStopping) {
		return front.ErrStopping
	}
	return err
}

// Waiting says why a live webhook waits.
func (h hosts) Waiting(ctx context.Context, queue record.Queue, e *record.Entry) (*front.Waiting, error) {
	var why schedule.Waiting
	err := h.ask(ctx, func(s *schedule.Schedule, now time.Time) { why = s.Why(now, &queue, e) })
	if err != nil {
		return nil, err
	}
	if why.Reason == schedule.InFlight {
		return &front.Waiting{Sending: true}, nil
	}
	return &front.Waiting{
		Reason: string(why.Reason), Detail: detail(&why), Until: front.Instant{Time: why.Until}, Position: why.Position,
	}, nil
}

// detail says a reason in words an operator understands.
func detail(w *schedule.Waiting) string {
	switch w.Reason {
	case schedule.Due:
		return "not due before " + clock(w.Until)
	case schedule.Limit:
		return "its destination's limit: " + limitOf(&w.Budget)
	case schedule.Pause:
		return fmt.Sprintf("its destination asked for a pause until %s (%s)", clock(w.Until), w.Budget.PauseCause)
	case schedule.Breaker:
		return fmt.Sprintf("its host's breaker is %s after %d of %d calls failed; probes at %s", w.Breaker.State,
			w.Breaker.Failures, w.Breaker.Calls, clock(w.Until))
	case schedule.Concurrency:
		return fmt.Sprintf("%d calls are under way in its lane, the most for now is %d", w.Budget.InFlight, w.Budget.Concurrency)
	case schedule.Held:
		return "its flow or its host is held by an operator"
	case schedule.Ordering:
		return "the one before it under its ordering key is not done"
	}
	if w.Position > 0 {
		return fmt.Sprintf("%d of its queue go before it", w.Position)
	}
	return "others of its lane go before it"
}

func limitOf(v *limiter.View) string {
	for i := range v.Windows {
		if w := &v.Windows[i]; w.Per > 0 {
			return fmt.Sprintf("%d per %s from %s", w.Limit, w.Per, source(w))
		}
	}
	return fmt.Sprintf("%.4g per second (%s)", v.Rate, v.From)
}

func source(w *limiter.WindowView) string {
	if w.Configured {
		return "configured"
	}
	return w.Source
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000 UTC") }

// Hosts lists every host that something is known of, by name.
func (h hosts) Hosts(ctx context.Context) ([]front.HostView, error) {
	var all []front.HostView
	err := h.ask(ctx, func(s *schedule.Schedule, now time.Time) {
		s.Hosts(now, func(v schedule.HostView) { all = append(all, shownHost(&v, now)) })
	})
	slices.SortFunc(all, func(a, b front.HostView) int { return strings.Compare(a.Host, b.Host) })
	return all, err
}

// Host returns one host, nil when nothing is known of it.
func (h hosts) Host(ctx context.Context, name string) (*front.HostView, error) {
	var view *front.HostView
	err := h.ask(ctx, func(s *schedule.Schedule, now time.Time) {
		if v, ok := s.Host(now, name); ok {
			shown := shownHost(&v, now)
			view = &shown
		}
	})
	return view, err
}

func shownHost(h *schedule.HostView, now time.Time) front.HostView {
	v := front.HostView{Host: h.Host, Breaker: front.BreakerView{
		State: h.Breaker.State.String(), Requests: h.Breaker.Calls, Failures: h.Breaker.Failures,
	}, Lanes: []front.LaneView{}}
	if h.Breaker.State == circuit.Open {
		v.Breaker.Until = front.Instant{Time: h.Breaker.OpenUntil}
	}
	var oldest record.ID
	for i := range h.Lanes {
		l := &h.Lanes[i]
		v.Waiting += l.Waiting
		v.More = v.More || l.More
		v.InFlight += l.InFlight
		if l.Oldest != (record.ID{}) && (oldest == (record.ID{}) || l.Oldest.Compare(oldest) < 0) {
			oldest = l.Oldest
		}
		v.Lanes = append(v.Lanes, shownLane(l))
	}
	v.DrainsAt = drained(h, now)
	if oldest != (record.ID{}) {
		v.OldestAt = front.Instant{Time: oldest.Timestamp()}
	}
	return v
}

// drained is when nothing of a host waits any more at the rate of now; zero when that cannot be said.
func drained(h *schedule.HostView, now time.Time) front.Instant {
	var last time.Time
	for i := range h.Lanes {
		l := &h.Lanes[i]
		rate := l.Budget.Rate
		if l.More || h.Breaker.State != circuit.Closed || rate <= 0 || math.IsInf(rate, 0) {
			return front.Instant{}
		}
		if l.Waiting == 0 {
			continue
		}
		begin := now
		if l.Budget.PausedUntil.After(now) {
			begin = l.Budget.PausedUntil
		}
		if at := begin.Add(time.Duration(float64(l.Waiting) / rate * float64(time.Second))); at.After(last) {
			last = at
		}
	}
	return front.Instant{Time: last}
}

func shownLane(l *schedule.LaneView) front.LaneView {
	v := front.LaneView{
		Source: l.Budget.From, Windows: []front.WindowView{}, Probing: l.Budget.Probing,
		PauseUntil: front.Instant{Time: l.Budget.PausedUntil}, PauseCause: l.Budget.PauseCause,
		InFlight: l.InFlight, MaxFlight: l.Budget.Concurrency, Blocked: string(l.Blocked),
		BlockedTo: front.Instant{Time: l.Until}, Waiting: l.Waiting, More: l.More, Advice: l.Budget.Advice,
	}
	if l.Key != (record.Digest{}) {
		v.Key = hex.EncodeToString(l.Key[:])
	}
	if !math.IsInf(l.Budget.Rate, 0) {
		v.Rate = &l.Budget.Rate
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
