package badgerstore

import (
	"context"
	"fmt"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Enqueue implements persist.Store. A group of more than 64 MiB is refused with persist.ErrTooLarge, as is a payload above
// Options.MaxWebhook. When ctx ends, only the waiting does: the group may be stored all the same.
func (s *Store) Enqueue(ctx context.Context, deposits []persist.Deposit) ([]persist.Receipt, error) {
	if len(deposits) == 0 {
		return nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("badgerstore: enqueueing %d deposits: %w", len(deposits), err)
	}
	if err := s.space.refuses(); err != nil {
		return nil, fmt.Errorf("badgerstore: enqueueing %d deposits: %w", len(deposits), err)
	}
	g, err := newGroup(s, deposits)
	if err == nil {
		err = g.store.commit(ctx, g)
	}
	if err != nil {
		return nil, fmt.Errorf("badgerstore: enqueueing %d deposits: %w", len(deposits), err)
	}
	return g.receipts, nil
}

// commit has the committer write a group, and returns when it is durable.
func (s *Store) commit(ctx context.Context, g *group) error {
	done, err := s.committer.submit(g.operation(), g.size)
	if err != nil {
		return err
	}
	select {
	case <-done:
		return g.err
	case <-ctx.Done():
		return fmt.Errorf("it may be stored all the same: %w", ctx.Err())
	}
}

// group is the deposits of one Enqueue on their way to disk: all that can be computed outside the committer is.
type group struct {
	store      *Store
	deposits   []persist.Deposit
	queues     []groupQueue
	queueOf    []int        // index into queues, by deposit
	size       int64        // bytes of payloads and what leads them
	whole      cost         // of all rows
	keyed      bool         // some have an idempotency key, or come of an event: rows of the live database
	events     *publication // what they are made of; nil: nobody published them
	journal    bool         // it was written to the journal
	receipts   []persist.Receipt
	new        []persist.Committed
	newDeposit []int // index into deposits, by new
	err        error
}

type groupQueue struct {
	ref        persist.QueueRef
	descriptor []byte
	ordered    bool
}

func newGroup(s *Store, deposits []persist.Deposit) (*group, error) {
	g := &group{
		store: s, deposits: deposits,
		queueOf:  make([]int, len(deposits)),
		receipts: make([]persist.Receipt, len(deposits)), new: make([]persist.Committed, 0, len(deposits)),
	}
	payloads := 0
	for i := range deposits {
		if n := len(deposits[i].Payload); n > s.opt.MaxWebhook {
			return nil, fmt.Errorf("deposit %d: a payload of %d bytes, at most %d: %w", i, n, s.opt.MaxWebhook, persist.ErrTooLarge)
		}
		payloads += payloadHead + len(deposits[i].Payload)
	}
	if g.size = int64(payloads); g.size > maxPending {
		return nil, fmt.Errorf("%d bytes, at most %d: %w", payloads, maxPending, persist.ErrTooLarge)
	}
	index := make(map[record.Queue]int, 1)
	for i := range deposits {
		deposit := &deposits[i]
		at, ok := index[deposit.Queue]
		if !ok {
			q := groupQueue{descriptor: deposit.Queue.Append(make([]byte, 0, deposit.Queue.Size())), ordered: deposit.Queue.Ordered()}
			q.ref = persist.QueueRef{Part: deposit.Queue.Part(), ID: deposit.Queue.ID()}
			at = len(g.queues)
			index[deposit.Queue] = at
			g.queues = append(g.queues, q)
			g.whole = g.whole.plus(rowCost(queueKeySize, len(q.descriptor)+positionSize))
		}
		g.queueOf[i] = at
		g.whole = g.whole.plus(rowCost(1+idSize, payloadHead+len(deposit.Payload)))
		g.whole = g.whole.plus(rowCost(entryKeySize, record.EntrySize))
		if deposit.Idempotency != nil {
			g.whole = g.whole.plus(rowCost(idemKeySize, idemSize))
			g.keyed = true
		}
	}
	return g, nil
}

func (g *group) operation() operation {
	if g.whole.within(g.store.committer.limit) {
		return g
	}
	return largeGroup{g}
}

func (g *group) cost() cost { return g.whole }

// assign decides each deposit's verdict, id and rank. What it puts are idempotency rows, which make a key known to the
// deposits behind it.
func (g *group) assign(w *writer) error {
	if g.events != nil {
		return g.events.assign(w)
	}
	if g.keyed && g.deposits[0].Whole && g.refused(w) {
		return w.err
	}
	clock := w.c.clock
	for i := range g.deposits {
		deposit := &g.deposits[i]
		if k := deposit.Idempotency; k != nil {
			if known, ok := w.known(k); ok {
				g.receipts[i] = known
				continue
			}
			id := clock.nextID()
			g.take(i, id)
			w.stands(k, id)
			continue
		}
		g.take(i, clock.nextID())
	}
	return w.err
}

// refused reports whether a deposit of a whole group has a key that is known for something else, and gives the verdicts then.
func (g *group) refused(w *writer) bool {
	within := map[[32]byte][16]byte{} // what its own keys are first given for
	conflicts := 0
	for i := range g.deposits {
		k := g.deposits[i].Idempotency
		if k == nil {
			continue
		}
		known, ok := w.remembered(idempotencyKey(k))
		if !ok {
			if known.fingerprint, ok = within[k.Key]; !ok {
				within[k.Key] = k.Fingerprint
				continue
			}
		}
		if known.fingerprint != k.Fingerprint {
			g.receipts[i].Verdict = persist.Conflict
			conflicts++
		}
	}
	for i := range g.receipts {
		if conflicts > 0 && g.receipts[i].Verdict != persist.Conflict {
			g.receipts[i].Verdict = persist.Refused
		}
	}
	return conflicts > 0
}

// take makes a deposit a webhook. Its rank is never below its id's instant, which is the clock's.
func (g *group) take(i int, id record.ID) {
	deposit, q := &g.deposits[i], &g.queues[g.queueOf[i]]
	accepted := int64(id.Time()) //nolint:gosec // 48 bits
	e := record.Entry{
		Position: record.Position{Rank: max(deposit.Due, accepted), ID: id},
		Due:      deposit.Due, Expires: deposit.Expires,
		Size:  uint32(len(deposit.Payload)), //nolint:gosec // at most LargestPayload
		Early: deposit.Webhook != nil && deposit.Webhook.ExpireEarly,
	}
	if deposit.Due == 0 {
		e.Due = accepted
	}
	if q.ordered {
		e.Rank = 0
	}
	g.receipts[i] = persist.Receipt{ID: id, Verdict: persist.New}
	g.new = append(g.new, persist.Committed{
		Queue: deposit.Queue, QueueID: q.ref.ID, Entry: e, Payload: deposit.Payload, Webhook: deposit.Webhook,
	})
	g.newDeposit = append(g.newDeposit, i)
}

// write puts a group that fits one transaction into the journal whole, or its rows into the live database: where rows of
// another kind must come with them, its idempotency keys' or those of queues that have none yet, and where the journal is behind.
func (g *group) write(w *writer) error {
	g.journal = !g.keyed && !w.c.journal.behind() && g.queuesSaved(w)
	if err := g.assign(w); err != nil {
		return err
	}
	for n := range g.new {
		if g.journal {
			e, q := &g.new[n].Entry, &g.queues[g.queueOf[g.newDeposit[n]]]
			w.accept(q.ref, e, g.new[n].Payload)
			w.c.registry.enter(w, q, e.ID)
			continue
		}
		g.putPayload(w, n)
		g.putEntry(w, n)
	}
	return w.err
}

// queuesSaved reports whether all its queues' rows are on disk.
func (g *group) queuesSaved(w *writer) bool {
	for i := range g.queues {
		if q := w.c.registry.find(w, g.queues[i].ref); q == nil || !q.saved {
			return false
		}
	}
	return true
}

func (g *group) putPayload(w *writer, n int) {
	e, q := &g.new[n].Entry, &g.queues[g.queueOf[g.newDeposit[n]]]
	w.set(idKey(kindPayload, e.ID), payloadRow(q.ref, e.Rank, g.new[n].Payload))
}

func (g *group) putEntry(w *writer, n int) {
	e, q := &g.new[n].Entry, &g.queues[g.queueOf[g.newDeposit[n]]]
	w.set(entryKey(q.ref, e.Position), e.Append(make([]byte, 0, record.EntrySize)))
	w.c.registry.enter(w, q, e.ID)
}

func (g *group) finish(w *writer, err error) {
	w.c.written(g.size)
	if g.journal && w.kept {
		err = nil // what failed was other rows
	}
	if g.err = err; err != nil || len(g.new) == 0 {
		return
	}
	if !g.journal {
		g.store.recent.add(g.new)
	}
	if g.store.opt.Committed != nil {
		g.store.opt.Committed(g.new)
	}
}
