package record

// Header is one header field as the caller wrote it: order and case are kept.
type Header struct {
	_     struct{} `cbor:",toarray"`
	Name  string
	Value string
}

// Webhook is the call to be made and how to treat it: the payload a store writes once and never rewrites.
// Instants are Unix ms; a zero one was not given.
type Webhook struct {
	Method   string            `cbor:"1,keyasint"`
	URL      string            `cbor:"2,keyasint"` // byte for byte as given
	Headers  []Header          `cbor:"3,keyasint,omitempty"`
	Body     []byte            `cbor:"4,keyasint,omitempty"`
	Host     string            `cbor:"5,keyasint"`
	LaneKey  Digest            `cbor:"6,keyasint"`
	Tenant   string            `cbor:"7,keyasint"`
	Flow     string            `cbor:"8,keyasint"`
	Priority Priority          `cbor:"9,keyasint,omitempty"`
	Ordering Digest            `cbor:"10,keyasint"`
	Policy   string            `cbor:"11,keyasint"`
	Type     string            `cbor:"12,keyasint,omitempty"`
	Metadata map[string]string `cbor:"13,keyasint,omitempty"`
	SendAt   int64             `cbor:"14,keyasint,omitempty"`
	Expires  int64             `cbor:"15,keyasint,omitempty"`
	// ExpireEarly: give up as soon as it cannot be sent before Expires, not only when that has passed.
	ExpireEarly bool `cbor:"16,keyasint,omitempty"`
	// Variation is Braze's message_variation_id; kept, never sent.
	Variation string `cbor:"17,keyasint,omitempty"`
	// Subscription and Event are the ids of what it was made of, where it is an event's delivery.
	Subscription string `cbor:"18,keyasint,omitempty"`
	Event        string `cbor:"19,keyasint,omitempty"`
	// Subject is a keyed digest of whom it is about, for erasure.
	Subject Digest `cbor:"20,keyasint,omitzero"`
	// Replays is the webhook that this one repeats at somebody's wish.
	Replays ID `cbor:"21,keyasint,omitzero"`
	// Credential names what is put into its headers when it is sent, and never stored with it.
	Credential string `cbor:"22,keyasint,omitempty"`
	// Trace is the traceparent of the request that brought it (W3C Trace Context).
	Trace string `cbor:"23,keyasint,omitempty"`
}

// Queue returns the queue the webhook belongs to.
func (w *Webhook) Queue() Queue {
	return Queue{
		Lane: Lane{Host: w.Host, Key: w.LaneKey}, Tenant: w.Tenant, Flow: w.Flow,
		Priority: w.Priority, Ordering: w.Ordering,
	}
}

// Encode returns the stored form.
func (w *Webhook) Encode() []byte { return w.append(versioned(256 + len(w.Body) + len(w.URL))) }

// DecodeWebhook reads what Encode wrote. The result shares no memory with b.
func DecodeWebhook(b []byte) (*Webhook, error) {
	w := new(Webhook)
	if len(b) > 0 && b[0] == formatVersion && w.read(b[1:]) {
		return w, nil
	}
	*w = Webhook{}
	if err := decode("webhook", b, w); err != nil {
		return nil, err
	}
	return w, nil
}
