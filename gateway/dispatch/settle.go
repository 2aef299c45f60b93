package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/persist"
)

// settler writes what became of webhooks, in batches: what ends while one batch is written goes with the next.
type settler struct {
	mu   sync.Mutex
	next persist.Batch
	wake chan struct{} // of capacity 1
	// urgent: others of an ordered queue wait for one of next to be durable.
	urgent bool
}

// add puts a settlement into the next batch; flush lets it go.
func (s *settler) add(one *persist.Settlement) {
	s.mu.Lock()
	s.next.Settlements = append(s.next.Settlements, *one)
	s.urgent = s.urgent || one.Was.Rank == 0
	s.mu.Unlock()
}

func (s *settler) addStates(states []persist.State, marks []persist.Mark) {
	s.mu.Lock()
	s.next.States = append(s.next.States, states...)
	s.next.Marks = append(s.next.Marks, marks...)
	s.mu.Unlock()
}

// flush wakes the settler if there is something to write.
func (s *settler) flush() {
	s.mu.Lock()
	empty := len(s.next.Settlements) == 0 && len(s.next.States) == 0 && len(s.next.Marks) == 0
	s.mu.Unlock()
	if empty {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *settler) take() (persist.Batch, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.next
	s.next, s.urgent = persist.Batch{}, false
	return b, len(b.Settlements) > 0 || len(b.States) > 0 || len(b.Marks) > 0
}

// A batch is written at once when none was lately; under load there is one every settleEvery, or whenever fullBatch
// have come together: each batch costs syncs, however many it settles.
const (
	settleEvery = 25 * time.Millisecond
	fullBatch   = 1024
)

// gather waits until it is time for the next batch, begun being when the last one was.
func (s *settler) gather(begun time.Time, stop <-chan struct{}) {
	due := time.NewTimer(settleEvery - time.Since(begun))
	defer due.Stop()
	for {
		s.mu.Lock()
		ready := s.urgent || len(s.next.Settlements) >= fullBatch
		s.mu.Unlock()
		if ready {
			return
		}
		select {
		case <-s.wake:
		case <-due.C:
			return
		case <-stop:
			return
		}
	}
}

// settle writes batches until stop is closed and nothing is left. A store that fails is asked again: what is not
// written is not forgotten.
func (d *Dispatcher) settle(stop <-chan struct{}) {
	var begun time.Time
	for {
		if time.Since(begun) < settleEvery {
			d.settler.gather(begun, stop)
		}
		b, some := d.settler.take()
		if !some {
			select {
			case <-d.settler.wake:
				continue
			case <-stop:
				if b, some = d.settler.take(); !some {
					return
				}
			}
		}
		begun = time.Now()
		if !d.write(b, stop) {
			return
		}
	}
}

// write settles one batch, however often that takes; false when it was told to stop meanwhile.
func (d *Dispatcher) write(b persist.Batch, stop <-chan struct{}) bool {
	wait := 50 * time.Millisecond
	for {
		fenced, err := d.set.Store.Settle(context.Background(), d.set.Member, b)
		if err == nil {
			if len(fenced) > 0 {
				d.set.Log.Warn().Int("partitions", len(fenced)).Msg("partitions are another member's now")
			}
			d.inbox.addSettled(b.Settlements)
			return true
		}
		d.metrics.settleErrors.Inc()
		d.set.Log.Error().Err(err).Int("webhooks", len(b.Settlements)).Dur("again_in", wait).
			Msg("writing what became of webhooks failed; it is tried again")
		if errors.Is(err, persist.ErrClosed) {
			return false
		}
		select {
		case <-stop:
			return false
		case <-time.After(wait):
		}
		wait = min(2*wait, 5*time.Second)
	}
}
