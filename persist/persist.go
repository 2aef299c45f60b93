// Package persist says what must survive: the Store interface, and what its calls exchange.
//
// The store below it is badgerstore (embedded, the default); storetest is the one conformance suite that all stores pass.
// persist knows nothing of limits, breakers, HTTP or YAML: a webhook's payload and a lane's state are bytes to it.
// It never decides when a webhook is sent, and it never forgets one that it accepted.
package persist

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-gateway/sluice/persist/record"
)

// Sentinels on which callers branch; stores wrap them with what was tried on what.
var (
	ErrNotFound = errors.New("not found")
	ErrClosed   = errors.New("store closed")
	ErrFailed   = errors.New("the store cannot be written any more")  // for good: only opening it anew helps
	ErrLost     = errors.New("something that was written is missing") // of opening: restore it, or accept the loss
	ErrFull     = errors.New("too little free disk space")            // accept nothing more until space is freed
	// ErrNoFiles is an ErrFull: there is space, but no file can be made.
	ErrNoFiles error = sentinelOf{ErrFull, "too few inodes are free (df -i)"}
	// ErrUnwritable: accept nothing more until the disk writes again, which the store finds out by itself.
	ErrUnwritable = errors.New("the disk does not take what is written")
	// ErrSilent is an ErrUnwritable: who asks the disk hears nothing.
	ErrSilent   error = sentinelOf{ErrUnwritable, "the file system does not answer"}
	ErrBusy           = errors.New("too much waits to be written") // try again shortly
	ErrTooLarge       = errors.New("too large for one group")      // never fits; the caller must split it
	ErrCursor         = errors.New("not a cursor of this log")     // begin without one
)

// sentinelOf is a sentinel that says more than another, which it stands for too.
type sentinelOf struct {
	kind error
	text string
}

func (e sentinelOf) Error() string { return e.text }
func (e sentinelOf) Unwrap() error { return e.kind }

// Store keeps webhooks from acceptance to their end. Its methods may be called from many goroutines.
type Store interface {
	// Enqueue stores all deposits as one group, all or none, and returns once they survive a power cut. Receipts are in
	// the order of deposits. Ids are assigned here, in commit order, increasing across restarts and whatever the clock
	// does. A deposit whose idempotency key is known is not stored again: its receipt says Existing, or Conflict where
	// the fingerprint differs; the others of its group are not affected. Payloads are the store's from here on: they
	// must not change. Errors: ErrFull, ErrUnwritable, ErrBusy, ErrTooLarge, ErrFailed, ErrClosed; nothing was stored then. When ctx ends, only
	// the waiting does.
	Enqueue(ctx context.Context, deposits []Deposit) ([]Receipt, error)

	// LastID is the highest id given until now: whatever Enqueue or Publish has answered has it or a lower one, and what is
	// accepted from here on a higher one. Of what is being committed meanwhile it may be either. Zero: none was given yet.
	LastID() record.ID

	// Tend claims partitions for a member and renews what it holds. A store of one process gives it all of them, for
	// ever.
	Tend(ctx context.Context, me Member, drop []record.Part, ttl time.Duration) (Tenure, error)

	// Queues lists the queues of a partition that may have live webhooks, in QueueID order after a given one (the
	// zero QueueID: from the first), at most limit.
	Queues(ctx context.Context, part record.Part, after record.QueueID, limit int) ([]QueueHead, error)

	// Window returns the next entries of a queue behind a position, in (rank, id) order, at most limit, due or not.
	Window(ctx context.Context, queue QueueRef, after record.Position, limit int) ([]record.Entry, error)

	// Count returns how many entries of a queue stand behind a position; most, if there are as many or more. What is accepted, moved
	// or settled meanwhile may be counted or not. It takes about as long as reading their keys.
	Count(ctx context.Context, queue QueueRef, after record.Position, most int) (int, error)

	// Payload returns the payload of a live webhook, or ErrNotFound.
	Payload(ctx context.Context, id record.ID) ([]byte, error)

	// States returns the saved states of a partition's hosts and lanes.
	States(ctx context.Context, part record.Part) ([]State, error)

	// StatesOf returns the saved states of one host and of its lanes, as they were settled last.
	StatesOf(ctx context.Context, host string) ([]State, error)

	// Settle carries what became of many webhooks together with changed states and marks; durable on return, and
	// atomic or idempotent in an order that loses nothing. Partitions that me no longer owns are fenced: nothing
	// of theirs was written. What is already gone is passed over, so a batch whose outcome is unknown may be settled
	// again, and must be after an error. On success Next.Rank and Attempt.NextRank are set in the batch itself; what a
	// batch points at must not change while Settle runs, nor after it when ctx ended first.
	Settle(ctx context.Context, me Member, batch Batch) (fenced []record.Part, err error)

	// Webhook returns all that is known of a webhook, live or finished, or ErrNotFound.
	Webhook(ctx context.Context, id record.ID) (*View, error)

	// Publish stores events and the webhooks made of them as one group, all or none, as Enqueue does with its deposits. An
	// event whose key is known is not stored again, nor are its deposits: its receipt tells what was stored the first time.
	// The deposits' own idempotency keys are not looked at. Errors: as Enqueue.
	Publish(ctx context.Context, events []Event) ([]EventReceipt, error)

	// Known tells what an idempotency key stands for: its receipt says Existing or Conflict, as Enqueue's, or New where it
	// stands for nothing.
	Known(ctx context.Context, k Idempotency) (Receipt, error)

	// Remember has an idempotency key stand for a webhook that is there already; durable on return. Where it is known it stays
	// as it is: the receipt says Existing or Conflict, as Enqueue's.
	Remember(ctx context.Context, k Idempotency, id record.ID) (Receipt, error)

	// Event returns an event by its key, or ErrNotFound where there is none, or its time is up.
	Event(ctx context.Context, key [32]byte) (*EventView, error)

	// SaveDocuments stores documents over what was stored under their keys, all or none; durable on return.
	SaveDocuments(ctx context.Context, docs []Document) error

	// Documents returns the documents of a kind in the order of their keys, behind a key (empty: from the first), at
	// most limit.
	Documents(ctx context.Context, kind DocumentKind, after string, limit int) ([]Document, error)

	// History pages through finished webhooks, the latest first, at most limit a page: from is empty, or a page's Next.
	// Errors: ErrCursor where it is neither.
	History(ctx context.Context, filter *Filter, from string, limit int) (*HistoryPage, error)

	// Erase wipes what is kept of finished webhooks that a filter means: their payloads, and of the rest all but that they
	// were, when, for whom and what became of them. What they said is gone from the store's files on return, but for what its
	// journals still hold, which docs/privacy.md tells. It returns how many it found; what ends meanwhile may be missed. When
	// ctx ends, some may be left; doing it again goes on.
	Erase(ctx context.Context, filter *Filter) (int, error)

	// Live pages through the live webhooks of those queues that are wanted (nil: all), by id, the latest first, at most
	// limit a page: those before an id, zero: from the latest. What is accepted or ends meanwhile may be there or not.
	Live(ctx context.Context, before record.ID, wanted func(*record.Queue) bool, limit int) (*LivePage, error)

	Close() error
}

