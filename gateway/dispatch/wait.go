package dispatch

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/persist"
	"github.com/sluice-gateway/sluice/persist/record"
)

// Bounds on what is kept for those who wait.
const (
	// MaxWaits is how many may wait at once; one more is not kept waiting.
	MaxWaits = 1024
	// MaxWaitedBody is how many bytes of a response's body are kept for one of them.
	MaxWaitedBody = 64 << 10
)

// waits are those who wait for the end of a webhook. While there are none, an attempt and a settlement cost one atomic
// load each. What they need of a response is kept for them alone.
type waits struct {
	n atomic.Int32

	mu     sync.Mutex
	coming map[*record.Webhook]*Wait // announced before their webhook has an id
	by     map[record.ID][]*Wait
}

// Wait is someone waiting for the end of one webhook.
type Wait struct {
	of    *waits
	ended chan struct{}

	// Under of.mu.
	webhook *record.Webhook // until it is stored
	id      record.ID       // from then on
	answer  Answer
}

// Answer is how a webhook ended, and what the destination said last.
type Answer struct {
	Final   record.Final
	Attempt *record.Attempt // the last; nil: none was made
	// Headers and Body are of its response: as received, the body's first MaxWaitedBody bytes.
	Headers   []record.Header
	Body      []byte
	Truncated bool // Body is not the whole body
}

// Await announces that the end of a webhook will be waited for: before it is given to the store, because it may have ended
// before the store has told its id. It is found again by its address, as persist.Deposit.Webhook. Nil: MaxWaits wait already.
// Whoever awaits must Drop the wait in the end.
func (d *Dispatcher) Await(w *record.Webhook) *Wait {
	if d.waits.n.Add(1) > MaxWaits {
		d.waits.n.Add(-1)
		return nil
	}
	wait := &Wait{of: &d.waits, ended: make(chan struct{}), webhook: w}
	d.waits.mu.Lock()
	defer d.waits.mu.Unlock()
	if d.waits.coming == nil {
		d.waits.coming, d.waits.by = map[*record.Webhook]*Wait{}, map[record.ID][]*Wait{}
	}
	d.waits.coming[w] = wait
	return wait
}

// Follow waits for a webhook that was stored before, instead of the one that was announced. It may have ended by then,
// and will not be told of again.
func (w *Wait) Follow(id record.ID) {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	w.of.found(w, id)
}

// Ended is closed when the webhook's end is durable; Answer tells it then.
func (w *Wait) Ended() <-chan struct{} { return w.ended }

// Answer is how the webhook ended; what it holds must not be changed. It may be called once Ended is closed.
func (w *Wait) Answer() *Answer { return &w.answer }

// Drop ends the waiting.
func (w *Wait) Drop() {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	w.of.drop(w)
	w.of.n.Add(-1)
}

// drop takes a wait from where it stands. Called with the lock held.
func (w *waits) drop(wait *Wait) {
	delete(w.coming, wait.webhook)
	left := slices.DeleteFunc(w.by[wait.id], func(other *Wait) bool { return other == wait })
	if len(left) == 0 {
		delete(w.by, wait.id)
		return
	}
	w.by[wait.id] = left
}

// found gives a wait the id of its webhook. Called with the lock held.
func (w *waits) found(wait *Wait, id record.ID) {
	w.drop(wait)
	wait.webhook, wait.id = nil, id
	w.by[id] = append(w.by[id], wait)
}

// committed learns the ids of those announced. It comes before anything can happen to them.
func (w *waits) committed(deposits []persist.Committed) {
	if w.n.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range deposits {
		if wait := w.coming[deposits[i].Webhook]; wait != nil && deposits[i].Webhook != nil {
			w.found(wait, deposits[i].Entry.ID)
		}
	}
}

// wanted reports whether anyone waits for a webhook.
func (w *waits) wanted(id record.ID) bool {
	if w.n.Load() == 0 {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.by[id]) > 0
}

// heard keeps what the destination said, in place of what it said before.
func (w *waits) heard(id record.ID, x *exchange) {
	var headers []record.Header
	x.resp.VisitAll(func(name, value []byte) {
		headers = append(headers, record.Header{Name: string(name), Value: string(value)})
	})
	body := slices.Clone(x.resp.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, wait := range w.by[id] {
		wait.answer.Headers, wait.answer.Body, wait.answer.Truncated = headers, body, x.resp.Truncated
	}
}

// settled tells those whose webhook's end is durable now.
func (w *waits) settled(all []persist.Settlement) {
	if w.n.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range all {
		s := &all[i]
		if s.Final == nil {
			continue
		}
		for _, wait := range w.by[s.ID] {
			wait.answer.Final, wait.answer.Attempt = *s.Final, s.Attempt
			close(wait.ended)
		}
		delete(w.by, s.ID)
	}
}
