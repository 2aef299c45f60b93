package front

import (
	"context"
	"errors"
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
	// Waiting says how a live webhook stands, by its queue and its entry as the store has it; nil: nothing is known.
	Waiting(ctx context.Context, queue record.Queue, e *record.Entry) (*Waiting, error)
	// Hosts returns all hosts that something is known of, by name.
	Hosts(ctx context.Context) ([]HostView, error)
	// Host returns one of them; nil: nothing is known of it.
	Host(ctx context.Context, host string) (*HostView, error)
	// Resume ends the pauses of a host's lanes, Forget has them forget what they learned. Both return the host as it
	// stands once that is durable; nil: nothing is known of it, and nothing was done.
	Resume(ctx context.Context, host string) (*HostView, error)
	Forget(ctx context.Context, host string) (*HostView, error)
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
	Position int     // how many of its queue go before it; negative: not known
}

// HostView is a destination as it stands.
type HostView struct {
	Host     string      `json:"host"`
	Breaker  BreakerView `json:"breaker"`
	Waiting  int         `json:"waiting"`   // webhooks known to wait
	More     bool        `json:"more"`      // the disk holds more than Waiting counts
	InFlight int         `json:"in_flight"` // attempts under way
	OldestAt Instant     `json:"oldest_at"` // when the first of those that wait was accepted; null: none waits
	DrainsAt Instant     `json:"drains_at"` // when nothing waits any more at the present rate; null: not known
	Lanes    []LaneView  `json:"lanes"`     // each limit of its own
}

// BreakerView is a host's breaker as it stands.
type BreakerView struct {
	State    string  `json:"state"`    // closed, open or half-open
	Until    Instant `json:"until"`    // when an open one lets probes through; null: it is not open
	Requests int     `json:"requests"` // ended within its window
	Failures int     `json:"failures"` // of those
}

// LaneView is one limit of a host, and what waits under it.
type LaneView struct {
	Key        string       `json:"key"`         // hexadecimal digest of what the limit is by; empty: the whole host
	Rate       *float64     `json:"rate"`        // calls per second it is sent at now; null: not limited
	Source     string       `json:"source"`      // what the rate comes from, as limiter.View.From has it
	Windows    []WindowView `json:"windows"`     // limits as told or configured
	PauseUntil Instant      `json:"pause_until"` // null: no pause
	PauseCause string       `json:"pause_cause"` // what asked for the pause; empty: there is none
	Probing    bool         `json:"probing"`     // one call is to find out whether a pause is over
	InFlight   int          `json:"in_flight"`
	MaxFlight  int          `json:"max_in_flight"`
	Blocked    string       `json:"blocked"`       // what it waits for, as in Waiting.Reason; empty: nothing
	BlockedTo  Instant      `json:"blocked_until"` // null: not known, or not blocked
	Waiting    int          `json:"waiting"`
	More       bool         `json:"more"`
	Advice     []string     `json:"advice,omitempty"` // what an operator might do about it, a sentence each
}

// WindowView is n calls per some time.
type WindowView struct {
	Name      string   `json:"name,omitempty"` // where the destination names its windows
	Limit     *int64   `json:"limit"`          // null: not told
	Used      int64    `json:"used"`           // calls of ours that count in it, those in flight included
	Remaining *int64   `json:"remaining"`      // as last told; null: not told
	Seconds   *float64 `json:"seconds"`        // the window's length; null: not known
	Guessed   bool     `json:"guessed"`        // nobody told its length, and nothing has confirmed it yet
	ResetAt   Instant  `json:"reset_at"`       // null: not told, or past
	Source    string   `json:"source"`         // the headers that tell it, or configured
	Since     Instant  `json:"since"`          // when it was first told, or configured
	ToldAt    Instant  `json:"told_at"`        // when it was last told; null: configured
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
