package record

// State is where a webhook is in its life.
type State string

// The states of a webhook. All but the first two are final.
const (
	Pending   State = "pending"
	Sending   State = "sending"
	Delivered State = "delivered"
	Failed    State = "failed"
	Expired   State = "expired"
	Cancelled State = "cancelled"
)

// Attempt is one HTTP exchange made for a webhook.
type Attempt struct {
	N          int    `cbor:"1,keyasint"`           // 1 for the first
	At         int64  `cbor:"2,keyasint"`           // when it began; Unix ms
	DurationMs int64  `cbor:"3,keyasint,omitempty"` // until its response was read or it failed
	Status     int    `cbor:"4,keyasint,omitempty"` // 0: no response came
	Outcome    string `cbor:"5,keyasint"`           // what its policy made of it: delivered, retry, throttled, failed
	ErrorClass string `cbor:"6,keyasint,omitempty"` // why no response came: dns, connect, tls, reset, timeout, …
	Error      string `cbor:"7,keyasint,omitempty"` // the same for a person, without credentials
	TimedOut   bool   `cbor:"8,keyasint,omitempty"`
	// Headers are those of the response that mattered; Body is its beginning. Both are bounded by who records them.
	Headers []Header `cbor:"9,keyasint,omitempty"`
	Body    []byte   `cbor:"10,keyasint,omitempty"`
	// NextRank and NextDue say where the webhook moved to, both zero when this attempt was its last.
	NextRank int64 `cbor:"11,keyasint,omitempty"`
	NextDue  int64 `cbor:"12,keyasint,omitempty"` // Unix ms
}

// Encode returns the stored form.
func (a *Attempt) Encode() []byte { return a.append(versioned(256 + len(a.Body))) }

// DecodeAttempt reads what Encode wrote.
func DecodeAttempt(b []byte) (*Attempt, error) {
	a := new(Attempt)
	if err := decode("attempt", b, a); err != nil {
		return nil, err
	}
	return a, nil
}

// Final is a webhook whose life is over, as it is shown to people: all but its payload.
type Final struct {
	ID         ID                `cbor:"1,keyasint"`
	State      State             `cbor:"2,keyasint"`
	Method     string            `cbor:"3,keyasint"`
	URL        string            `cbor:"4,keyasint"` // credentials masked
	Host       string            `cbor:"5,keyasint"`
	Tenant     string            `cbor:"6,keyasint"`
	Flow       string            `cbor:"7,keyasint"`
	Priority   Priority          `cbor:"8,keyasint,omitempty"`
	Policy     string            `cbor:"9,keyasint"`
	Type       string            `cbor:"10,keyasint,omitempty"`
	Metadata   map[string]string `cbor:"11,keyasint,omitempty"`
	CreatedAt  int64             `cbor:"12,keyasint"` // Unix ms
	FinishedAt int64             `cbor:"13,keyasint"` // Unix ms
	Expires    int64             `cbor:"14,keyasint,omitempty"`
	Tries      int               `cbor:"15,keyasint"`
	Throttled  int               `cbor:"16,keyasint,omitempty"`
	Attempts   []Attempt         `cbor:"17,keyasint,omitempty"` // the last ones, oldest first
	// Reason says in words why it ended when no attempt tells: expired, cancelled, unreadable.
	Reason string `cbor:"18,keyasint,omitempty"`
	// As in Webhook.
	Subscription string `cbor:"19,keyasint,omitempty"`
	Event        string `cbor:"20,keyasint,omitempty"`
	Subject      Digest `cbor:"21,keyasint,omitzero"`
	Replays      ID     `cbor:"22,keyasint,omitzero"`
	Trace        string `cbor:"23,keyasint,omitempty"`
}

// Encode returns the stored form.
func (f *Final) Encode() []byte { return f.Append(make([]byte, 0, 512)) }

// Append appends the stored form.
func (f *Final) Append(b []byte) []byte { return f.append(append(b, formatVersion)) }

// DecodeFinal reads what Encode wrote.
func DecodeFinal(b []byte) (*Final, error) {
	f := new(Final)
	if err := decode("final", b, f); err != nil {
		return nil, err
	}
	return f, nil
}
