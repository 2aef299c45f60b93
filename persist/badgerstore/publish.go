package badgerstore

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Publish implements persist.Store. What Enqueue refuses for its size is refused here too, and so is an event whose row
// would not stay inline: a record and 16 bytes for each of its webhooks, 1,000,000 together.
func (s *Store) Publish(ctx context.Context, events []persist.Event) ([]persist.EventReceipt, error) {
	if len(events) == 0 {
		return nil, nil
	}
	fail := func(err error) ([]persist.EventReceipt, error) {
		return nil, fmt.Errorf("badgerstore: publishing %d events: %w", len(events), err)
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	if err := s.space.refuses(); err != nil {
		return fail(err)
	}
	p, err := newPublication(s, events)
	if err != nil {
		return fail(err)
	}
	if err := s.commit(ctx, p.group); err != nil {
		return fail(err)
	}
	return p.receipts, nil
}

// publication is the events of one Publish on their way to disk. Their deposits are one group.
type publication struct {
	*group
	events   []persist.Event
	first    []int // of each event's deposits, among all
	receipts []persist.EventReceipt
}

func newPublication(s *Store, events []persist.Event) (*publication, error) {
	p := &publication{events: events, first: make([]int, len(events)), receipts: make([]persist.EventReceipt, len(events))}
	var deposits []persist.Deposit
	for i := range events {
		p.first[i] = len(deposits)
		deposits = append(deposits, events[i].Deposits...)
	}
	var err error
	if p.group, err = newGroup(s, deposits); err != nil {
		return nil, err
	}
	p.group.events, p.keyed = p, true
	for i := range events {
		size := eventHead + idSize*len(events[i].Deposits) + len(events[i].Record)
		if size > LargestPayload {
			return nil, fmt.Errorf("event %d: a row of %d bytes, at most %d: %w", i, size, LargestPayload, persist.ErrTooLarge)
		}
		p.whole = p.whole.plus(rowCost(eventKeySize, size))
	}
	return p, nil
}

// assign decides each event's verdict, and gives the webhooks of the new ones their ids and ranks. What it puts are the
// events' rows, which make them known to those behind them.
func (p *publication) assign(w *writer) error {
	for i := range p.events {
		e := &p.events[i]
		key := eventKey(e.Key)
		if known, ok := w.knownEvent(key); ok {
			p.receipts[i] = persist.EventReceipt{Verdict: persist.Existing, EventView: known.EventView}
			if known.fingerprint != e.Fingerprint {
				p.receipts[i].Verdict = persist.Conflict
			}
			continue
		}
		ids := make([]record.ID, len(e.Deposits))
		for n := range e.Deposits {
			ids[n] = w.c.clock.nextID()
			p.take(p.first[i]+n, ids[n])
		}
		stored := storedEvent{EventView: persist.EventView{Record: e.Record, Webhooks: ids}, fingerprint: e.Fingerprint}
		w.keep(badger.NewEntry(key, stored.row()).WithTTL(e.Keep))
		p.receipts[i] = persist.EventReceipt{Verdict: persist.New, EventView: stored.EventView}
	}
	return w.err
}

func (w *writer) knownEvent(key []byte) (storedEvent, bool) {
	row := w.get(key)
	if row == nil {
		return storedEvent{}, false
	}
	e, err := readEvent(row)
	if err != nil {
		w.c.store.aside(w, key, row)
		return storedEvent{}, false
	}
	return e, true
}

// Event implements persist.Store.
func (s *Store) Event(_ context.Context, key [32]byte) (*persist.EventView, error) {
	k := eventKey(key)
	var e storedEvent
	row, err := s.keptRow(k)
	switch {
	case err != nil:
	case row == nil:
		err = persist.ErrNotFound
	default:
		if e, err = readEvent(row); err != nil {
			s.reportUnreadable(k, row)
			err = fmt.Errorf("%w: %w", persist.ErrNotFound, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("badgerstore: event %x: %w", key, err)
	}
	return &e.EventView, nil
}

// storedEvent is an event's row.
type storedEvent struct {
	persist.EventView
	fingerprint [16]byte
}

const (
	eventKeySize = 1 + 32
	eventHead    = 1 + 16 + 4 // version, fingerprint, and how many webhooks
)

func eventKey(key [32]byte) []byte { return append([]byte{kindEvent}, key[:]...) }

func (e *storedEvent) row() []byte {
	b := make([]byte, 0, eventHead+idSize*len(e.Webhooks)+len(e.Record))
	b = append(append(b, rowVersion), e.fingerprint[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(e.Webhooks))) //nolint:gosec // bounded with the row
	for _, id := range e.Webhooks {
		b = append(b, id[:]...)
	}
	return append(b, e.Record...)
}

func readEvent(b []byte) (e storedEvent, err error) {
	if len(b) < eventHead || b[0] != rowVersion {
		return e, fmt.Errorf("%w: event row of %d bytes", record.ErrFormat, len(b))
	}
	b = b[1:]
	b = b[copy(e.fingerprint[:], b):]
	n := binary.BigEndian.Uint32(b)
	if b = b[4:]; uint64(n)*uint64(idSize) > uint64(len(b)) {
		return e, fmt.Errorf("%w: event row: %d webhooks in %d bytes", record.ErrFormat, n, len(b))
	}
	e.Webhooks = make([]record.ID, n)
	for i := range e.Webhooks {
		b = b[copy(e.Webhooks[i][:], b):]
	}
	e.Record = b
	return e, nil
}
