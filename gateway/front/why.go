package front

import (
	"context"
	"fmt"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Why says why a live webhook waits, by what it is and its entry as the store has it; nil: nothing is known.
type Why func(ctx context.Context, w *record.Webhook, e *record.Entry) (*Waiting, error)

// Waiting is how a live webhook stands.
type Waiting struct {
	Sending  bool    // an attempt is under way; the rest is unset
	Reason   string  // due, limit, pause, breaker, concurrency, turn, ordering or held
	Detail   string  // the same for a person
	Until    Instant // zero: not known
	Position int     // how many of its flow go before it in its lane; negative: it is not in memory
	About    Instant // when its turn comes if everything stays as it is; zero: not known
}

// shownWaiting is a Waiting as the API shows it.
type shownWaiting struct {
	Reason   string  `json:"reason"`
	Detail   string  `json:"detail"`
	Until    Instant `json:"until"`
	Position *int    `json:"position"`
	About    Instant `json:"about"`
}

// sayWhy says why a live webhook waits, or that it is being sent.
func (f *Front) sayWhy(s *shown, w *record.Webhook, e *record.Entry) error {
	why, err := f.set.Why(f.work, w, e)
	if err != nil {
		return fmt.Errorf("asking why webhook %s waits: %w", s.ID, err)
	}
	switch {
	case why == nil:
	case why.Sending:
		s.State = record.Sending
	default:
		s.Waiting = &shownWaiting{Reason: why.Reason, Detail: why.Detail, Until: why.Until, About: why.About}
		if why.Position >= 0 {
			s.Waiting.Position = &why.Position
		}
	}
	return nil
}
