package operate

import (
	"fmt"
	"math"
	"time"

	"github.com/sluice-gateway/sluice/gateway/front"
	"github.com/sluice-gateway/sluice/gateway/schedule"
)

// HoldOf puts what holds a proxied call back into words, and says when it is worth asking again: when the lane looks again, and
// then as long as those before it need at its pace.
func HoldOf(w *schedule.Waiting, now time.Time) *front.Hold {
	h := &front.Hold{Breaker: w.Reason == schedule.Breaker}
	switch w.Reason {
	case schedule.Breaker:
		h.Why = "the breaker of its host is open"
	case schedule.Pause:
		h.Why = "its destination asked for a pause"
		if cause := w.Budget.PauseCause; cause != "" {
			h.Why += " (" + cause + ")"
		}
	case schedule.Concurrency:
		h.Why = "as many calls are under way as its destination bears"
	case schedule.Held:
		h.Why = "an operator holds its host or its flow"
	default:
		h.Why = "others are before it, or its destination's limit is spent"
	}
	if w.Until.After(now) {
		h.Wait = w.Until.Sub(now)
		h.Why += " until " + w.Until.UTC().Format("15:04:05")
	}
	if rate := w.Budget.Rate; rate > 0 && !math.IsInf(rate, 0) {
		if w.Position > 0 {
			h.Wait += time.Duration(float64(w.Position) / rate * float64(time.Second))
		}
		h.Limit, h.Per = whole(rate)
		h.Why += fmt.Sprintf("; it gets %d calls per %s", h.Limit, h.Per)
	}
	return h
}

// whole writes a pace in whole calls per whole seconds.
func whole(rate float64) (n int64, per time.Duration) {
	if rate >= 1 {
		return int64(rate), time.Second
	}
	return 1, time.Duration(math.Ceil(1/rate)) * time.Second
}