// Member names a process that owns partitions; new at every start.
type Member string

// Tenure is what a member owns and until when.
type Tenure struct {
	Parts []record.Part
	Until time.Time // zero: for ever
}

// Deposit is a webhook to be stored.
type Deposit struct {
	Queue   record.Queue
	Due     int64 // Unix ms; 0: at once, its entry's Due is then the instant of its id
	Expires int64 // Unix ms; 0: never
	Payload []byte
	// Webhook is what Payload encodes, where it is at hand: the store hands it on in Committed and keeps nothing of it.
	Webhook *record.Webhook
	// Idempotency is nil when the caller gave no key.
	Idempotency *Idempotency
	// Whole, of the first deposit, has nothing of its group stored where a deposit is a Conflict. The others are then Refused.
	Whole bool
}

// Idempotency is how a repeated request is known.
type Idempotency struct {
	Key         [32]byte // digest of tenant and key
	Fingerprint [16]byte // digest of what was asked for under it
	// Keep is for how long it is known, in whole seconds; 0: 24 hours.
	Keep time.Duration
}

// Verdict is what became of one deposit of a group.
type Verdict uint8

// The verdicts of Enqueue.
const (
	New      Verdict = iota // stored
	Existing                // known under its idempotency key; the receipt has that webhook's id
	Conflict                // its idempotency key is known for something else
	Refused                 // nothing is wrong with it, but its group is Whole and another of it is a Conflict
)

// Receipt answers one deposit.
type Receipt struct {
	ID      record.ID
	Verdict Verdict
}

// Committed is a deposit as it stands after its commit, for the hand-over to who sends it. Payload and Webhook are the deposit's
// own.
type Committed struct {
	Queue   record.Queue
	QueueID record.QueueID
	Entry   record.Entry
	Payload []byte
	Webhook *record.Webhook // nil when the deposit had none
}

// QueueRef names a queue in the store.
type QueueRef struct {
	Part record.Part
	ID   record.QueueID
}

// QueueHead is a queue that may have live webhooks, and where to read it from: nothing live stands at or before Mark.
type QueueHead struct {
	Queue record.Queue
	ID    record.QueueID
	Mark  record.Position
}

// Settlement is what became of one webhook. Exactly one of Next and Final is set.
type Settlement struct {
	Queue   QueueRef
	Was     record.Position // the live entry's place until now
	ID      record.ID
	Attempt *record.Attempt // nil: it ended or moved without one
	Next    *record.Entry   // it stays, here; the store sets Next.Rank, and Attempt.NextRank with it
	Final   *record.Final   // it is over; earlier attempts are added by the store
	Payload []byte          // of a finished webhook when at hand; else the store reads it
	Keep    Keep            // of a finished webhook
}

// Keep is how long a finished webhook is kept, from its end on; the store may keep it longer by the span of one of its files.
// Zero: as long as the store keeps others; negative: not at all. Whole seconds count.
type Keep struct {
	Metadata, Body time.Duration
}

// Mark says that nothing live of a queue stands at or before a position. Marks are hints that save reading over
// what was deleted; a store may keep a lower one, never a higher.
type Mark struct {
	Queue QueueRef
	At    record.Position
}

// State is what a host, a lane or a flow remembers over a restart; opaque to the store. Empty Data forgets it.
type State struct {
	Lane record.Lane // of a flow, which is of no host: a name of whose partition and key it is
	Kind StateKind
	Data []byte
}

// StateKind tells a host's state from a lane's and a flow's.
type StateKind uint8

// The kinds of state.
const (
	HostState StateKind = 1 // of the whole host: the breaker
	LaneState StateKind = 2 // of one lane: learned limits, pause
	FlowState StateKind = 3 // of a flow: an operator's hold, a cancellation under way
)

// Batch is what one Settle carries.
type Batch struct {
	Settlements []Settlement
	States      []State
	Marks       []Mark
}

// View is all that is known of a webhook.
type View struct {
	Payload  []byte           // nil when its retention has passed
	Entry    *record.Entry    // set while it is live
	Final    *record.Final    // set when it is over
	Attempts []record.Attempt // oldest first
}
