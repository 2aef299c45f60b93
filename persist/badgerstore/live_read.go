package badgerstore

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// liveBudget bounds the work for one page of live webhooks, in rows looked at; one that is read whole counts as
// liveReadCost.
const (
	liveBudget   = 1 << 13
	liveReadCost = 8
)

// Live implements persist.Store. Webhooks of the journal and of the live database come as one list. One that moves to the
// database meanwhile is in both, and is told once, as the database has it.
func (s *Store) Live(
	_ context.Context, before record.ID, wanted func(*record.Queue) bool, limit int,
) (*persist.LivePage, error) {
	if before == (record.ID{}) {
		before = record.ID(bytes.Repeat([]byte{0xff}, idSize))
	}
	l := &liveReader{
		store: s, wanted: wanted, queues: map[persist.QueueRef]*record.Queue{},
		young: s.fresh.before(before), // before the view of the others is begun: none is in neither
	}
	l.left = newEffort(liveBudget, s.pageTime)
	err := s.read(func(txn *badger.Txn) error {
		l.txn = txn
		l.it = txn.NewIterator(badger.IteratorOptions{Prefix: []byte{kindPayload}, Reverse: true, AllVersions: true})
		defer l.it.Close()
		l.it.Seek(idKey(kindPayload, before))
		return l.fill(before, limit)
	})
	if err != nil {
		return nil, fmt.Errorf("badgerstore: reading live webhooks before %s: %w", before, err)
	}
	return &l.page, nil
}

// liveReader goes through the live webhooks, the latest id first.
type liveReader struct {
	store  *Store
	txn    *badger.Txn
	wanted func(*record.Queue) bool
	queues map[persist.QueueRef]*record.Queue // as read so far; nil: gone, or not wanted
	young  *latestFirst                       // of the journal
	// it is at payloads of the database, every version of them: those deleted and not yet compacted away cost time too, so
	// they are counted.
	it   *badger.Iterator
	left *effort
	page persist.LivePage
}

// came is what a search for the next live id came to.
type came uint8

const (
	found  came = iota
	atEnd       // there is none
	broken      // the budget was spent before one was found
)

func (l *liveReader) fill(before record.ID, limit int) error {
	next, at := l.nextStored(before)
	for {
		var err error
		switch young := l.young.first(); {
		case len(l.page.Rows) == limit:
			l.page.Next = before
			return nil
		case at == found && (young == nil || next.Compare(young.entry.ID) >= 0):
			before, err = next, l.addStored(next)
			if young != nil && young.entry.ID == next {
				heap.Pop(l.young)
			}
			next, at = l.nextStored(next)
		case young != nil && (at != broken || young.entry.ID.Compare(next) > 0):
			before, err = young.entry.ID, l.addYoung(young)
			heap.Pop(l.young)
			if l.left.over() {
				l.page.Next = before
				return err
			}
		case at == broken:
			l.page.Next = next
			return nil
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// nextStored returns the latest id before another that the database has a payload of. Where the budget is spent first, it is
// the lowest id that was looked at: whatever it has from there on was told.
func (l *liveReader) nextStored(before record.ID) (id record.ID, at came) {
	looked := before
	live := false // id's latest version so far: they come oldest first
	for ; l.it.Valid(); l.it.Next() {
		if !l.left.spend(1) {
			l.left = newEffort(liveBudget, l.store.pageTime) // for those of the journal down to there: the next page looks at no row twice
			return looked, broken
		}
		item := l.it.Item()
		key := item.Key()
		if len(key) != 1+idSize || record.ID(key[1:]).Compare(before) >= 0 {
			continue
		}
		if this := record.ID(key[1:]); this != id {
			if live {
				return id, found
			}
			if id != (record.ID{}) {
				looked = id
			}
			id = this
		}
		live = !item.IsDeletedOrExpired()
	}
	if live {
		return id, found
	}
	return id, atEnd
}

func (l *liveReader) addStored(id record.ID) error {
	item, err := l.txn.Get(idKey(kindPayload, id))
	if err != nil {
		return notFoundIsNil(err)
	}
	var h home
	if err := item.Value(func(row []byte) (err error) { h, _, err = readPayload(row); return err }); err != nil {
		return nil //nolint:nilerr // unreadable: whoever is to send it sets it aside and says so
	}
	q, err := l.queue(h.queue)
	if q == nil || err != nil {
		return err
	}
	l.left.spend(liveReadCost)
	v, err := l.store.liveWebhook(l.txn, id)
	if errors.Is(err, persist.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	l.page.Rows = append(l.page.Rows, persist.LiveRow{Queue: *q, Entry: *v.Entry, Payload: v.Payload, Attempts: v.Attempts})
	return nil
}

func (l *liveReader) addYoung(e *freshEntry) error {
	l.left.spend(1)
	q, err := l.queue(e.queue)
	if q == nil || err != nil {
		return err
	}
	l.left.spend(liveReadCost)
	payload, err := l.store.fresh.payload(e)
	switch {
	case errors.Is(err, errMoved): // the view may be older than that
		return nil
	case err != nil:
		return l.store.journalError(e.entry.ID, e, err)
	}
	l.page.Rows = append(l.page.Rows, persist.LiveRow{Queue: *q, Entry: e.entry, Payload: payload})
	return nil
}

// queue returns a queue if it is wanted, nil if not, or if it is gone by now.
func (l *liveReader) queue(ref persist.QueueRef) (*record.Queue, error) {
	if q, ok := l.queues[ref]; ok {
		return q, nil
	}
	item, err := l.txn.Get(appendQueueKey(nil, kindQueue, ref))
	if err != nil {
		return nil, notFoundIsNil(err)
	}
	var q record.Queue
	if err := item.Value(func(row []byte) (err error) { q, _, err = readQueueRow(row); return err }); err != nil {
		return nil, err
	}
	if l.wanted != nil && !l.wanted(&q) {
		l.queues[ref] = nil
		return nil, nil //nolint:nilnil // said above
	}
	l.queues[ref] = &q
	return &q, nil
}

// latestFirst is a heap of the journal's entries: of many, a page takes some.
type latestFirst struct{ all []datedEntry }

type datedEntry struct {
	id    record.ID
	entry *freshEntry
}

// first returns the one with the latest id, nil when there is none.
func (l *latestFirst) first() *freshEntry {
	if len(l.all) == 0 {
		return nil
	}
	return l.all[0].entry
}

func (l *latestFirst) Len() int           { return len(l.all) }
func (l *latestFirst) Less(i, j int) bool { return l.all[i].id.Compare(l.all[j].id) > 0 }
func (l *latestFirst) Swap(i, j int)      { l.all[i], l.all[j] = l.all[j], l.all[i] }

// Push is heap.Interface's.
func (l *latestFirst) Push(x any) { l.all = append(l.all, x.(datedEntry)) } //nolint:forcetypeassert // nothing else is pushed

// Pop is heap.Interface's.
func (l *latestFirst) Pop() any {
	n := len(l.all) - 1
	last := l.all[n]
	l.all = l.all[:n]
	return last
}

func notFoundIsNil(err error) error {
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil
	}
	return err
}
