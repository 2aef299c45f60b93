package dispatch

import (
	"sync"

	"github.com/sluice-gateway/sluice/gateway/schedule"
	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// inbox is where everything that happens waits for the loop: slices under one lock, and one wake-up for however much
// has come. The loop takes all of it and gives the emptied slices back.
type inbox struct {
	mu    sync.Mutex
	now   *happened
	spare *happened
	wake  chan struct{} // of capacity 1
}

// happened is what came in since the loop last looked, each kind in its order.
type happened struct {
	committed []persist.Committed
	ended     []ended
	read      []windowRead
	recalled  []recalled
	settled   []persist.Settlement
	abandoned []schedule.Start // taken back: no worker had begun them
	commands  []*command
	passes    []passing // of callers' calls, in their order
}

// ended is an attempt that came to its end, and what is to be written of it; nil, at a shutdown only: it stays as it was.
type ended struct {
	lane       record.Lane
	end        schedule.End
	settlement *persist.Settlement
	unsent     bool // no attempt was made: there is nothing to learn
	counted    bool // in the metrics
	attempted  Attempted
}

type windowRead struct {
	queue   record.QueueID
	entries []record.Entry
	failed  bool
}

func (h *happened) reset() {
	clear(h.committed) // let go of the payloads
	clear(h.ended)
	clear(h.read)
	clear(h.recalled)
	clear(h.settled)
	clear(h.abandoned)
	clear(h.commands)
	clear(h.passes)
	h.committed, h.ended, h.read = h.committed[:0], h.ended[:0], h.read[:0]
	h.passes, h.recalled = h.passes[:0], h.recalled[:0]
	h.settled, h.abandoned, h.commands = h.settled[:0], h.abandoned[:0], h.commands[:0]
}

// take returns all that happened; it is valid until the next take.
func (b *inbox) take() *happened {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.now
	if taken == nil {
		taken = new(happened)
	}
	if b.spare == nil {
		b.spare = new(happened)
	}
	b.spare.reset()
	b.now, b.spare = b.spare, taken
	return taken
}

// add changes what waits, under the lock, and wakes the loop.
func (b *inbox) add(change func(*happened)) {
	b.mu.Lock()
	if b.now == nil {
		b.now = new(happened)
	}
	change(b.now)
	b.mu.Unlock()
	b.nudge()
}

// nudge wakes the loop, though nothing happened that it has to know of.
func (b *inbox) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) addEnded(e *ended) {
	b.add(func(h *happened) { h.ended = append(h.ended, *e) })
}

func (b *inbox) addRead(r windowRead) {
	b.add(func(h *happened) { h.read = append(h.read, r) })
}

func (b *inbox) addSettled(s []persist.Settlement) {
	b.add(func(h *happened) { h.settled = append(h.settled, s...) })
}

// abandon takes back a start that no worker has begun.
func (b *inbox) abandon(s schedule.Start) {
	b.add(func(h *happened) { h.abandoned = append(h.abandoned, s) })
}

// Committed takes webhooks from the store in commit order; the store calls it from its committer. It does not block.
func (d *Dispatcher) Committed(deposits []persist.Committed) {
	d.waits.committed(deposits)
	d.inbox.add(func(h *happened) { h.committed = append(h.committed, deposits...) })
}
