package persist

import (
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Event is something that happened, and the webhooks that it makes.
type Event struct {
	Key         [32]byte  // digest of tenant and id: an event is known by it as long as it is kept
	Fingerprint [16]byte  // digest of what it says
	Record      []byte    // opaque to the store
	Deposits    []Deposit // may be none
	Keep        time.Duration
}

// EventReceipt answers one event. On Existing and Conflict the rest is as it was stored the first time.
type EventReceipt struct {
	Verdict Verdict
	EventView
}

// EventView is an event as it is stored.
type EventView struct {
	Record   []byte
	Webhooks []record.ID // of its deposits, in their order
}

// Document is something small that is kept whole under a key, and read whole at the next start: opaque to the store.
type Document struct {
	Kind DocumentKind
	Key  string // at most 256 bytes, not empty
	Data []byte // empty: there is none any more
}

// DocumentKind tells documents of one sort from those of another.
type DocumentKind uint8

// The kinds of documents. Their numbers are stored.
const (
	SubscriptionDocument DocumentKind = 1 // record.Subscription, by its id
	StandingDocument     DocumentKind = 2 // what a subscription's rule of disabling has counted, by its id
	SigningKeyDocument   DocumentKind = 3 // a private key of the gateway's, PKCS #8 in PEM, by when it was made
)
