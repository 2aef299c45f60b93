package record

// Subscription is an endpoint that is told of events: what its owner asked for, and whether it is enabled. What its
// policy's rule of disabling has counted is kept apart from it, because that changes with every attempt. Instants are
// Unix ms.
type Subscription struct {
	ID       string            `cbor:"1,keyasint"` // "sub_" and a ULID
	Tenant   string            `cbor:"2,keyasint"`
	URL      string            `cbor:"3,keyasint"` // as given
	Name     string            `cbor:"4,keyasint,omitempty"`
	Types    []string          `cbor:"5,keyasint"` // exact, "prefix.*" or "*"; at least one
	Products []string          `cbor:"6,keyasint,omitempty"`
	Filter   string            `cbor:"7,keyasint,omitempty"`
	Policy   string            `cbor:"8,keyasint"`
	Headers  []Header          `cbor:"9,keyasint,omitempty"`
	Metadata map[string]string `cbor:"10,keyasint,omitempty"`
	// Secrets are what its deliveries are signed with, the newest first.
	Secrets []Secret `cbor:"11,keyasint,omitempty"`
	// Disabled says since when and why it is told of nothing; nil: it is enabled.
	Disabled  *Disabled `cbor:"12,keyasint,omitempty"`
	CreatedAt int64     `cbor:"13,keyasint"`
	UpdatedAt int64     `cbor:"14,keyasint"`
	// Leaving: it was deleted, and is kept for what waits for it alone, which is still to be signed, unless Disabled cancels it.
	Leaving bool `cbor:"15,keyasint,omitempty"`
	// CancelUpTo: what was accepted for it at or before this id is not to be sent any more; zero: nothing.
	CancelUpTo ID `cbor:"16,keyasint,omitzero"`
}

// Secret is a key of signatures, and until when it is in use.
type Secret struct {
	_     struct{} `cbor:",toarray"`
	Value string
	Until int64 // Unix ms; 0: until it is replaced
}

// Disabled is why a subscription is told of nothing.
type Disabled struct {
	_      struct{} `cbor:",toarray"`
	Since  int64    // Unix ms
	Reason string   // for a person
	// ByHand: its owner did it, not its policy's rule.
	ByHand bool
	// Cancels: what matches meanwhile is not kept for when it is enabled again.
	Cancels bool
}

// Encode returns the stored form.
func (s *Subscription) Encode() []byte { return encode(s) }

// DecodeSubscription reads what Encode wrote.
func DecodeSubscription(b []byte) (*Subscription, error) {
	s := new(Subscription)
	if err := decode("subscription", b, s); err != nil {
		return nil, err
	}
	return s, nil
}
