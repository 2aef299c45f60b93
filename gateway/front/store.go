package front

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Store is what the front door needs of persist.Store.
type Store interface {
	Enqueue(ctx context.Context, jobs []persist.Job) ([]persist.Receipt, error)
	Webhook(ctx context.Context, id record.ID) (*persist.View, error)
}

// Hosts is what the front door asks of whoever sends. Its errors mean that it cannot say now.
type Hosts interface {
	// Waiting says how a live webhook stands, by what it is and its entry as the store has it; nil: nothing is known.
	Waiting(ctx context.Context, w *record.Webhook, e *record.Entry) (*Waiting, error)
	// Hosts returns the hosts that something is known of and that are wanted, by name, behind a name (empty: from the first),
	// at most limit; more: there are others behind them.
	Hosts(ctx context.Context, after string, limit int, wanted func(host string) bool) (page []HostView, more bool, err error)
	// Host returns one of them; nil: nothing is known of it.
	Host(ctx context.Context, host string) (*HostView, error)
	HostsHand
}

// TooManyHeldError says that no more may be held before some are resumed.
type TooManyHeldError struct {
	What string // flows or hosts
	Most int
}

// Error says which bound it is.
func (e *TooManyHeldError) Error() string {
	return fmt.Sprintf("%d %s are held, the most there may be", e.Most, e.What)
}

// Errors of Hosts that clients are told of.
var (
	// ErrStopping: the gateway is shutting down; nothing was changed.
	ErrStopping = errors.New("the gateway is shutting down")
	// ErrUnsaved: a change is in effect, but not known to be durable.
	ErrUnsaved = errors.New("in effect, but not on disk yet")
)

// Waiting is how a live webhook stands.
type Waiting struct {
	Sending  bool    // an attempt is under way; the rest is unset
	Reason   string  // due, limit, pause, breaker, concurrency, turn, ordering or held
	Detail   string  // the same for a person
	Until    Instant // zero: not known
	Position int     // how many of its flow go before it in its lane; negative: it is not in memory
	About    Instant // when its turn comes if everything stays as it is; zero: not known
}

// Instant is a time as the API shows it: RFC 3339 with milliseconds, in UTC; the zero one is null.
type Instant struct{ time.Time }

// At is the instant of a record; 0 is the zero Instant.
func At(unixMilli int64) Instant {
	if unixMilli == 0 {
		return Instant{}
	}
	return Instant{time.UnixMilli(unixMilli)}
}

// MarshalJSON writes the form that the API shows.
func (t Instant) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().AppendFormat(make([]byte, 0, 28), `"2006-01-02T15:04:05.000Z"`), nil
}
