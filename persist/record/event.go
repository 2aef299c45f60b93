package record

// Event is something that happened and was published: all that is kept of it beside its deliveries, which hold what it
// said. The ids of the deliveries stand beside the record, in the order of Matches: the store gives them when it keeps
// both. Instants are Unix ms.
type Event struct {
	ID         string   `cbor:"1,keyasint"` // the sender's, or "evt_" and a ULID
	Type       string   `cbor:"2,keyasint"`
	Tenant     string   `cbor:"3,keyasint"`
	Live       bool     `cbor:"4,keyasint,omitempty"`
	Products   []string `cbor:"5,keyasint,omitempty"`
	CreatedAt  int64    `cbor:"6,keyasint"` // when it happened, as its sender says
	AcceptedAt int64    `cbor:"7,keyasint"`
	Size       int      `cbor:"8,keyasint"` // bytes of what it said
	// Matches are the ids of the subscriptions that it went to, one for each delivery.
	Matches []string `cbor:"9,keyasint,omitempty"`
	// Missed are those of the subscriptions that wanted it, but were disabled in a way that keeps nothing for them.
	Missed []string `cbor:"10,keyasint,omitempty"`
}

// Encode returns the stored form.
func (e *Event) Encode() []byte { return encode(e) }

// DecodeEvent reads what Encode wrote.
func DecodeEvent(b []byte) (*Event, error) {
	e := new(Event)
	if err := decode("event", b, e); err != nil {
		return nil, err
	}
	return e, nil
}
