// Package storetest is the conformance suite of persist.Store: what the gateway relies on, as tests that any store
// passes. It holds no store of its own and knows nothing of how one keeps its data; a store's package calls Run with a
// way to open itself, to be killed, and to be opened again.
package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Place is where a store keeps what must survive.
type Place interface {
	// Open opens the store as its last Close, or a crash, left it. The suite closes it.
	Open(t *testing.T, o Options) persist.Store
	// Crash returns a place that holds what would be left if the process that has the store open were killed now. The
	// store itself goes on. It may be called from Options.Split.
	Crash(t *testing.T) Place
}

// Options say how a store is opened. The zero value keeps no history.
type Options struct {
	// Committed is told of each group's new deposits after their commit, before Enqueue returns.
	Committed func([]persist.Committed)
	// Split is called, by a store that writes a large group in several steps, before each of them.
	Split          func()
	Metadata, Body time.Duration // how long finished webhooks are kept
	MaxSize        int64         // bytes of history; 0: unbounded
	Full           bool          // as if the disk had too little free space
	// Swept, unless nil, is closed once queues that an earlier run left empty are gone.
	Swept chan<- struct{}
}

// Run checks a store's promises. It calls fresh for a new, empty place for each test.
func Run(t *testing.T, fresh func(t *testing.T) Place) {
	t.Helper()
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.check(t, fresh(t)) })
	}
}

type promise struct {
	name  string
	check func(t *testing.T, at Place)
}

var promises = []promise{
	{"LargeGroupIsAllThereOrNotAfterEveryCrash", largeGroupIsAtomic},
	{"LargeGroupIsSeenWholeOrNotAtAll", largeGroupIsSeenWhole},
	{"AcceptedGroupSurvivesCrash", acceptedSurvivesCrash},
	{"IdsIncreaseOverRestartsAndWhenTheClockGoesBack", idsIncrease},
	{"KnownKeyIsAnsweredWithTheFirstId", idempotency},
	{"KnownKeyIsForgottenAfterADay", idempotencyEnds},
	{"KeyStandsForAWebhookThatIsThere", keyOfWhatIsThere},
	{"SameKeyTwiceInOneGroupIsStoredOnce", idempotencyInGroup},
	{"WholeGroupWithAConflictStoresNothing", idempotencyWhole},
	{"CommittedSeesEveryDepositOnceInIdOrder", concurrentEnqueue},
	{"TooLargeGroupIsRefusedWhole", tooLarge},
	{"FullDiskRefusesDepositsButSettles", fullDisk},
	{"ClosedStoreSaysSo", closedStore},
	{"TendGivesEveryPartition", tend},

	{"WindowPagesInRankAndIdOrder", windowOrder},
	{"OrderedQueueIsReadById", orderedQueue},
	{"FreshWebhookNeverSortsBeforeTheBacklog", freshAfterBacklog},
	{"QueuesListsAndPages", queues},
	{"QueueWithoutWebhooksIsGoneAfterRestart", emptyQueueGoes},
	{"MarksNeverHideALiveEntry", marksHideNothing},
	{"MarksAreKept", marksAreKept},

	{"RetryMovesOnlyTheEntry", retryMoves},
	{"MoveWithoutAttemptIsFound", moveWithoutAttempt},
	{"OrderedRetryKeepsItsPlace", orderedRetry},
	{"FinalKeepsAttemptsOfAllTriesInOrder", finalAttempts},
	{"SettlingTwiceIsHarmless", settleTwice},
	{"LateRetryDoesNotBringBackAFinishedWebhook", lateRetry},
	{"FaultySettlementIsRefusedWhole", faultySettlement},
	{"LargeBatchIsSettled", largeSettle},
	{"StatesAreSavedReplacedForgotten", states},

	{"EventAndItsWebhooksAreAllThereOrNotAfterEveryCrash", eventIsAtomic},
	{"KnownEventIsAnsweredWithItsFirstWebhooks", knownEvent},
	{"EventWithoutWebhooksIsKept", eventWithoutWebhooks},
	{"EventEndsWithItsTime", eventEnds},
	{"FullDiskRefusesEvents", fullDiskEvents},
	{"DocumentsSurviveCrashInTheOrderOfTheirKeys", documents},
	{"DocumentsAreSavedAllOrNone", documentsTooLarge},

	{"HistorySurvivesRestart", historySurvives},
	{"HistoryEndsWithItsRetention", historyEnds},
	{"HistorySizeWins", historySize},
	{"LivePayloadSurvivesAllRetention", livePayloadStays},
	{"UnknownWebhookIsNotFound", unknown},
	{"SettlementSaysHowLongItIsKept", keptApart},

	{"HistoryIsFilteredLatestFirst", historyFilters},
	{"CursorGoesOnWhileWebhooksEnd", historyCursor},
	{"ErasedIsGoneAndTheRestIsNot", eraseLeavesTheRest},
	{"LiveWebhooksAreListedById", liveList},
	{"LivePagesEndOverManyThatAreGone", liveGone},
}

