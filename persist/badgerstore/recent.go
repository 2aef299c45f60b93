package badgerstore

import (
	"sync"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// recentEach is how many entries a generation of recent has, and one group more at most; some 5 MiB for both.
const recentEach = 1 << 15

// recent remembers where webhooks stand in the live database that were accepted into it, or whose payload was read there, a short
// while ago, which is most of those that are settled there: whether their entry is there need not be read. What it does not know
// may be there all the same. Two generations: when the young one is full, it becomes the old one, which is forgotten.
type recent struct {
	mu         sync.Mutex
	young, old map[record.ID]recentEntry
	turns      uint64 // of generations, ever
}

// entryPlace is where an entry stands, its id apart.
type entryPlace struct {
	queue persist.QueueRef
	rank  int64
}

type recentEntry struct {
	entryPlace
	known knownBy
}

// knownBy is how an entry is known to stand somewhere.
type knownBy uint8

const (
	// byPayload: its payload's row was there, which says where it stood first. A retry may have moved it since, so that counts for
	// its first attempt alone: the end of that is told once, or again as it was told.
	byPayload knownBy = iota
	byAccepting
	// gone: a transaction deletes it. That is remembered for those who read before it is committed.
	gone
)

// add notes new entries. They are on disk, and nobody who could settle them was told of them yet.
func (r *recent) add(cs []persist.Committed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn()
	for i := range cs {
		c := &cs[i]
		r.young[c.Entry.ID] = recentEntry{entryPlace{persist.QueueRef{Part: c.Queue.Part(), ID: c.QueueID}, c.Entry.Rank}, byAccepting}
	}
}

// turn makes room in the young generation. Called with the lock held.
func (r *recent) turn() {
	if r.young != nil && len(r.young) < recentEach {
		return
	}
	r.young, r.old = r.old, r.young
	if r.turns++; r.young == nil {
		r.young = map[record.ID]recentEntry{}
	}
	clear(r.young)
}

// find returns what is known of an entry. Called with the lock held.
func (r *recent) find(id record.ID) (e recentEntry, ok bool) {
	if e, ok = r.young[id]; !ok {
		e, ok = r.old[id]
	}
	return e, ok
}

// now is to be asked before a view is begun, for seen.
func (r *recent) now() (turns uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.turns
}

// seen notes that a view, begun when now told turns, has a webhook's payload, which was queued first at a place. It does
// nothing where the webhook is known already, or so much came since that it may have been and was forgotten.
func (r *recent) seen(id record.ID, first entryPlace, turns uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.find(id); known || r.turns > turns+1 {
		return
	}
	r.turn()
	r.young[id] = recentEntry{first, byPayload}
}

// has reports that an entry is there for sure: no transaction that deletes it was begun. firstTry: it is asked for the end of its
// first attempt.
func (r *recent) has(id record.ID, p entryPlace, firstTry bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.find(id)
	return ok && e.is(p, firstTry)
}

func (e *recentEntry) is(p entryPlace, firstTry bool) bool {
	return e.entryPlace == p && (e.known == byAccepting || e.known == byPayload && firstTry)
}

// take is has, and remembers that the entry goes: a transaction is about to delete it.
func (r *recent) take(id record.ID, p entryPlace, firstTry bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.find(id)
	if !ok || !e.is(p, firstTry) {
		return false
	}
	r.goes(id)
	return true
}

// leave remembers that a transaction is about to delete a webhook's entry, of which take knew nothing.
func (r *recent) leave(id record.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.goes(id)
}

func (r *recent) goes(id record.ID) {
	delete(r.old, id)
	r.turn()
	r.young[id] = recentEntry{known: gone}
}
