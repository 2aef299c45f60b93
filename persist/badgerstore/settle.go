package badgerstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// errStale is met when a settlement waited so long that its rank could fall below a mark.
var errStale = fmt.Errorf("it waited more than %d s to be written, settle it again: %w", markLag/1000, persist.ErrBusy)

// Settle implements persist.Store. Settling what is already gone does nothing. A batch of more rows than one
// transaction takes is written in several, each settlement whole in one of them, states and marks in the last. When
// ctx ends, only the waiting does. Nobody is ever fenced: there is one member.
func (s *Store) Settle(ctx context.Context, _ persist.Member, batch persist.Batch) ([]record.Part, error) {
	if len(batch.Settlements)+len(batch.States)+len(batch.Marks) == 0 {
		return nil, nil
	}
	fail := func(err error) ([]record.Part, error) {
		return nil, fmt.Errorf("badgerstore: settling %d webhooks: %w", len(batch.Settlements), err)
	}
	if err := s.space.exhausted(); err != nil {
		return fail(err)
	}
	if err := s.committer.failure(); err != nil { // before history is written again and again
		return fail(err)
	}
	ops, err := s.settleOps(&batch)
	if err != nil {
		return fail(err)
	}
	finals := slices.ContainsFunc(batch.Settlements, func(st persist.Settlement) bool { return st.Final != nil })
	for _, op := range ops {
		if err := s.historian.submit(op, finals); err != nil {
			return fail(err)
		}
	}
	var errs []error
	for _, op := range ops {
		select {
		case <-op.done:
			errs = append(errs, op.err)
		case <-ctx.Done():
			return fail(fmt.Errorf("it may be stored all the same: %w", ctx.Err()))
		}
		if op.err == nil {
			op.tellRanks(batch.Settlements)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fail(err)
	}
	return nil, nil
}

// settleOp is a part of a batch that goes in one transaction.
type settleOp struct {
	settlements []settlement
	states      []persist.State
	marks       []persist.Mark
	sum         cost
	before      *settleOp // of the same batch; what follows a failed part is not written
	err         error
	done        chan struct{}
}

// settlement is one webhook's. It points into the caller's batch, only for reading.
type settlement struct {
	index       int // in the caller's batch
	queue       persist.QueueRef
	id          record.ID
	was         record.Position
	rows        []row           // what it puts
	stay        record.Position // where it goes; unset when it is over
	ended       *ending         // set when it is over
	attemptKeys [][]byte        // of its attempts' rows, deleted when it is over
}

type row struct{ key, value []byte }

// ending is what the historian needs of a finished webhook.
type ending struct {
	final   *record.Final
	attempt *record.Attempt  // the last one; nil: it ended without
	earlier []record.Attempt // as stored
	payload []byte
	atHand  bool         // nothing more is to be read about it
	keep    persist.Keep // with the store's own where none was given
}

func (s *Store) settleOps(batch *persist.Batch) ([]*settleOp, error) {
	limit := s.committer.limit
	ops := []*settleOp{{done: make(chan struct{}), settlements: make([]settlement, 0, len(batch.Settlements))}} // mostly all of them
	room := func(k cost) *settleOp {
		op := ops[len(ops)-1]
		if !op.sum.plus(k).within(limit) {
			op = &settleOp{done: make(chan struct{}), before: op}
			ops = append(ops, op)
		}
		op.sum = op.sum.plus(k)
		return op
	}
	now := s.committer.clock.now()
	for i := range batch.Settlements {
		t, err := newSettlement(&batch.Settlements[i], now)
		if err != nil {
			return nil, fmt.Errorf("settlement %d, of %s: %w", i, batch.Settlements[i].ID, err)
		}
		t.index = i
		if t.ended != nil {
			t.ended.keep = s.opt.Retention.keep(batch.Settlements[i].Keep)
		}
		k := t.cost()
		if t.ended == nil && s.fresh.find(t.id) != nil { // its payload moves with it
			k = k.plus(rowCost(1+idSize, payloadHead+int(batch.Settlements[i].Next.Size)))
		}
		if !k.within(limit) {
			return nil, fmt.Errorf("settlement %d, of %s: %d bytes: %w", i, t.id, k.bytes, persist.ErrTooLarge)
		}
		op := room(k)
		op.settlements = append(op.settlements, t)
	}
	for i := range batch.States {
		st := batch.States[i]
		st.Data = append([]byte(nil), st.Data...)
		k := rowCost(len(stateKey(&st)), len(st.Data))
		if !k.within(limit) {
			return nil, fmt.Errorf("state of %s: %d bytes: %w", st.Lane.Host, k.bytes, persist.ErrTooLarge)
		}
		op := room(k)
		op.states = append(op.states, st)
	}
	for _, m := range batch.Marks {
		op := room(rowCost(queueKeySize, markRowSize))
		op.marks = append(op.marks, m)
	}
	return ops, nil
}

// markRowSize bounds a queue's row: host, tenant and flow are names of at most some hundred bytes.
const markRowSize = 1024

func newSettlement(st *persist.Settlement, now int64) (settlement, error) {
	t := settlement{queue: st.Queue, id: st.ID, was: st.Was}
	switch {
	case (st.Next == nil) == (st.Final == nil):
		return t, errors.New("want exactly one of Next and Final")
	case st.Was.ID != st.ID:
		return t, fmt.Errorf("its place is that of %s", st.Was.ID)
	case st.Attempt != nil && st.Attempt.N < 1:
		return t, fmt.Errorf("attempt %d: the first is 1", st.Attempt.N)
	}
	if st.Final != nil {
		t.ended = &ending{final: st.Final, attempt: st.Attempt, payload: st.Payload}
		return t, nil
	}
	next := *st.Next
	next.Position = record.Position{ID: st.ID}
	if st.Was.Rank != 0 { // else its queue has an ordering key: it keeps its place
		next.Rank = max(next.Due, now)
	}
	t.stay = next.Position
	t.rows = append(t.rows, row{entryKey(st.Queue, next.Position), next.Append(make([]byte, 0, record.EntrySize))})
	if st.Attempt == nil {
		if next.Rank != st.Was.Rank {
			m := moved{uint32(next.Attempts()), next.Rank} //nolint:gosec // two 16-bit numbers
			t.rows = append(t.rows, row{attemptKey(st.ID, moveSlot), m.append(nil)})
		}
		return t, nil
	}
	a := *st.Attempt
	a.NextRank, a.NextDue = next.Rank, next.Due
	slot := uint16(a.N % attemptSlots) //nolint:gosec // below attemptSlots
	t.rows = append(t.rows, row{attemptKey(st.ID, slot), a.Encode()})
	return t, nil
}

// cost bounds what it puts and deletes.
func (t *settlement) cost() cost {
	k := rowCost(entryKeySize, 0)
	for _, r := range t.rows {
		k = k.plus(rowCost(len(r.key), len(r.value)))
	}
	if t.ended == nil {
		return k
	}
	k = k.plus(rowCost(1+idSize, 0))
	if t.firstTry() {
		return k
	}
	slots := attemptSlots
	if t.ended.attempt != nil {
		slots = min(t.ended.attempt.N, slots)
	}
	return k.plus(rowCost(1+idSize+2, 0).times(slots + 1)) // and the move
}

func (t *settlement) place() entryPlace { return entryPlace{t.queue, t.was.Rank} }

// firstTry reports that a webhook ended with its first attempt, where it was queued first: it has no rows of attempts.
func (t *settlement) firstTry() bool {
	return t.ended.attempt != nil && t.ended.attempt.N == 1 &&
		(t.was.Rank == 0 || t.was.Rank == int64(t.id.Time())) //nolint:gosec // 48 bits
}

func (o *settleOp) cost() cost { return o.sum }

func (o *settleOp) write(w *writer) error {
	if o.before != nil && o.before.err != nil { // a mark would hide what that part left in place
		o.err = o.before.err
		return nil //nolint:nilerr // told by finish; the others of its transaction are not to blame
	}
	oldest := w.c.clock.now() - markLag
	for i := range o.settlements {
		t := &o.settlements[i]
		if t.stay.Rank != 0 && t.stay.Rank <= oldest {
			o.err = errStale
			return nil // told by finish: the others of its transaction are not to blame
		}
	}
	for i := range o.settlements {
		o.settlements[i].write(w)
	}
	for i := range o.states {
		st := &o.states[i]
		if len(st.Data) == 0 {
			w.del(stateKey(st))
			continue
		}
		w.set(stateKey(st), append([]byte{rowVersion}, st.Data...))
	}
	for _, m := range o.marks {
		w.c.registry.raise(w, m)
	}
	return w.err
}

func (t *settlement) write(w *writer) {
	if e := w.c.store.fresh.find(t.id); e != nil {
		t.writeFresh(w, e)
		return
	}
	old := entryKey(t.queue, t.was)
	if r := &w.c.store.recent; !r.take(t.id, t.place(), t.ended != nil && t.firstTry()) {
		if !w.has(old) {
			t.settledBefore(w)
			return
		}
		r.leave(t.id)
	}
	w.del(old)
	for _, r := range t.rows {
		w.set(r.key, r.value)
	}
	if t.ended != nil {
		w.del(idKey(kindPayload, t.id))
		for _, key := range t.attemptKeys {
			w.del(key)
		}
		w.c.registry.leave(w, t.queue)
	}
}

// writeFresh settles a webhook that is in the journal only.
func (t *settlement) writeFresh(w *writer, e *freshEntry) {
	switch {
	case e.leaving == w || e.queue != t.queue || e.entry.Position != t.was:
		t.settledBefore(w)
	case t.ended != nil:
		w.end(e)
		w.c.registry.leave(w, t.queue)
	default:
		w.movePayload(e)
		for _, r := range t.rows {
			w.set(r.key, r.value)
		}
	}
}

// settledBefore finds out where a webhook went when it was settled the first time: the caller is told again.
func (t *settlement) settledBefore(w *writer) {
	if t.ended != nil || w.err != nil {
		return
	}
	rows, err := w.c.store.readAttemptRows(w.rows(), t.id)
	if err != nil {
		w.err = err
		return
	}
	t.stay.Rank = rows.rank(t.was.Rank)
}

func (o *settleOp) finish(_ *writer, err error) {
	o.err = errors.Join(o.err, err)
	close(o.done)
}

// tellRanks says where the webhooks went, in the caller's own batch.
func (o *settleOp) tellRanks(batch []persist.Settlement) {
	for i := range o.settlements {
		t := &o.settlements[i]
		if t.ended != nil {
			continue
		}
		st := &batch[t.index]
		st.Next.Position = t.stay
		if st.Attempt != nil {
			st.Attempt.NextRank, st.Attempt.NextDue = t.stay.Rank, st.Next.Due
		}
	}
}

// slotOf returns the slot in an attempt's key.
func slotOf(key []byte) uint16 { return binary.BigEndian.Uint16(key[1+idSize:]) }
