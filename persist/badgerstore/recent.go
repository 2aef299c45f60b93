package badgerstore

import (
	"sync"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// recentEach is how many entries a generation of recent has, and one group more at most; some 5 MiB for both.
const recentEach = 1 << 15

// recent remembers where webhooks stand that were accepted into the live database a short while ago, which is most of
// those that are settled there: whether their entry is there need not be read. What it does not know may be there all
// the same. Two generations:
// when the young one is full, it becomes the old one, which is forgotten.
type recent struct {
	mu         sync.Mutex
	young, old map[record.ID]entryPlace
}

// entryPlace is where an entry stands, its id apart.
type entryPlace struct {
	queue persist.QueueRef
	rank  int64
}

// add notes new entries. They are on disk, and nobody who could settle them was told of them yet.
func (r *recent) add(cs []persist.Committed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || len(r.young) >= recentEach {
		r.young, r.old = make(map[record.ID]entryPlace), r.young
	}
	for i := range cs {
		c := &cs[i]
		r.young[c.Entry.ID] = entryPlace{persist.QueueRef{Part: c.Queue.Part(), ID: c.QueueID}, c.Entry.Rank}
	}
}

// has reports that an entry is there for sure: no transaction that deletes it was begun.
func (r *recent) has(id record.ID, p entryPlace) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.young[id]
	if !ok {
		at, ok = r.old[id]
	}
	return ok && at == p
}

// take is has, and forgets the entry: a transaction is about to delete it.
func (r *recent) take(id record.ID, p entryPlace) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range []map[record.ID]entryPlace{r.young, r.old} {
		if at, ok := m[id]; ok && at == p {
			delete(m, id)
			return true
		}
	}
	return false
}
