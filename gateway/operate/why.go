package operate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/gateway/dispatch"
	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist/record"
)

// reasons answer the front door's question why a webhook waits.
type reasons struct {
	commands
	unsigned func(*record.Webhook) string // why it could not be signed when that was tried; empty: it can be
}

// why is front.Why.
func (r reasons) why(ctx context.Context, w *record.Webhook, e *record.Entry) (*front.Waiting, error) {
	var why waiting
	var at time.Time
	queue := w.Queue()
	err := r.ask(ctx, func(s *schedule.Schedule, now time.Time) {
		at, why = now, waiting{Waiting: s.Why(now, &queue, e), flow: schedule.FlowName{Tenant: queue.Tenant, Flow: queue.Flow}}
		if f, ok := s.Flow(why.flow); ok {
			why.flowHeld, why.disabled = f.Held, f.Suspended
		}
	})
	if err != nil {
		return nil, err
	}
	if why.Reason == schedule.InFlight {
		return &front.Waiting{Sending: true}, nil
	}
	// What could not be signed is due again soon; what is due later than that waits for its time.
	if why.Reason == schedule.Due && why.Until.Sub(at) <= dispatch.UnsignedPause {
		if cause := r.unsigned(w); cause != "" {
			return &front.Waiting{
				Reason: string(schedule.Held), Detail: cause, Until: front.Instant{Time: why.Until}, Position: why.Position,
				About: front.Instant{Time: why.About},
			}, nil
		}
	}
	shown := &front.Waiting{Reason: string(why.Reason), Detail: why.words(), Position: why.Position, About: front.Instant{Time: why.About}}
	if !why.Breaker.Forced || why.Reason != schedule.Breaker { // what an operator forced has no end that is known
		shown.Until = front.Instant{Time: why.Until}
	}
	return shown, nil
}

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
		if w.Leap > 0 {
			return fmt.Sprintf("due or expired only because the clock was set forward by %s: held until %s, unless it is set back", w.Leap.Round(time.Second), clock(w.Until))
		}
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
	}
	text := fmt.Sprintf("; position %s in flow %s (%s before it)", grouped(w.Position+1), w.flow.Flow, grouped(w.Position))
	if w.Position == 0 {
		text = "; first in flow " + w.flow.Flow
	}
	if !w.About.IsZero() {
		text += w.About.UTC().Format(", about 15:04:05 UTC")
	}
	return text
}
