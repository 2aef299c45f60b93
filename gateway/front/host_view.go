package front

// HostView is a destination as it stands.
type HostView struct {
	Host     string      `json:"host"`
	Held     bool        `json:"held"`          // by an operator
	Since    Instant     `json:"held_since"`    // null: it is not held, or was by a release that did not say
	Allowed  *float64    `json:"allowed_rate"`  // calls a second that its limits allow now; null: not limited
	Achieved float64     `json:"achieved_rate"` // calls a second of the last ten
	Cap      CapView     `json:"cap"`           // what keeps it from more
	Breaker  BreakerView `json:"breaker"`
	Waiting  int         `json:"waiting"`              // webhooks known to wait
	More     bool        `json:"more"`                 // the disk holds more than Waiting counts
	InFlight int         `json:"in_flight"`            // attempts under way
	OldestAt Instant     `json:"oldest_at"`            // when the first of those that wait was accepted; null: none waits
	DrainsAt Instant     `json:"drains_at"`            // when nothing waits any more at the present rate; null: not known
	Flows    []HostFlow  `json:"flows,omitempty"`      // of one host: those that wait, with the most waiting first
	AllFlows int         `json:"flow_count,omitempty"` // how many wait; Flows has some of them
	Advice   []string    `json:"advice,omitempty"`
	Lanes    []LaneView  `json:"lanes"` // each limit of its own
}

// CapView is what keeps a host or a lane from sending more.
type CapView struct {
	Reason string  `json:"reason"` // as in Waiting.Reason; or demand: nothing waits; ramp: it comes back; slots: the gateway's are taken
	Detail string  `json:"detail"` // the same for a person
	Until  Instant `json:"until"`  // null: not known
}

// HostFlow is what waits of a flow at a host.
type HostFlow struct {
	Tenant   string  `json:"tenant"`
	Flow     string  `json:"flow"`
	Held     bool    `json:"held"`
	Waiting  int     `json:"waiting"`
	More     bool    `json:"more"`
	OldestAt Instant `json:"oldest_at"`
}

// BreakerView is a host's breaker as it stands.
type BreakerView struct {
	State    string          `json:"state"`     // closed, open or half-open
	Forced   bool            `json:"forced"`    // an operator has it so
	Until    Instant         `json:"until"`     // when an open one lets probes through; null: it is not open, or forced
	Requests int             `json:"requests"`  // ended within its window; of one that is not closed, when it opened
	Failures int             `json:"failures"`  // of those
	Share    float64         `json:"share"`     // of its known rate that it gets: less than 1 while it comes back
	RampedBy Instant         `json:"ramped_by"` // when that is 1 again; null: it is
	Changes  []BreakerChange `json:"transitions"`
	Parts    []BreakerPart   `json:"parts"` // what is judged by itself below the host
}

// BreakerChange is a change of a breaker, the latest last.
type BreakerChange struct {
	At     Instant `json:"at"`
	From   string  `json:"from"`
	To     string  `json:"to"`
	Tenant *string `json:"tenant,omitempty"` // of a part; absent: of the whole host
	Key    string  `json:"key,omitempty"`    // of a part, as a lane's
	Cause  string  `json:"cause"`
}

// BreakerPart is what shares fate below a host: a tenant, and the key of a lane where the limit is not by host.
type BreakerPart struct {
	Tenant   string  `json:"tenant"`
	Key      string  `json:"key"`
	State    string  `json:"state"`
	Until    Instant `json:"until"`
	Requests int     `json:"requests"`
	Failures int     `json:"failures"`
	Share    float64 `json:"share"`
}

// LaneView is one limit of a host, and what waits under it.
type LaneView struct {
	Key        string       `json:"key"`           // hexadecimal digest of what the limit is by; empty: the whole host
	Rate       *float64     `json:"rate"`          // calls per second it is sent at now; null: not limited
	Achieved   float64      `json:"achieved_rate"` // calls a second of the last ten
	Cap        CapView      `json:"cap"`
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