// queue returns a queue of a host.
func queue(host, flow string) record.Queue {
	return record.Queue{Lane: record.Lane{Host: host}, Tenant: "default", Flow: flow}
}

// ordered returns a queue with an ordering key.
func ordered(host, key string) record.Queue {
	q := queue(host, "default")
	copy(q.Ordering[:], key)
	return q
}

func ref(q record.Queue) persist.QueueRef { return persist.QueueRef{Part: q.Part(), ID: q.ID()} }

// deposits returns n deposits of a queue, due at once, each payload telling its number.
func deposits(q record.Queue, n int) []persist.Deposit {
	ds := make([]persist.Deposit, n)
	for i := range ds {
		ds[i] = persist.Deposit{Queue: q, Payload: fmt.Appendf(nil, "payload %d of %s", i, q.Flow)}
	}
	return ds
}

func enqueue(t *testing.T, s persist.Store, ds ...persist.Deposit) []record.ID {
	t.Helper()
	receipts, err := s.Enqueue(t.Context(), ds)
	if err != nil {
		t.Fatalf("Enqueue of %d deposits: %v", len(ds), err)
	}
	if len(receipts) != len(ds) {
		t.Fatalf("Enqueue of %d deposits gave %d receipts", len(ds), len(receipts))
	}
	ids := make([]record.ID, len(receipts))
	for i, r := range receipts {
		ids[i] = r.ID
	}
	return ids
}

// window reads a whole queue from a position on.
func window(t *testing.T, s persist.Store, q record.Queue, after record.Position) []record.Entry {
	t.Helper()
	es, err := s.Window(t.Context(), ref(q), after, 1<<20)
	if err != nil {
		t.Fatalf("Window: %v", err)
	}
	return es
}

// live reads a whole queue from the mark that the store names for it, as a restart does; nil if it is not listed.
func live(t *testing.T, s persist.Store, q record.Queue) []record.Entry {
	t.Helper()
	heads, err := s.Queues(t.Context(), q.Part(), record.QueueID{}, 1<<20)
	if err != nil {
		t.Fatalf("Queues: %v", err)
	}
	for _, h := range heads {
		if h.ID == q.ID() {
			return window(t, s, q, h.Mark)
		}
	}
	return nil
}

func ids(es []record.Entry) []record.ID {
	out := make([]record.ID, len(es))
	for i := range es {
		out[i] = es[i].ID
	}
	return out
}

func settle(t *testing.T, s persist.Store, b persist.Batch) {
	t.Helper()
	fenced, err := s.Settle(t.Context(), "me", b)
	if err != nil || len(fenced) != 0 {
		t.Fatalf("Settle: fenced %v, %v", fenced, err)
	}
}

// retried returns a settlement that tries an entry again at an instant.
func retried(q record.Queue, e record.Entry, due int64) persist.Settlement {
	next := e
	next.Tries++
	next.Due = due
	a := &record.Attempt{N: next.Attempts(), At: time.Now().UnixMilli(), Status: 500, Outcome: "retry"}
	return persist.Settlement{Queue: ref(q), Was: e.Position, ID: e.ID, Attempt: a, Next: &next}
}

// delivered returns a settlement that ends an entry with one more attempt.
func delivered(q record.Queue, e record.Entry) persist.Settlement {
	n := e.Attempts() + 1
	return persist.Settlement{
		Queue: ref(q), Was: e.Position, ID: e.ID,
		Attempt: &record.Attempt{N: n, At: time.Now().UnixMilli(), Status: 200, Outcome: "delivered"},
		Final: &record.Final{
			ID: e.ID, State: record.Delivered, Method: "POST", URL: "https://" + q.Lane.Host + "/", Host: q.Lane.Host,
			Tenant: q.Tenant, Flow: q.Flow, FinishedAt: time.Now().UnixMilli(), Tries: n,
		},
	}
}

func webhook(t *testing.T, s persist.Store, id record.ID) *persist.View {
	t.Helper()
	v, err := s.Webhook(t.Context(), id)
	if err != nil {
		t.Fatalf("Webhook(%s): %v", id, err)
	}
	return v
}

func shut(t *testing.T, s persist.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}
